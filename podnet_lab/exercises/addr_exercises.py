"""Exercises of notebook 4: who is whose neighbour, and one address for one Pod."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import gateways, pod_addresses
from podnet_lab.exercises.claims import Cluster, address_shared, addresses, name_for_ping, reaches
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.model import Snapshot
from podnet_lab.networks.static_routes.checks import addr


def _halve(lab) -> None:
    lab["node1"].shell("ip addr del 10.244.1.1/24 dev v-net-0; ip addr add 10.244.1.129/25 dev v-net-0")


def _bridge_stays(node: Snapshot) -> Check:
    configured = [str(interface) for interface in gateways(node)]
    problem = None if configured == ["10.244.1.129/25"] else f"it has {', '.join(configured) or 'none'}"
    return Check("the bridge's address is still 10.244.1.129/25", problem)


def _check_half(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    node = cluster["node1"]
    yield _bridge_stays(node)
    yield from addr(node)
    pods = [name_for_ping(cluster, "node1", pod.name) for pod in node.pods]
    yield Check("node1 has two Pods", None if len(pods) == 2 else f"it has {len(pods)}")
    for source, target in ((pods[0], pods[1]), (pods[1], pods[0]), (pods[0], "10.244.1.129"), (pods[1], "10.244.1.129")):
        yield reaches(lab, source, target)


def _has(cluster: Cluster, test) -> bool:
    node = cluster["node1"]
    return any(test(own, gateway) for pod in node.pods for own in pod_addresses(pod) for gateway in gateways(node))


HALF = Exercise(
    "addr-1",
    "Half a subnet",
    "Node 1's bridge has another address than was planned: 10.244.1.129/25, and it keeps it.\n"
    "Give each of node1's two Pods an address that fits, and switch on what has to be on.\n"
    "The Pods are to reach each other and the bridge.",
    _check_half,
    (
        "Which addresses does the bridge call its neighbours? Which does a Pod?",
        "`ip addr show dev v-net-0` and `ip -n pod-1-2 addr` on node1; what is in 10.244.1.128/25?",
        "`ip -n pod-1-2 addr add 10.244.1.130/25 dev veth-1-2`, and so on; then both ends of each cable, and lo, up",
    ),
    (
        Mistake(
            "the same address twice",
            lambda cluster: address_shared(cluster["node1"]),
            "Two Pods have the same address. Who is to answer?",
        ),
        Mistake(
            "no prefix length",
            lambda cluster: _has(cluster, lambda own, _: own.network.prefixlen == 32),
            "What does `ip` make of an address without a prefix length, and how many neighbours has that?",
        ),
        Mistake(
            "the planned addresses",
            lambda cluster: _has(cluster, lambda own, gateway: own.ip not in gateway.network),
            "Would the bridge know that address as a neighbour? Its subnet is the upper half: where does that begin?",
        ),
        Mistake(
            "too many neighbours",
            lambda cluster: _has(cluster, lambda own, gateway: own.network != gateway.network),
            "The address is in the bridge's subnet, but the Pod believes in more neighbours than the bridge has. What says how many?",
        ),
    ),
    start="addr",
    prepare=_halve,
)


def _copy(lab) -> None:
    lab["node2"].shell("ip -n pod-2-3 addr flush dev veth-2-3; ip -n pod-2-3 addr add 10.244.2.2/24 dev veth-2-3")


def _check_own(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    node = cluster["node2"]
    yield Check("node2 has two Pods", None if len(list(node.pods)) == 2 else f"it has {len(list(node.pods))}")
    yield from addr(node)
    many = next((pod.name for pod in node.pods if len(pod_addresses(pod)) > 1), None)
    yield Check("no Pod has more than one address", f"{many} has several" if many else None)
    pods = [name_for_ping(cluster, "node2", pod.name) for pod in node.pods]
    for source, target in ((pods[0], pods[1]), (pods[1], pods[0]), ("node2", pods[0]), ("node2", pods[1])):
        yield reaches(lab, source, target)


OWN = Exercise(
    "addr-2",
    "Two Pods, one address",
    "On node2 both Pods have the same address. Mend it: each Pod has one address, and nobody else has it.\n"
    "Everyone on node2 reaches everyone.",
    _check_own,
    (
        "Who answers if the node asks for that address, and what becomes of the other Pod?",
        "`ip -n pod-2-2 addr` and `ip -n pod-2-3 addr` on node2",
        "`ip -n pod-2-3 addr del 10.244.2.2/24 dev veth-2-3`, then `addr add 10.244.2.3/24` in its place",
    ),
    (
        Mistake(
            "the shared one has stayed",
            lambda cluster: address_shared(cluster["node2"]) and len(addresses(cluster["node2"])) > 2,
            "A Pod has one more address now, and the one that both have is still there. An address does not replace another.",
        ),
        Mistake(
            "one has none now",
            lambda cluster: any(not pod_addresses(pod) for pod in cluster["node2"].pods),
            "Nobody shares an address any more. But every Pod needs one.",
        ),
    ),
    start="route",
    prepare=_copy,
)

EXERCISES = (HALF, OWN)
