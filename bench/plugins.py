"""
What one ADD and one DEL of a CNI plugin cost: ``python -m bench.plugins`` prints JSON, each figure the median of calls, in seconds.

podnet-cni through its daemon, podnet-cni as Python alone, and `bridge` with `host-local`, in one node of a lab, one call of each
in turn: on a node without Pods, and on one that has a hundred. What is timed is what a runtime waits for: from the start of the
program to its end. The network namespaces are made before, and each Pod is taken away before the next comes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.aims import BRIDGE_PLUGIN, PLUGIN, PLUGIN_IN_PYTHON, THERE
from bench.contenders import CNI
from podnet_lab.cni.installation import BIN, PROGRAM
from podnet_lab.kernel import namespaces

ROUNDS = 15
CROWD = 100
"""Pods on the node that has some."""

BRIDGE = {
    "cniVersion": "1.0.0",
    "name": "go",
    "type": "bridge",
    "bridge": "go0",
    "isGateway": True,
    "ipam": {"type": "host-local", "subnet": "10.22.0.0/24", "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/bench-cni"},
}
SETTLE = 0.03
"""Seconds after a Pod has gone, in which the kernel clears away what it had: nobody's call is to wait for another's."""


def call(program: str, environment: dict[str, str], stdin: str, stdout: str) -> float:
    """Seconds that one call takes; SystemExit with the plugin's words if it failed."""
    files = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    start = time.perf_counter()
    _, status = os.waitpid(os.posix_spawn(program, [program], environment, file_actions=files), 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{program}: {Path(stdout).read_text()}")
    return seconds


def on_the_node(programs: dict[str, tuple[str, dict]]) -> dict[str, list[float]]:
    """All calls of *programs*, by what they are called, each a program and its configuration."""
    found: dict[str, list[float]] = {}
    known = {"PATH": os.environ["PATH"], "CNI_IFNAME": "eth0", "CNI_PATH": str(CNI)}
    stdin, stdout = "/run/bench-stdin", "/run/bench-stdout"
    for number in range(ROUNDS):
        for name, (program, configuration) in programs.items():
            pod = f"bench-{number}"
            Path(stdin).write_text(json.dumps(configuration))
            namespaces.add(pod)
            for command in ("ADD", "DEL"):
                environment = known | {"CNI_COMMAND": command, "CNI_CONTAINERID": pod, "CNI_NETNS": namespaces.path(pod)}
                found.setdefault(f"one {command}: {name}", []).append(call(program, environment, stdin, stdout))
                if command == "ADD" and not json.loads(Path(stdout).read_text())["ips"]:
                    sys.exit(f"{name} gave no address")
            namespaces.remove(pod)
            time.sleep(SETTLE)
    return found


def measured(pods: int, python: bool) -> Iterator[tuple[str, float]]:
    """The figures of a node with so many *pods*; with those of Python alone if asked."""
    from podnet_lab import Lab

    with Lab.open(nodes=1, pods=max(1, pods), name="plugins") as lab:
        if pods:
            lab.build()
        runtime = lab.runtime("node1")
        runtime.install(fast=True)
        listed = runtime.conflist(version="1.0.0")
        ours = {**listed["plugins"][0], "name": listed["name"], "cniVersion": listed["cniVersion"]}
        programs = {}
        if lab["node1"].shell(f"head -c 4 {BIN}/{PROGRAM}").endswith("ELF"):  # there was a compiler
            programs[PLUGIN] = f"{BIN}/{PROGRAM}", ours
        if (CNI / "bridge").exists():
            programs[BRIDGE_PLUGIN] = str(CNI / "bridge"), BRIDGE
        if python:
            programs[PLUGIN_IN_PYTHON] = f"{BIN}/{PROGRAM}-python", ours
        here = Path(__file__).parents[1]
        said = lab["node1"].shell(f"cd {here} && {sys.executable} -m bench.plugins - <<'EOF'\n{json.dumps(programs)}\nEOF")
        for name, seconds in json.loads(said).items():
            yield (f"{name}{THERE}" if pods else name), median(seconds)


def main() -> None:
    """On this machine, all figures; on a node, where standard input says what to call, the calls."""
    if len(sys.argv) > 1:
        print(json.dumps(on_the_node(json.load(sys.stdin))))
    else:
        print(json.dumps({**dict(measured(0, python=True)), **dict(measured(CROWD, python=False))}))


if __name__ == "__main__":
    main()
