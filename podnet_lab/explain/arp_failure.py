"""
Why no ARP reply comes on a link: the likeliest cause is a cable that is unplugged, or plugged into another bridge. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface

from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.causes_l3 import no_gateway, not_on_link
from podnet_lab.explain.causes_routing import not_taken_for_own
from podnet_lab.explain.causes_tunnel import no_neighbour_in_tunnel
from podnet_lab.explain.tunnel_end import tunnel_end
from podnet_lab.explain.tunnel_evidence import ends, leads_through
from podnet_lab.model import Address, Cluster, Link, Namespace, Route, Snapshot
from podnet_lab.model.route_lookup import is_own


def arp_failure(cluster: Cluster, place: Place, route: Route, to: IPv4Address) -> Cause:
    """Why the next hop of *route* is not resolved: a cable that is unplugged, or on another bridge; else a wrong address."""
    space, address = cluster[place[0]].spaces[place[1]], route.via or to
    link = space.links[route.dev]
    if (own := space.own_address(address)) is not None and route.via is None:
        return not_taken_for_own(place, space, own)
    cause = _owners_cable_unplugged(cluster, place, address) or own_cable_unplugged(cluster, place, link)
    cause = cause or on_other_bridge(cluster, place, link, address)
    far = next((end for end in ends(cluster) if end.gateway == address and leads_through(tunnel_end(cluster[place[0]]), end)), None)
    if cause is None and far is not None and place[1] is None and kind_of(link).agreed and not link.setting("learning"):
        return no_neighbour_in_tunnel(place, link.name, address, far.mac)
    if cause is None and route.via is not None:
        return no_gateway(cluster, place, space, route, to)
    if cause is None and not route.kernel and route in space.routes and not any(to in own.network for own in space.addresses_of(route.dev)):
        return not_on_link(cluster, place, space, route, to)
    return cause or _nobody_has(cluster, place, link, address)


def on_other_bridge(cluster: Cluster, place: Place, link: Link, address: IPv4Address) -> Cause | None:
    """The cause if the owner of *address* is on this node, but on another bridge than *link*."""
    node = cluster[place[0]]
    attachments = (_bridge_and_port(node, space.name, space.links[held.dev]) for space, held in _holders(node, address))
    own, owners = _bridge_and_port(node, place[1], link), next((pair for pair in attachments if pair is not None), None)
    if own is None or owners is None or own[0] == owners[0]:
        return None
    if place[1] is None or own[1] is None:
        return causes.on_other_bridge((place[0], None), owners[1], owners[0], own[0]) if owners[1] else None
    return causes.on_other_bridge((place[0], None), own[1], own[0], owners[0])


def _holders(node: Snapshot, ip: IPv4Address) -> Iterator[tuple[Namespace, Address]]:
    """Where on a node an address is: the namespaces, and the addresses with their interfaces."""
    for space in node.spaces.values():
        yield from ((space, address) for address in space.addresses if address.interface.ip == ip)


def _bridge_and_port(node: Snapshot, namespace: str | None, link: Link) -> tuple[str, str | None] | None:
    """The node's bridge that an interface is (then without a port), or that its cable is plugged into."""
    if kind_of(link).switches and namespace is None:
        return link.name, None
    end = node.link(*link.peer) if link.peer and link.peer[0] is None else None
    return (end.master, end.name) if end is not None and end.master else None


def _owners_cable_unplugged(cluster: Cluster, place: Place, address: IPv4Address) -> Cause | None:
    """The cause if *address* is a Pod's of this node, and its cable is plugged into no bridge."""
    node = cluster[place[0]]
    for pod in node.pods:
        for dev in (held.dev for held in pod.addresses if held.interface.ip == address):
            end = node.link(*pod.links[dev].peer) if pod.links[dev].peer else None
            if end is not None and end.master is None and not _is_routed(node, pod.links[dev].peer):
                return causes.unplugged((place[0], pod.links[dev].peer[0]), end.name, node)
    return None


def own_cable_unplugged(cluster: Cluster, place: Place, link: Link) -> Cause | None:
    """The cause if the sender's own cable is plugged into no bridge: then it does not matter who has the address."""
    node = cluster[place[0]]
    end = node.link(*link.peer) if link.peer else None
    if end is None or end.master is not None or place[1] is None or _is_routed(node, link.peer):
        return None
    return causes.unplugged((place[0], link.peer[0]), end.name, node)


def _is_routed(node: Snapshot, end: tuple[str | None, str]) -> bool:
    """Whether a cable's end is a link of its own, and so needs no bridge: it has an address, or a route, or answers for others."""
    space, dev = node.spaces[end[0]], end[1]
    proxies = dev in space.conf and space.conf[dev].proxy_arp
    return proxies or bool(space.addresses_of(dev)) or any(route.dev == dev for route in space.routes)


def _nobody_has(cluster: Cluster, place: Place, link: Link, address: IPv4Address) -> Cause:
    """Nobody on this link has *address*; if another node has it, the prefix that calls it a neighbour is too wide."""
    elsewhere = any(is_own(space, address) for name, node in cluster.items() if name != place[0] for space in node.spaces.values())
    own = cluster[place[0]].spaces[place[1]].addresses_of(link.name)
    wide = [prefix for prefix in own if address in prefix.network]
    if elsewhere and wide:
        prefix = max(wide, key=lambda prefix: prefix.network.prefixlen)
        return causes.prefix_too_wide(place, link.name, address, prefix, _length_of_others(cluster[place[0]], place, prefix), own)
    return causes.nobody_has(place, link.name, address)


def _length_of_others(node: Snapshot, place: Place, prefix: IPv4Interface) -> int | None:
    """The length that all others on a node whose subnet takes in an address give their prefix; None if they differ, or there are none."""
    others = [own.interface for name, space in node.spaces.items() if name != place[1] for own in space.addresses if own.dev != "lo"]
    lengths = {other.network.prefixlen for other in others if prefix.ip in other.network and other.network.prefixlen < 32}
    return lengths.pop() if len(lengths) == 1 else None
