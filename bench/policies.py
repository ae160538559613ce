"""
100 NetworkPolicies over 330 Pods: ``python -m bench.policies`` prints JSON: seconds to compile, to apply, and to switch to others.

To apply and to switch includes compiling, and the kernels' rules are read back and judged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from ipaddress import IPv4Network

from podnet_lab import Lab, policies
from podnet_lab.lab.network_policies import policy_cluster
from podnet_lab.policies.objects import IpBlock, LabelledPod, NetworkPolicy, Peer, Port, PortName, Rule, Selector

NODES, PODS, POLICIES = 3, 110, 100


def objects(names: list[str], step: int) -> Iterator[NetworkPolicy | LabelledPod]:
    """A hundred apps, each with a policy that lets in the app *step* further at two ports, and a block of addresses at a third."""
    for number, name in enumerate(names):
        yield LabelledPod(name, labels={"app": f"app-{number % POLICIES}"}, ports=(PortName("http", 8080),))
    for number in range(POLICIES):
        client = Peer(pods=Selector((("app", f"app-{(number + step) % POLICIES}"),)))
        outside = Peer(block=IpBlock(IPv4Network("192.168.0.0/16"), (IPv4Network("192.168.7.0/24"),)))
        rules = (Rule((client,), (Port("TCP", "http"), Port("TCP", 9000, 9010))), Rule((outside,), (Port("TCP", 443),)))
        egress = (Rule((client,)), Rule((), (Port("UDP", 53),)))
        yield NetworkPolicy(
            f"app-{number}", pods=Selector((("app", f"app-{number}"),)), ingress=rules, egress=egress, types=("Ingress", "Egress")
        )


def main() -> None:
    """Compile, apply, switch; each by itself."""
    with Lab.open(nodes=NODES, pods=PODS, name="policies") as lab:
        lab.build()
        names = [pod.name for node in lab.snapshot().values() for pod in node.pods]
        first, second = (list(objects(names, step)) for step in (1, 2))
        now = lab.snapshot()
        start = time.perf_counter()
        rules = {name: node.own.rules for name, node in now.items()}
        policies.cluster_steps(policy_cluster(now, first), rules, dict.fromkeys(now, True))
        compiled = time.perf_counter()
        lab.apply(*first)
        applied = time.perf_counter()
        lab.apply(*second)
        switched = time.perf_counter()
        print(
            json.dumps(
                {"policies: compile": compiled - start, "policies: apply": applied - compiled, "policies: switch": switched - applied}
            )
        )


if __name__ == "__main__":
    main()
