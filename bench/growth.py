"""
How the time of one Pod grows with nodes and with Pods: ``python -m bench.growth`` prints a table.

One node with ever more Pods, up to what its subnet holds, and ever more nodes with twenty Pods each. The C program wires the same
Pods meanwhile, in batches: what grows for it as well is the kernel's own.
"""

from __future__ import annotations

import argparse
import json
from statistics import median

from bench import tables
from bench.aims import BATCHED, BUILT, VERIFIED
from bench.contenders import able, contenders, program
from podnet_lab.plan import MAX_PODS

ROUNDS = 3
SIZES = ((1, 20), (1, 50), (1, 100), (1, MAX_PODS), (3, 20), (10, 20), (25, 20), (50, 20))
"""(nodes, Pods on each); a thousand Pods at most: to count them, and to clear them away, takes far longer than to make them."""

WHO = (BATCHED, BUILT, VERIFIED)


def measure(rounds: int, sizes: tuple[tuple[int, int], ...]) -> dict[str, list[float]]:
    """Seconds of everyone for every size, in turn."""
    every = able([one for one in contenders(program()) if one.name in WHO])
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for nodes, pods in sizes:
            for one in every:
                found.setdefault(tables.growth_figure(nodes, pods, one.name), []).append(one.run(nodes, pods))
    return found


def size(text: str) -> tuple[int, int]:
    """Read "10x20": nodes, and Pods on each."""
    nodes, _, pods = text.partition("x")
    return int(nodes), int(pods)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=size, metavar="NODESxPODS")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="print all rounds as JSON")
    given = parser.parse_args()
    found = measure(given.rounds, tuple(given.sizes) or SIZES)
    print(json.dumps(found) if given.json else tables.growth({name: median(values) for name, values in found.items()}))


if __name__ == "__main__":
    main()
