"""Exercises of notebook 5: one route for a subnet, the way back, and the longest prefix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import gateways
from podnet_lab.exercises.claims import Cluster, addresses, everyone, exam, name_for_ping, reaches, route_taken, rules_with, straight
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.networks.static_routes import checks


def _check_outside(lab) -> Iterator[Check]:
    cluster = everyone(lab)
    yield from straight(cluster, "outside", "node2")
    for pod in cluster["node2"].pods:
        yield reaches(lab, "outside", name_for_ping(cluster, "node2", pod.name))


def _one_pod_alone(cluster: Cluster) -> bool:
    known = [route_taken(cluster["outside"].own, ip) is not None for ip in addresses(cluster["node2"])]
    return any(known) and not all(known)


def _detour(cluster: Cluster, source: str) -> bool:
    theirs = {address.interface.ip for address in cluster["node2"].own.addresses}
    ways = [route_taken(cluster[source].own, ip) for ip in addresses(cluster["node2"])]
    return any(route and route.via and route.via not in theirs for route in ways)


OUTSIDE = Exercise(
    "route-1",
    "A caller from outside",
    "The host `outside` (192.168.1.5) is to reach every Pod of node2, those that come next as well.\n"
    "One route on `outside` is enough. Nothing is translated.",
    _check_outside,
    (
        "Behind which node are all Pods of 10.244.2.0/24? Does that node know the way back?",
        "`ip route` on outside (`%%node outside`); compare it with `ip route` on node1",
        "`ip route add 10.244.2.0/24 via 192.168.1.12`",
    ),
    (
        Mistake("for one Pod alone", _one_pod_alone, "One Pod is reached. What will you do for the next one, and for a hundred?"),
        Mistake(
            "a detour",
            lambda cluster: _detour(cluster, "outside"),
            "It may arrive, if that node passes it on. But whose Pods are those? Send it straight there.",
        ),
    ),
    start="done",
)


def _check_pair(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    node1, node2 = cluster["node1"], cluster["node2"]
    yield from checks.route(node1, [node2])
    yield from checks.route(node2, [node1])
    ends = [[name_for_ping(cluster, node.node, pod.name) for pod in node.pods] for node in (node1, node2)]
    for source, target in [*product(ends[0], ends[1]), *product(ends[1], ends[0])]:
        yield reaches(lab, source, target)
    yield Check("node3 is as it was", "it forwards" if cluster["node3"].own.forwarding else None)


def _one_way(cluster: Cluster) -> bool:
    pair = (("node1", "node2"), ("node2", "node1"))
    knows = [any(route_taken(cluster[here].own, ip) for ip in addresses(cluster[there])) for here, there in pair]
    return knows[0] != knows[1]


PAIR = Exercise(
    "route-2",
    "Two nodes, both ways",
    "Let the Pods of node1 and those of node2 reach each other, each seen with its own address.\nNode 3 has to wait: leave it as it is.",
    _check_pair,
    (
        "Which three things does a packet need on its way there, and which of them does its answer need?",
        '`lab.explain("pod-1-2", "pod-2-2")` names the first thing in the way; mend it, and ask again',
        "in each Pod `ip -n POD route add default via 10.244.N.1`; on both nodes `sysctl -w net.ipv4.ip_forward=1` and"
        " `ip route add 10.244.M.0/24 via 192.168.1.1M`",
    ),
    (
        Mistake(
            "translated",
            lambda cluster: any(rules_with(node.own, "masquerade") for node in cluster.values()),
            "Answers come back, since the sender's address was replaced. Whose does the receiver see now? A way back needs a route.",
            needs=("nft",),
        ),
        Mistake("one way only", _one_way, "One node knows the way to the other's Pods. How do the answers come back?"),
        Mistake(
            "one node does not forward",
            lambda cluster: cluster["node1"].own.forwarding != cluster["node2"].own.forwarding,
            "One of the two nodes is a router. What does the other do with what is not for itself?",
        ),
    ),
    start="route",
)


def _lead_astray(lab) -> None:
    lab["node1"].shell("ip route add 10.244.2.0/25 via 192.168.1.13")


def _check_detour(lab) -> Iterator[Check]:
    yield from straight(lab.snapshot(), "node1", "node2")
    yield from exam(lab)


def _short_one_deleted(cluster: Cluster) -> bool:
    node = cluster["node1"].own
    return not any(route.to.supernet_of(gateway.network) for gateway in gateways(cluster["node2"]) for route in node.routes if route.via)


DETOUR = Exercise(
    "route-3",
    "It arrives, and is wrong",
    "pod-1-2 reaches pod-2-2, but every packet makes a detour over node3. Find out why, and end it:\n"
    "node1 sends what is for node2's Pods straight to node2, and everyone still reaches everyone.",
    _check_detour,
    (
        "If two routes fit an address, which of them does the kernel take?",
        '`ip route get 10.244.2.2` on node1; `lab.trace("pod-1-2", "pod-2-2")` shows every node that a packet passes',
        "`ip route del 10.244.2.0/25 via 192.168.1.13`",
    ),
    (
        Mistake(
            "the right route is gone",
            _short_one_deleted,
            "The route that you have deleted was the right one: the longer prefix is still there, and it wins. Which of the two was wrong?",
        ),
        Mistake(
            "node 3 closed",
            lambda cluster: not cluster["node3"].own.forwarding and _detour(cluster, "node1"),
            "The detour leads nowhere now, and node3's own Pods are cut off. Who decides which way node1's packets take?",
        ),
    ),
    start="done",
    prepare=_lead_astray,
)

EXERCISES = (OUTSIDE, PAIR, DETOUR)
