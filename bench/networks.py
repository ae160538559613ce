"""
Every Pod network that podnet_lab knows, beside the others: ``python -m bench.networks [NETWORK …]`` prints two tables.

How fast Pods are wired, what goes through TCP between two of them and how long a request takes (`bench.traffic`, run inside the
Pods), and how long an echo of 84 bytes is on the wire. All that is sent stays in one kernel: see docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

from bench import tables
from bench.aims import BUILT, VERIFIED
from bench.contenders import Contender, python, quiet
from bench.life import NODES, PODS, clock
from podnet_lab import Lab
from podnet_lab.networks import registry

ROUNDS, ON_A_NODE, SECONDS, REQUESTS = 3, 200, 1.0, 5000
"""Rounds, all networks in turn; Pods that are wired on one node; seconds of a stream; requests, one after the other."""

PORT = 5201
TRAFFIC = Path(__file__).with_name("traffic.py")
MOST = 60
"""Seconds that a program in a Pod may take."""


def missing(name: str) -> str | None:
    """What the network *name* lacks on this machine, in a word; what needs a device of its own or of the kernel's is not measured."""
    network = registry.find(name)
    if device := network.natively or next((file.path for file in network.device_files), ""):
        return f"it needs {device}"
    needs = tuple((need.program, need.package) for need in network.needs)
    return Contender(name, python("ours"), needs).missing()


def wired(name: str, pods: int) -> Iterator[tuple[str, float]]:
    """Pods a second on one node that is ready for them: built, and built and verified."""
    for how, who in (("applied", BUILT), ("verified", VERIFIED)):
        seconds = Contender(f"{name}, {how}", python("ours", how, name), own_namespaces=True).run(1, pods)
        yield tables.network_figure(name, who), pods / seconds


def whole(name: str, pods: int) -> Iterator[tuple[str, float]]:
    """Seconds for the whole network, with its rules, tunnels and daemons, until it is verified."""
    quiet()
    with Lab.open(nodes=NODES, pods=pods, name="networks", network=name, where="namespaces") as lab:
        yield tables.network_figure(name, tables.WHOLE), clock(lab.build)


def used(name: str, seconds: float, requests: int) -> Iterator[tuple[str, float]]:
    """
    What goes through it, with two Pods on a node.

    A hundred of them would be heard: for some seconds each asks for routers (IPv6), and a bridge hands that to all others.
    """
    quiet()
    with Lab.open(nodes=NODES, pods=2, name="networks", network=name, where="namespaces") as lab:
        lab.build()
        here, beside, far = (*lab.plan.nodes[0].pods(2), lab.plan.nodes[1].pods(1)[0])
        yield tables.network_figure(name, tables.WIRE), wire(lab, here.name, far.name)
        ways = {(name, tables.ONE_NODE): beside, (name, tables.ACROSS): far}
        if name == registry.LESSON:
            ways[tables.GENERATOR, tables.ONE_NODE] = here
        for (who, where), there in ways.items():
            bits = rate(run(lab, there, f"receive {PORT}", here, f"send {there.ip} {PORT} {seconds}")[0])
            times = json.loads(run(lab, there, f"answer {PORT}", here, f"ask {there.ip} {PORT} {requests}")[1])
            yield tables.network_figure(who, tables.STREAM, where), bits
            yield tables.network_figure(who, tables.MEDIAN, where), median(times)
            yield tables.network_figure(who, tables.P99, where), quantiles(times, n=100)[98]


def wire(lab: Lab, source: str, target: str) -> int:
    """Bytes of an echo's frame where it goes from node to node."""
    uplinks = {node.name: node.uplink for node in lab.plan.nodes}
    trace = lab.trace(source, target, size=tables.ECHO)
    seen = [hop.seen for hop in trace.way("there") if hop.seen.namespace is None]
    if not (lengths := [frame.length for frame in seen if frame.dev == uplinks[frame.node]]):
        raise SystemExit(f"an echo was not seen on the wire:\n{trace}")
    return max(lengths)


def rate(printed: str) -> float:
    """Bits a second, from what a receiver printed."""
    found = json.loads(printed)
    return found["bytes"] * 8 / found["seconds"]


def run(lab: Lab, server_pod, serving: str, client_pod, asking: str) -> tuple[str, str]:
    """Run the generator in two Pods at the same time; what each printed. ShellFailed if one failed, or took too long."""
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(lab[pod.node].shell, command(pod.name, words)) for pod, words in ((server_pod, serving), (client_pod, asking))]
        served, asked = (one.result() for one in both)
    return served, asked


def command(pod: str, words: str) -> str:
    """A command line for a node that runs the generator in a Pod, as a person would type it."""
    return f"timeout {MOST} ip netns exec {pod} {sys.executable} -I {TRAFFIC} {words}"


def measure(names: list[str], rounds: int, on_a_node: int, pods: int, seconds: float, requests: int) -> dict[str, list[float]]:
    """All rounds of all networks that this machine can have, in turn."""
    found: dict[str, list[float]] = {}
    for name in names:
        if (lack := missing(name)) is not None:
            print(f"left out: {name} ({lack})", file=sys.stderr)
    for _ in range(rounds):
        for name in (name for name in names if missing(name) is None):
            for figure, value in (*wired(name, on_a_node), *whole(name, pods), *used(name, seconds, requests)):
                found.setdefault(figure, []).append(value)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.networks", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(registry.names())}; all of them if none is given")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--on-a-node", type=int, default=ON_A_NODE, metavar="PODS", help=f"Pods to wire on one node ({ON_A_NODE})")
    parser.add_argument("--pods", type=int, default=PODS, help=f"Pods on each of three nodes, for the whole network ({PODS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of a stream ({SECONDS:g})")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--json", action="store_true", help="print all rounds as JSON")
    given = parser.parse_args()
    found = measure(given.networks or list(registry.names()), given.rounds, given.on_a_node, given.pods, given.seconds, given.requests)
    print(json.dumps(found) if given.json else tables.networks({name: median(values) for name, values in found.items()}))


if __name__ == "__main__":
    main()
