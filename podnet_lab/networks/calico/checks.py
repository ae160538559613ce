"""
What must be true on a node of Calico's once each stage is done, by structure, not by name. Pure.

What the other nodes are is read off their kernels: whoever wrote a route, or an entry, is judged by the same checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from podnet_lab.checks.check import Check, Checks
from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import cable, pod_addresses, uplink
from podnet_lab.model import DEFAULT, Cluster, Link, Namespace, Snapshot
from podnet_lab.model.nftables import name as element_name
from podnet_lab.model.route import BIRD, FELIX
from podnet_lab.networks.calico import names, recipe
from podnet_lab.networks.nft_rules import written
from podnet_lab.networks.static_routes import checks as lesson


def host_end(node: Snapshot, pod: Namespace) -> Link | None:
    """The node's end of a Pod's cable."""
    end = cable(pod)
    return node.link(*end.peer) if end is not None and end.peer is not None and end.peer[0] is None else None


def cables(node: Snapshot, mtu: int) -> Checks:
    """Each Pod has a cable that is up at both ends, with the MTU, plugged into nothing; the node's end has Calico's MAC, and no address."""
    found = [check for pod in node.pods for check in _cable(node, pod, mtu)]
    bridges = [link.name for link in node.own.links.values() if kind_of(link).switches]
    has_none = Check(f"{node.node} has no bridge", f"it has {bridges[0]}" if bridges else None)
    return Checks([*(found or lesson.namespaces(node)), has_none])


def _cable(node: Snapshot, pod: Namespace, mtu: int) -> Iterator[Check]:
    end, port = cable(pod), host_end(node, pod)
    yield Check(f"{pod.name} has a cable", None if end else "it has no veth interface")
    if end is None:
        return
    yield Check(f"{pod.name}'s cable ends on {node.node}", None if port else f"the other end of {end.name} is not there")
    if port is None:
        return
    down = [link.name for link in (port, end) if not link.up]
    yield Check(f"{pod.name}'s cable is up at both ends", f"{' and '.join(down)} {'are' if len(down) > 1 else 'is'} down" if down else None)
    wrong = [f"{link.name} has {link.mtu}" for link in (end, port) if link.mtu != mtu]
    yield Check(f"{pod.name}'s cable has an MTU of {mtu} at both ends", " and ".join(wrong) or None)
    made = f"{node.node}'s end of {pod.name}'s cable has the MAC {names.HOST_MAC}"
    yield Check(made, None if port.mac == names.HOST_MAC else f"{port.name} has {port.mac}")
    has = node.own.addresses_of(port.name)
    more = f"{port.name} has {has[0]}" if has else f"{port.name} is plugged into {port.master}" if port.master else None
    yield Check(f"{node.node}'s end of {pod.name}'s cable has no address, and is plugged into nothing", more)


def answers(node: Snapshot) -> Checks:
    """The node forwards, has a way for what it knows nothing of, and answers ARP for others at each Pod's cable."""
    way = node.own.routes_to(DEFAULT)
    found = [lesson.forwards(node), Check(f"{node.node} has a default route", None if way else "it has none")]
    for pod in node.pods:
        if (port := host_end(node, pod)) is None:
            continue
        conf, wanted = node.own.conf.get(port.name), {"proxy_arp": 1, "proxy_delay": 0, "route_localnet": 1, "forwarding": 1}
        if conf and not conf.proxy_arp:
            wanted.pop("proxy_delay")  # it is not read where nobody answers for others
        wrong = [f"{key} is {int(getattr(conf, key))}" for key, value in wanted.items() if conf and int(getattr(conf, key)) != value]
        yields = f"{node.node} answers ARP for others at {pod.name}'s cable, at once, and forwards from there"
        found.append(Check(yields, f"of {port.name}, {', '.join(wrong)}" if wrong else None))
    return Checks(found)


def addresses(node: Snapshot, cluster: Cluster) -> Checks:
    """Each Pod has one address of /32, of its own, and two routes: to the gateway, and by it to everything."""
    return lesson_or(node, [check for pod in node.pods for check in _address(node, pod, cluster)])


def lesson_or(node: Snapshot, found: list[Check]) -> Checks:
    """What was found; or, where there is no Pod to look at, that."""
    return Checks(found or lesson.namespaces(node))


def _address(node: Snapshot, pod: Namespace, cluster: Cluster) -> Iterator[Check]:
    has = pod_addresses(pod)
    alone = f"it has {', '.join(map(str, has))}" if has else "it has no address"
    yield Check(f"{pod.name} has one address, with /32", None if [one.network.prefixlen for one in has] == [32] else alone)
    twins = [
        space.name or name
        for name, other in cluster.items()
        for space in other.spaces.values()
        if (name, space.name) != (node.node, pod.name) and {one.ip for one in has} & {one.ip for one in pod_addresses(space)}
    ]
    yield Check(f"{pod.name}'s address is its own", f"{', '.join(twins)} has it, too" if twins else None)
    routes = sorted(f"{route.to} {route.via or 'there'} {route.kind}" for route in pod.routes if not route.kernel)
    wanted = sorted([f"{names.GATEWAY}/32 there unicast", f"{DEFAULT} {names.GATEWAY} unicast"])
    other = f"it has {'; '.join(map(str, pod.routes)) or 'none'}"
    yield Check(f"{pod.name} has two routes: to {names.GATEWAY}, and by it to everything", None if routes == wanted else other)


