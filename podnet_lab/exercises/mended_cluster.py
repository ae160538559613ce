"""Claims about a cluster that was mended: that it is as it was planned, and that nothing was added to work around a fault. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import bridge_of, pod_addresses, uplink
from podnet_lab.exercises.claims import Cluster, Untested, straight
from podnet_lab.model import DEFAULT, USUAL_POLICY, Namespace, Snapshot
from podnet_lab.networks.static_routes.network import NETWORK
from podnet_lab.plan import Plan


def unchanged(cluster: Cluster, plan: Plan) -> Iterator[Check]:
    """The checks of every stage hold, and nothing was added beside: no route, address, neighbour or rule."""
    for name in NETWORK.stage_names:
        checks = (one for node in cluster.values() for one in NETWORK.checks(name, node, cluster, plan.pods_per_node))
        wrong = (f"{one.claim}: {one.problem}" for one in checks if not one)
        yield _first(f"the checks of stage {name!r} hold on every node", wrong)
    yield _first(
        "each node has a route to the whole subnet of every other, straight to that node",
        (_crooked(cluster, *pair) for pair in permutations(cluster, 2)),
    )
    yield _first("a bridge, a Pod and a node's own interface have one address each", map(_addresses, cluster.values()))
    yield _first("a node has no route to a single address", map(_single, cluster.values()))
    yield _first("a Pod's only way out is its default route", (_side_doors(pod) for node in cluster.values() for pod in node.pods))
    spaces = [space for node in cluster.values() for space in node.spaces.values()]
    yield _first("no neighbour entry (ip neigh) was written by hand", (_by_hand(node) for node in cluster.values()))
    yield _first("nobody answers ARP for others", (_proxy(space) for space in spaces))
    unread = next((node.own.rules.problem for node in cluster.values() if node.own.rules.problem), None)
    claim = "no rule of nftables is left"
    yield Untested(claim, unread) if unread else _first(claim, map(_rules, cluster.values()))


def _first(claim: str, problems: Iterator[str | None]) -> Check:
    return Check(claim, next((one for one in problems if one), None))


def _crooked(cluster: Cluster, source: str, target: str) -> str | None:
    return next((f"{one.claim}: {one.problem}" for one in straight(cluster, source, target) if not one), None)


def _addresses(node: Snapshot) -> str | None:
    for one in (bridge_of(node), uplink(node)):
        if one and len(has := node.own.addresses_of(one.name)) > 1:
            return f"{node.node}'s {one.name} has {', '.join(map(str, has))}"
    return next((f"{pod.name} has {', '.join(map(str, pod_addresses(pod)))}" for pod in node.pods if len(pod_addresses(pod)) > 1), None)


def _single(node: Snapshot) -> str | None:
    # A VM has one of its own, to the gateway of Calico's Pods, which is link-local as no address of the lesson's is.
    alone = (route for route in node.own.routes if not route.kernel and route.to.prefixlen == 32 and not route.to.is_link_local)
    return next((f"{node.node} has {route}" for route in alone), None)


def _side_doors(pod: Namespace) -> str | None:
    if pod.policy != USUAL_POLICY:
        return f"{pod.name} has policy rules of its own"
    return next((f"{pod.name} has {route}" for route in pod.routes if not route.kernel and route.to != DEFAULT), None)


def _by_hand(node: Snapshot) -> str | None:
    for space in node.spaces.values():
        for one in space.neighbours:
            if one.state == "PERMANENT":
                return f"{space.name or node.node} has {one.address} written down for good"
    return None


def _proxy(space: Namespace) -> str | None:
    return next((f"proxy_arp is on at {dev}" for dev, conf in space.conf.items() if conf.proxy_arp), None)


def _rules(node: Snapshot) -> str | None:
    rules = node.own.rules
    chains = [key[2:] for key, value in rules.objects.items() if key[0] == "chain" and value.get("policy") == "drop"]
    chains += [key[1:] for key, said in rules.rules.items() if said]
    return f"{node.node} has some in table {chains[0][0]}" if chains else None
