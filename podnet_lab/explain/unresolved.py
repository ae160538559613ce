"""
Why nobody answers on a link: the likeliest place is a cable that hangs in the air, or is plugged in elsewhere. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.cause import Obstacle, Place
from podnet_lab.explain.causes_l3 import no_gateway
from podnet_lab.model import Address, Link, Namespace, Route, Snapshot
from podnet_lab.model.route_lookup import is_own

Cluster = Mapping[str, Snapshot]


def nobody(cluster: Cluster, place: Place, route: Route, to: IPv4Address) -> Obstacle:
    """Why nobody answers: the likeliest is a cable that hangs in the air, or is plugged in elsewhere; then, what the route says."""
    space, address = cluster[place[0]].spaces[place[1]], route.via or to
    link = space.links[route.dev]
    found = _loose(cluster, place, address) or dangling(cluster, place, link) or apart(cluster, place, link, address)
    if found is None and route.via is not None:
        return no_gateway(cluster, place, space, route, to)
    return found or _too_wide(cluster, place, link, address)


def apart(cluster: Cluster, place: Place, link: Link, address: IPv4Address) -> Obstacle | None:
    """Whoever has *address* is on this node, but on another bridge."""
    node = cluster[place[0]]
    own, others = _bridge(node, place[1], link), (_bridge(node, space.name, space.links[one.dev]) for space, one in _holders(node, address))
    other = next((one for one in others if one is not None), None)
    if own is None or other is None or own[0] == other[0]:
        return None
    if place[1] is None or own[1] is None:
        return causes.apart((place[0], None), other[1], other[0], own[0]) if other[1] else None
    return causes.apart((place[0], None), own[1], own[0], other[0])


def _holders(node: Snapshot, address: IPv4Address) -> Iterator[tuple[Namespace, Address]]:
    for space in node.spaces.values():
        yield from ((space, one) for one in space.addresses if one.interface.ip == address)


def _bridge(node: Snapshot, namespace: str | None, link: Link) -> tuple[str, str | None] | None:
    """The bridge of the node that an interface is, or that its cable is plugged into, by which port."""
    if kind_of(link).switches and namespace is None:
        return link.name, None
    end = node.link(*link.peer) if link.peer and link.peer[0] is None else None
    return (end.master, end.name) if end is not None and end.master else None


def _loose(cluster: Cluster, place: Place, address: IPv4Address) -> Obstacle | None:
    """The Pod of this node that has *address*, if the other end of its cable hangs in the air."""
    node = cluster[place[0]]
    for pod in node.pods:
        for dev in (one.dev for one in pod.addresses if one.interface.ip == address):
            other = node.link(*pod.links[dev].peer) if pod.links[dev].peer else None
            if other is not None and other.master is None and not _has_address(node, pod.links[dev].peer):
                return causes.loose((place[0], pod.links[dev].peer[0]), other.name, node)
    return None


def dangling(cluster: Cluster, place: Place, link: Link) -> Obstacle | None:
    """The other end of the sender's own cable, if it hangs in the air: then it does not matter who has the address."""
    node = cluster[place[0]]
    other = node.link(*link.peer) if link.peer else None
    if other is None or other.master is not None or place[1] is None or _has_address(node, link.peer):
        return None
    return causes.loose((place[0], link.peer[0]), other.name, node)


def _has_address(node: Snapshot, end: tuple[str | None, str]) -> bool:
    return bool(node.spaces[end[0]].addresses_of(end[1]))


def _too_wide(cluster: Cluster, place: Place, link: Link, address: IPv4Address) -> Obstacle:
    space = cluster[place[0]].spaces[place[1]]
    elsewhere = any(is_own(other, address) for name_, node in cluster.items() if name_ != place[0] for other in node.spaces.values())
    wide = [one for one in space.addresses_of(link.name) if address in one.network]
    if elsewhere and wide:
        return causes.too_wide(place, link.name, address, max(wide, key=lambda one: one.network.prefixlen))
    return causes.nobody(place, link.name, address)
