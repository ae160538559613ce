"""This library's full mesh: ``python -m bench.mesh NODES PODS`` prints seconds and the ordered pairs that were confirmed."""

from __future__ import annotations

import sys
import time

from podnet_lab import Lab


def main(nodes: int, pods: int) -> None:
    """Wire the cluster, then time the exam over every ordered pair."""
    with Lab.open(nodes=nodes, pods=pods, name="bench") as lab:
        lab.build()
        start = time.perf_counter()
        exam = lab.check()
        print(time.perf_counter() - start, exam.matrix.reached)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
