"""
What must be true on a node of Flannel's once each stage is done, by structure, not by name. Pure.

What the other nodes publish is read off their kernels: the MAC that an entry should have is the one that the other tunnel has.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from podnet_lab.checks.check import Check, Checks
from podnet_lab.devices.roles import bridge_of, cable, gateways, tunnel_of, uplink
from podnet_lab.model import DEFAULT, Cluster, Link, Namespace, Snapshot
from podnet_lab.networks.flannel import names
from podnet_lab.networks.static_routes import checks as lesson


def bridge(node: Snapshot, cluster: Cluster, mtu: int) -> Checks:
    """A bridge that is up, with an address in a subnet of its own, and the MTU of the way to the other nodes."""
    found = list(lesson.bridge(node, cluster.values()))
    if (has := bridge_of(node)) is not None:
        found.append(Check(f"{node.node}'s bridge has an MTU of {mtu}", None if has.mtu == mtu else f"{has.name} has {has.mtu}"))
    return Checks(found)


def veth(node: Snapshot, mtu: int) -> Checks:
    """Each Pod's cable is plugged in, with the MTU at both ends, and may get back what it sent."""
    found = list(lesson.veth(node))
    for pod in node.pods:
        found += _port(node, pod, mtu)
    return Checks(found)


def _port(node: Snapshot, pod: Namespace, mtu: int) -> Iterator[Check]:
    end = cable(pod)
    port = node.link(*end.peer) if end and end.peer else None
    if end is None or port is None:
        return
    wrong = [f"{link.name} has {link.mtu}" for link in (end, port) if link.mtu != mtu]
    yield Check(f"{pod.name}'s cable has an MTU of {mtu} at both ends", " and ".join(wrong) or None)
    yield Check(f"{pod.name}'s port is a hairpin", None if port.hairpin else f"{port.name} is none")


def way_out(node: Snapshot) -> Checks:
    """Each Pod has a default route, and one to all Pods' range, both to its bridge; the node forwards."""
    found = []
    for pod in node.pods:
        for to, what in ((DEFAULT, "a default route"), (names.NETWORK, f"a route to {names.NETWORK}")):
            ways = [route.via for route in pod.routes_to(to)]
            near = [gateway.ip for gateway in gateways(node)]
            said = f"it goes by {ways[0]}" if ways else "it has none"
            found.append(Check(f"{pod.name} has {what} to its bridge", None if ways and ways[0] in near else said))
    return Checks([*(found or lesson.namespaces(node)), lesson.forwards(node)])


def tunnel(node: Snapshot) -> Checks:
    """The node's end of the tunnel: as flanneld makes it, up, with one address of /32."""
    link = tunnel_of(node)
    if link is None:
        return Checks([Check(f"{node.node} has a tunnel", "it has no vxlan interface")])
    up = uplink(node)
    own = node.own.addresses_of(up.name)[0].ip if up and node.own.addresses_of(up.name) else None
    wanted = {"vni": names.VNI, "local": str(own), "dev": up and up.name, "port": names.PORT, "learning": False}
    wrong = [f"its {key} is {link.setting(key)}, not {value}" for key, value in wanted.items() if link.setting(key) != value]
    wrong += [f"its MTU is {link.mtu}"] if link.mtu != names.TUNNEL_MTU else []
    has = node.own.addresses_of(link.name)
    subnets = [f"{gateway.network.network_address}/32" for gateway in gateways(node)]
    at = None if [*map(str, has)] == subnets[:1] else f"{link.name} has {', '.join(map(str, has)) or 'none'}"
    claim = f"{node.node}'s tunnel"
    made = f"{claim} has VNI {names.VNI}, port {names.PORT}, its node's address, no learning, MTU {names.TUNNEL_MTU}"
    return Checks(
        [
            Check(f"{node.node} has a tunnel"),
            Check(made, "; ".join(wrong) or None),
            Check(f"{claim} is up", None if link.up else f"{link.name} is down"),
            Check(f"{claim} has one address, its subnet's own with /32", at),
        ]
    )


def peers(node: Snapshot, cluster: Cluster) -> Checks:
    """For each other node a neighbour, a forwarding entry and a route, with that node's real MAC and address, and nothing else."""
    link = tunnel_of(node)
    others = [other for name, other in cluster.items() if name != node.node]
    if link is None:
        return tunnel(node)
    found = [check for other in others for check in peer(node, other)]
    counts = {
        "neighbours": sum(entry.dev == link.name and entry.state == "PERMANENT" for entry in node.own.neighbours),
        "forwarding entries": sum(entry.dev == link.name and entry.remote is not None for entry in node.own.fdb),
        "routes": sum(route.dev == link.name and not route.kernel for route in node.own.routes),
    }
    more = [f"it has {count} {what}" for what, count in counts.items() if count > len(others)]
    learnt = [entry.mac for entry in node.own.fdb if entry.dev == link.name and not entry.permanent]
    more += [f"it has learnt {learnt[0]}"] if learnt else []
    return Checks([*found, Check(f"{node.node} has one of each for each other node, and has learnt nothing", "; ".join(more) or None)])


def peer(node: Snapshot, other: Snapshot) -> Iterator[Check]:
    """What *node* has to know of one other node: neighbour, forwarding entry and route, as that node really is."""
    link, far = tunnel_of(node), tunnel_of(other)
    subnet = next((gateway.network for gateway in gateways(other)), None)
    claim = f"{node.node} knows the tunnel of {other.node}"
    if link is None or far is None or subnet is None:
        lacks = f"{other.node} has no bridge with an address" if link and far else f"{(other if link else node).node} has no tunnel"
        yield Check(claim, lacks)
        return
    gateway, up = subnet.network_address, uplink(other)
    macs = [entry.mac for entry in node.own.neighbours if (entry.dev, entry.address, entry.state) == (link.name, gateway, "PERMANENT")]
    yield Check(
        f"{claim}: the MAC of {gateway}", None if macs == [far.mac] else f"it has {macs[0]}, not {far.mac}" if macs else "it has none"
    )
    hosts = [entry.remote for entry in node.own.fdb if (entry.dev, entry.mac) == (link.name, far.mac) and entry.permanent]
    at = [address.ip for address in (other.own.addresses_of(up.name) if up else ())]
    said = f"it looks for it at {hosts[0]}" if hosts else "it has no forwarding entry for it"
    yield Check(f"{claim}: the host that has {far.mac}", None if hosts and hosts[0] in at else said)
    yield Check(f"{claim}: the route to {subnet}", _route(node, link, gateway, subnet))


def _route(node: Snapshot, link: Link, gateway: IPv4Address, subnet) -> str | None:
    routes = node.own.routes_to(subnet)
    if not routes:
        return "it has none"
    right = (routes[0].via, routes[0].dev, routes[0].onlink) == (gateway, link.name, True)
    return None if right else f"it has {routes[0]}"
