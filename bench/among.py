"""One step, one snapshot and one trace in a lab of 330 Pods: ``python -m bench.among`` prints JSON, medians in seconds."""

from __future__ import annotations

import json
from statistics import median

from bench.aims import SNAPSHOT, STEP, TRACE
from bench.life import NODES, PODS, clock
from podnet_lab import Lab, route

TIMES = 15


def main() -> None:
    """Steps and traces are those of a student in the notebooks: a route more, and an echo between Pods of two nodes."""
    with Lab.open(nodes=NODES, pods=PODS, name="among") as lab:
        lab.build()
        lab.snapshot()
        node, far = lab["node1"], lab.plan["node2"].external.ip
        found = {
            SNAPSHOT: [clock(lab.snapshot) for _ in range(TIMES)],
            STEP: [clock(lambda number=number: node.run(route.add(f"10.99.{number}.0/24", via=str(far)))) for number in range(TIMES)],
            TRACE: [clock(lambda: _answered(lab.trace("pod-1-2", "pod-2-5"))) for _ in range(TIMES // 3)],
        }
        print(json.dumps({name: median(values) for name, values in found.items()}))


def _answered(trace) -> None:
    if not trace:
        raise SystemExit(f"not answered: {trace}")


if __name__ == "__main__":
    main()
