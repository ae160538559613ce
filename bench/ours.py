"""This library as a contender: ``python -m bench.ours NODES PODS applied|verified``."""

from __future__ import annotations

import sys
import time

from podnet_lab import Lab, recipes


def main(nodes: int, pods: int, how: str) -> None:
    """Wire Pods on bridges that are there; print seconds and how many are plugged in, addressed and routed."""
    with Lab.open(nodes=nodes, pods=pods, name="bench") as lab:
        lab.run({node.name: recipes.stage("bridge", node, lab.plan) for node in lab.plan.nodes})
        recipe = {node.name: [step for pod in node.pods(pods) for step in recipes.pod(pod, node)] for node in lab.plan.nodes}
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
        ports = {name: set(node.own.ports_of("v-net-0")) for name, node in found.items()}
        counted = sum(_wired(pod, ports[name]) for name, node in found.items() for pod in node.pods)
        print(seconds, counted)


def _wired(pod, ports: set[str]) -> bool:
    plugged = any(link.peer and link.peer[1] in ports and link.up for link in pod.links.values())
    return plugged and bool(pod.addresses) and any(route.to.prefixlen == 0 for route in pod.routes)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
