"""
Claims about snapshots, and what contradicts each.

Pure, and by structure: a node's Pods are its named namespaces, its bridge is the bridge that their cables are plugged
into. So what a student typed with other names is judged like what the steps made. Ordered by layer (exists, up,
plugged, addressed, routed, forwarded), so that the first failure is the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podnet_lab.checks.check import Check, Checks
from podnet_lab.devices.roles import bridge_of, cable, gateways, pod_addresses
from podnet_lab.model import DEFAULT, Address, Link, Namespace, Snapshot
from podnet_lab.model.route_lookup import lookup_route
from podnet_lab.plan import unusable


def _pods(node: Snapshot, at_least: int) -> Check:
    found = [pod.name for pod in node.pods]
    claim = f"{node.node} has {at_least} Pod namespace{'s' if at_least != 1 else ''}" + (" or more" if at_least else "")
    if len(found) >= at_least:
        return Check(claim)
    return Check(claim, f"it has {', '.join(found)}" if found else "it has none")


def namespaces(node: Snapshot, at_least: int = 1) -> Checks:
    """Stage 1: does the node have a network namespace for each of its Pods?"""
    return Checks([_pods(node, at_least)])


def bridge(node: Snapshot, others: Iterable[Snapshot] = ()) -> Checks:
    """Stage 2: does the node have a bridge that is up and has an address, in a subnet that no other node's bridge has?"""
    found = bridge_of(node)
    if found is None:
        return Checks([Check(f"{node.node} has a bridge", "it has none")])
    return Checks(
        [
            Check(f"{node.node} has a bridge"),
            Check(f"{node.node}'s bridge is up", None if found.up else f"{found.name} is down"),
            Check(f"{node.node}'s bridge has an address", _no_subnet(node, found, others)),
        ]
    )


def _no_subnet(node: Snapshot, found: Link, others: Iterable[Snapshot]) -> str | None:
    has = node.own.addresses_of(found.name)
    if not has:
        return f"{found.name} has none"
    if all(one.network.prefixlen == 32 for one in has):
        return f"{found.name} has {has[0]}: with that prefix length it has no neighbours"
    if problem := unusable(has[0]):
        return f"{found.name} has {has[0]}, {problem}"
    for other in others:
        for theirs in gateways(other) if other.node != node.node else ():
            if any(one.network.overlaps(theirs.network) for one in has):
                return f"{found.name} has {', '.join(map(str, has))}, and {other.node}'s bridge {theirs}: the same addresses"
    return None


def veth(node: Snapshot) -> Checks:
    """Stage 3: does each Pod have a cable, with its other end plugged into the bridge?"""
    return _each_pod(node, _plugged)


def _plugged(node: Snapshot, pod: Namespace) -> Iterator[Check]:
    end = cable(pod)
    yield Check(f"{pod.name} has a cable", None if end else "it has no veth interface")
    if end is None:
        return
    claim = f"{pod.name}'s cable is plugged into {node.node}'s bridge"
    if end.peer is None or end.peer[0] is not None:
        yield Check(claim, f"the other end of {end.name} is not on {node.node}")
        return
    other, found = node.link(*end.peer), bridge_of(node)
    if other.master is None:
        yield Check(claim, f"{other.name} is not plugged into anything")
    else:
        yield Check(claim, None if found and other.master == found.name else f"{other.name} is plugged into {other.master}")


def addr(node: Snapshot) -> Checks:
    """Stage 4: does each Pod have an address from the bridge's subnet, of its own, on interfaces that are up?"""
    return _each_pod(node, _addressed)


def _addressed(node: Snapshot, pod: Namespace) -> Iterator[Check]:
    end = cable(pod)
    if end is None:
        yield Check(f"{pod.name} has a cable", "it has no veth interface")
        return
    yield Check(f"{pod.name} has an address in its bridge's subnet", _no_address(node, pod))
    mine = {one.ip for one in pod_addresses(pod)}
    twins = [other.name for other in node.pods if other.name != pod.name and mine & {one.ip for one in pod_addresses(other)}]
    twins += [node.node] if mine & {one.interface.ip for one in node.own.addresses} else []
    yield Check(f"{pod.name}'s address is its own", f"{', '.join(twins)} has it, too" if twins else None)
    other = node.link(*end.peer) if end.peer else None
    down = [link.name for link in (other, end) if link and not link.up]
    yield Check(f"{pod.name}'s cable is up at both ends", f"{' and '.join(down)} {'are' if len(down) > 1 else 'is'} down" if down else None)
    lo = pod.links.get("lo")
    yield Check(f"{pod.name}'s loopback is up", None if lo and lo.up else "lo is down")


