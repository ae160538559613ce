"""A lab of 50 nodes × 20 Pods: ``python -m bench.big`` prints JSON: seconds to open, to build and verify, and to check 5,000 pairs."""

from __future__ import annotations

import json
import time

from podnet_lab import Lab

NODES, PODS, PAIRS = 50, 20, 5000


def main() -> None:
    """Open, build, check; each by itself."""
    start = time.perf_counter()
    with Lab.open(nodes=NODES, pods=PODS, name="big") as lab:
        opened = time.perf_counter()
        lab.build()
        built = time.perf_counter()
        if not lab.check(sample=PAIRS):
            raise SystemExit("not every pair was reached")
        print(json.dumps({"big: open": opened - start, "big: build": built - opened, "big: check": time.perf_counter() - built}))


if __name__ == "__main__":
    main()
