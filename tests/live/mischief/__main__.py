"""`python -m live.mischief FIRST [COUNT]`: the networks of these seeds, and what was found; JSON with --json, for other processes."""

import json
import sys

from live.mischief.judge import Judge
from live.mischief.report import report


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    first, count, step = (*map(int, words), *(0, 1, 1)[len(words) :])[:3]
    with Judge() as judge:
        for seed in range(first, first + count * step, step):
            judge.network(seed)
        sys.stdout.write(json.dumps(judge.found.to_json()) if "--json" in sys.argv else report(judge.found) + "\n")


main()
