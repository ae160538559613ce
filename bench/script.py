"""A shell script with `ip`, the one that we print, as a contender: ``python -m bench.script 1 PODS``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from podnet_lab import recipes
from podnet_lab.plan import plan


def main(pods: int) -> None:
    """Run the script of all Pods of a node with sh; print seconds and what `count` counts."""
    cluster = plan(1, pods)
    (node,) = cluster.nodes
    bridge = [step.command for step in recipes.stage("bridge", node, cluster)]
    script = "\n".join(["set -e", *(step.command for pod in node.pods(pods) for step in recipes.pod(pod, node))])
    subprocess.run(["sh", "-e"], input="\n".join(bridge), text=True, check=True)
    start = time.perf_counter()
    subprocess.run(["sh"], input=script, text=True, check=True)
    print(subprocess.check_output([Path(__file__).parent / "count", "echo", str(time.perf_counter() - start)], text=True), end="")


if __name__ == "__main__":
    main(int(sys.argv[2]))