def pod_routes(node: Snapshot) -> Checks:
    """The node has a route to each of its Pods, out of that Pod's cable, and knows who is at the other end."""
    return lesson_or(node, [check for pod in node.pods for check in _pod_route(node, pod)])


def _pod_route(node: Snapshot, pod: Namespace) -> Iterator[Check]:
    port, end = host_end(node, pod), cable(pod)
    for own in pod_addresses(pod)[:1] if port and end else ():
        to = IPv4Network(f"{own.ip}/32")
        routes = node.own.routes_to(to)
        wrong = f"it has {routes[0]}" if routes else "it has none"
        right = bool(routes) and (routes[0].dev, routes[0].via, routes[0].kind) == (port.name, None, "unicast")
        yield Check(f"{node.node} has a route to {pod.name} alone, out of its cable", None if right else wrong)
        macs = [entry.mac for entry in node.own.neighbours if (entry.dev, entry.address) == (port.name, own.ip) and entry.mac]
        yield Check(f"{node.node} knows the MAC of {pod.name}", None if end.mac in macs else f"it has {macs[0]}" if macs else "it has none")


def own_blocks(node: Snapshot, protocol: int) -> Checks:
    """Each of the node's Pods is in a block that is thrown away where no Pod's route is longer."""
    return Checks(_own_blocks(node, protocol))


def blocks_of(node: Snapshot) -> list[IPv4Network]:
    """The blocks that a node has claimed: what it throws away of the Pods' range."""
    return [route.to for route in node.own.routes if route.kind == "blackhole" and route.to.subnet_of(names.POOL)]


def _own_blocks(node: Snapshot, protocol: int) -> Iterator[Check]:
    routes = [route for route in node.own.routes if route.kind == "blackhole" and route.to.subnet_of(names.POOL)]
    out = [str(own.ip) for pod in node.pods for own in pod_addresses(pod) if not any(own.ip in route.to for route in routes)]
    wrong = f"none has {out[0]}" if out else None if routes else "it has none"
    yield Check(f"{node.node} has a blackhole for each block that its Pods are in", wrong)
    maker = {BIRD: "bird", FELIX: str(FELIX)}[protocol]
    others = [str(route) for route in routes if route.protocol != protocol]
    yield Check(f"{node.node}'s blackholes are of proto {maker}", f"it has {others[0]}" if others else None)


def by_bgp(node: Snapshot, cluster: Cluster) -> Checks:
    """The node has a blackhole for its own blocks, and for each other node's a route by that node's own address; BIRD made them all."""
    found = list(_own_blocks(node, BIRD))
    for other in cluster.values():
        if other.node != node.node:
            found += _remote(node, other, _by_address)
    return Checks(found)


def _remote(node: Snapshot, other: Snapshot, wrong) -> Iterator[Check]:
    blocks = blocks_of(other)
    claim = f"{node.node} has a route to {other.node}'s block"
    if not blocks:
        yield Check(claim, f"{other.node} has claimed none")
    for block in blocks:
        routes = node.own.routes_to(block)
        yield Check(f"{claim} {block}", wrong(node, other, routes[0]) if routes else "it has none")


def _by_address(node: Snapshot, other: Snapshot, route) -> str | None:
    up, far = uplink(node), {one.interface.ip for one in other.own.addresses}
    right = route.via in far and up is not None and route.dev == up.name and route.protocol == BIRD
    return None if right else f"it has {route}"


def rules(node: Snapshot) -> Checks:
    """What comes from a Pod with another's address is thrown away, what leaves the Pods' range masqueraded; and all Pods are known."""
    claim = f"{node.node} has Calico's rules"
    if node.own.rules.problem:
        return Checks([Check(claim, node.own.rules.problem)])
    return Checks([written(claim, node, names.TABLE, recipe.shared_rules()), *(_known(node, pod) for pod in node.pods)])


def _entries(node: Snapshot, map_name: str) -> dict[str, str]:
    """What a map says of each interface: a verdict, by its first word."""
    listed = node.own.rules.sets.get(("ip", names.TABLE, map_name), ())
    return {element_name(one): next(iter(one[1]), "") for one in listed if isinstance(one, list) and isinstance(one[1], dict)}


def dispatches(node: Snapshot) -> bool:
    """Whether the node has the maps by which packets are sent on, or may have: its rules are not known."""
    return bool(node.own.rules.problem) or all(
        ("map", "ip", names.TABLE, name) in node.own.rules.objects for name in (names.FROM_PODS, names.TO_PODS)
    )


def is_known(node: Snapshot, end: Link) -> bool:
    """Whether the node's end of a cable is in both maps through which a Pod's packets are sent on, or may be: its rules are not known."""
    return bool(node.own.rules.problem) or all(end.name in _entries(node, name) for name in (names.FROM_PODS, names.TO_PODS))


def _known(node: Snapshot, pod: Namespace) -> Check:
    end, wrong = host_end(node, pod), []
    for name in (names.FROM_PODS, names.TO_PODS) if end is not None else ():
        verdict = _entries(node, name).get(end.name)
        if verdict is None:
            wrong.append(f"{name} has no entry for {end.name}")
        elif verdict != "return":
            wrong.append(f"{name}'s entry for {end.name} says {verdict}")
    return Check(f"{node.node} sends on what comes from {pod.name}, and what goes to it", "; ".join(wrong) or None)