def _no_address(node: Snapshot, pod: Namespace) -> str | None:
    """Why a Pod has no address that it can be reached at from its bridge's subnet, and others from it."""
    has, subnets = pod_addresses(pod), [gateway.network for gateway in gateways(node)]
    wide = [one for one in has if one.network not in subnets and any(one.network.overlaps(subnet) for subnet in subnets)]
    near = [one for one in pod.addresses if one.interface.network in subnets]
    if wide or not near:
        return f"it has {', '.join(map(str, has))}" if has else "it has no address"
    outside = [one for one in near if one.dev != "lo"]
    if not outside:
        return f"it has {near[0].interface} on lo alone"
    sent_from = next((one for one in outside if one.scope == "global" or _is_a_source(pod, one)), None)
    if sent_from is None:
        return f"it has {outside[0].interface} with scope {outside[0].scope}: nothing is sent from it to others"
    problem = unusable(sent_from.interface)
    return f"it has {sent_from.interface}, {problem}" if problem else None


def _is_a_source(pod: Namespace, address: Address) -> bool:
    """Whether a default route says, by what no step of the lesson gives it, from which address to send: then scopes do not decide."""
    return any(route.extra and route.dev == address.dev for route in pod.routes_to(DEFAULT))


def route(node: Snapshot, others: Iterable[Snapshot] = ()) -> Checks:
    """Stage 5: does each Pod have a way out, does the node forward, and does it know where the others' Pods are?"""
    found = list(_each_pod(node, _way_out))
    found.append(forwards(node))
    found += [knows(node, other) for other in others if other.node != node.node]
    return Checks(found)


def forwards(node: Snapshot) -> Check:
    """Does a node forward, from its bridge and from each interface that a route with a gateway leaves by?"""
    return Check(f"{node.node} forwards", _no_forwarding(node))


def _no_forwarding(node: Snapshot) -> str | None:
    if not node.own.forwarding:
        return "net.ipv4.ip_forward is 0"
    bridge = bridge_of(node)
    ways = {bridge.name if bridge else None, *(route.dev for route in node.own.routes if route.via)}
    off = sorted(dev for dev in ways & node.own.conf.keys() if not node.own.conf[dev].forwarding)
    return f"net.ipv4.conf.{off[0]}.forwarding is 0" if off else None


def _way_out(node: Snapshot, pod: Namespace) -> Iterator[Check]:
    claim, way = f"{pod.name} has a default route to its bridge", min(pod.routes_to(DEFAULT), key=lambda route: route.metric, default=None)
    if way is None:
        yield Check(claim, "it has no default route")
    else:
        yield Check(claim, None if way.via in [gateway.ip for gateway in gateways(node)] else f"it has {way}")


def knows(node: Snapshot, other: Snapshot) -> Check:
    """Does a node send what is for another one's Pods straight to that node?"""
    claim = f"{node.node} knows the way to {other.node}'s Pods"
    targets = [one.ip for pod in other.pods for one in pod_addresses(pod)] or [gateway.ip for gateway in gateways(other)]
    if not targets:
        return Check(claim, f"{other.node} has no Pod with an address")
    theirs = {one.interface.ip for one in other.own.addresses}
    for target in targets:
        choice = lookup_route(node.own, target)
        if (way := choice.route) is None:
            return Check(claim, choice.unsure or f"it has no route to {target}")
        if way.via not in theirs:
            return Check(claim, f"its route to {target} is {way}, which is not {other.node}")
    return Check(claim)


def _each_pod(node: Snapshot, judge) -> Checks:
    pods = list(node.pods)
    if not pods:
        return Checks([_pods(node, 1)])
    return Checks([check for pod in pods for check in judge(node, pod)])
