"""This library as a contender: ``python -m bench.ours NODES PODS applied|verified [NETWORK]``."""

from __future__ import annotations

import sys
import time

from podnet_lab import Lab
from podnet_lab.model import Namespace, Snapshot
from podnet_lab.networks.bridged import BridgedNetwork
from podnet_lab.plan import Node


def main(nodes: int, pods: int, how: str, network: str | None = None) -> None:
    """Wire Pods on nodes that are ready for them; print seconds and how many are plugged in, addressed and routed."""
    with Lab.open(nodes=nodes, pods=pods, name="bench", network=network, where="namespaces") as lab:
        lab.run({node.name: lab.network.first_steps(node) for node in lab.plan.nodes})
        recipe = {node.name: [step for pod in node.pods(pods) for step in lab.network.pod(pod, node)] for node in lab.plan.nodes}
        start = time.perf_counter()
        if how == "verified":
            lab.run(recipe)
        else:
            agents = lab.parts.core.agents
            requests = {name: [request for step in steps for request in step.requests()] for name, steps in recipe.items()}
            for answer in [agents[name].start("apply", requests=each) for name, each in requests.items()]:
                answer()
        seconds = time.perf_counter() - start
        found = lab.snapshot()
        bridged = isinstance(lab.network, BridgedNetwork)
        ends = {node.name: _node_ends(found[node.name], node, bridged) for node in lab.plan.nodes}
        counted = sum(_wired(pod, ends[name]) for name, node in found.items() for pod in node.pods)
        print(seconds, counted)


def _node_ends(has: Snapshot, node: Node, bridged: bool) -> set[str]:
    """Where a Pod's cable has to end on a node: at a port of the bridge, or, in a network without one, just there."""
    return set(has.own.ports_of(node.bridge)) if bridged else {link.name for link in has.own.links.values() if link.up}


def _wired(pod: Namespace, ends: set[str]) -> bool:
    plugged = any(link.peer and link.peer[1] in ends and link.up for link in pod.links.values())
    return plugged and bool(pod.addresses) and any(route.to.prefixlen == 0 for route in pod.routes)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
