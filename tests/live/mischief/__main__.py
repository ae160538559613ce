"""
`python -m live.mischief SEED` plays the network of one seed again and says all that was found.

With `--cases N` it goes on, `--step S` seeds further each time, until so many cases were judged; `--json` is for other programs.
"""

import argparse
import json
import sys

from live.mischief.judge import Judge
from live.mischief.report import report


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("seed", type=int)
    words.add_argument("--cases", type=int, default=1)
    words.add_argument("--step", type=int, default=1)
    words.add_argument("--json", action="store_true")
    asked = words.parse_args()
    with Judge() as judge:
        for seed in range(asked.seed, asked.seed + asked.cases * asked.step, asked.step):
            judge.network(seed)
            if judge.found.cases >= asked.cases:
                break
        sys.stdout.write(json.dumps(judge.found.to_json()) if asked.json else report(judge.found) + "\n")


main()
