"""
The walk that a packet would take through snapshots, and the first thing that stops it.

Pure. It follows what the lesson builds: interfaces up, cables plugged, routes by longest prefix, forwarding, and the
same on the way back. Where it finds nothing wrong it says nothing: it does not promise that the packet arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from podnet_lab.checks import lookup
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.reach import Endpoint

Cluster = Mapping[str, Snapshot]
Place = tuple[str, str | None]
"""A node, and a namespace on it (None: the node itself)."""

MOST_HOPS = 16


def obstacle(cluster: Cluster, source: Endpoint, target: Endpoint) -> str | None:
    """The first thing that keeps an echo from *source* to *target* and back; None if none is seen."""
    if not target.addresses:
        return f"{target.name} has no address"
    there = _one_way(cluster, (source.node, source.namespace), IPv4Address(target.addresses[0]), (target.node, target.namespace))
    if there:
        return there
    sender = _source_address(cluster, source, IPv4Address(target.addresses[0]))
    if sender is None:
        return f"{source.name} has no address"
    back = _one_way(cluster, (target.node, target.namespace), sender, (source.node, source.namespace))
    return f"the answer has no way back: {back}" if back else None


def _source_address(cluster: Cluster, source: Endpoint, target: IPv4Address) -> IPv4Address | None:
    """The address that the kernel sends from: one on the interface that it sends out of, near the gateway if possible."""
    space = cluster[source.node].spaces[source.namespace]
    route = lookup(space, target)
    has = space.addresses_of(route.dev) if route and route.dev else ()
    near = [one.ip for one in has if (route.via or target) in one.network]
    return (near or [one.ip for one in has] or [IPv4Address(one) for one in source.addresses] or [None])[0]


def _name(place: Place) -> str:
    return place[1] or place[0]


def _one_way(cluster: Cluster, start: Place, to: IPv4Address, end: Place) -> str | None:
    place, came_in = start, None
    for _ in range(MOST_HOPS):
        space = cluster[place[0]].spaces[place[1]]
        if to in (one.interface.ip for one in space.addresses):
            return None if place == end else f"{_name(place)} has {to}, too"
        if came_in is not None and (problem := _no_forwarding(place, space, came_in)):
            return problem
        route = lookup(space, to)
        if route is None:
            return _no_route(place, space, to)
        if route.kind != "unicast":
            return f"{_name(place)}'s route to {to} is {route.kind}"
        if route.dev is None:
            return None  # several ways, or one that is an object of its own: which it takes is not for this walk to say
        step, problem = _next(cluster, place, space, route.dev, route.via or to)
        if step is None:
            return problem
        place, came_in = step
    return f"the packet goes round and round until its time to live is over, past {_name(place)}"


def _no_forwarding(place: Place, space: Namespace, came_in: str) -> str | None:
    if not space.forwarding:
        return f"{_name(place)} does not forward"
    conf = space.conf.get(came_in)
    return f"{_name(place)} does not forward what comes in through {came_in}" if conf and not conf.forwarding else None


def _no_route(place: Place, space: Namespace, to: IPv4Address) -> str:
    down = [link.name for link in space.links.values() if not link.up and space.addresses_of(link.name) and link.kind != "loopback"]
    return f"{_name(place)} has no route to {to}" + (f"; {' and '.join(down)} in {_name(place)} is down" if down else "")


def _next(cluster: Cluster, place: Place, space: Namespace, dev: str, address: IPv4Address) -> tuple[tuple[Place, str] | None, str | None]:
    """Where on the other side of *dev* somebody has *address*, and by which interface; or what is wrong on the way there."""
    link, problem = space.links[dev], _unfit(space.links[dev], place)
    if problem:
        return None, problem
    for other, far, trouble in _segment(cluster, place, link):
        if address not in (one.ip for one in cluster[other[0]].spaces[other[1]].addresses_of(far.name)):
            continue
        if trouble := trouble or _unfit(far, other):
            problem = problem or trouble
            continue
        return (None, stale) if (stale := _stale(space, place, dev, address, far)) else ((other, far.name), None)
    return None, problem or _loose(cluster, place, address) or f"nobody beyond {_name(place)}'s {dev} has {address}"


def _unfit(link: Link, place: Place) -> str | None:
    """Why an interface that has an address, or a route, is of no use at an end of a cable."""
    if not link.up:
        return f"{link.name} in {_name(place)} is down"
    if link.master is not None:
        return f"{link.name} in {_name(place)} is plugged into {link.master}, and what it hears goes there"
    return None if link.arp else f"{link.name} in {_name(place)} does not answer ARP"


def _stale(space: Namespace, place: Place, dev: str, address: IPv4Address, far: Link) -> str | None:
    """A neighbour that is believed to have another MAC than it has."""
    believed = [one.mac for one in space.neighbours if (one.address, one.dev) == (address, dev) and one.mac]
    return f"{_name(place)} has a MAC for {address} that is no longer its own" if believed and far.mac not in believed else None


def _loose(cluster: Cluster, place: Place, address: IPv4Address) -> str | None:
    """The Pod of this node that has *address*, if the other end of its cable hangs in the air."""
    node = cluster[place[0]]
    for pod in node.pods:
        for dev in (one.dev for one in pod.addresses if one.interface.ip == address):
            other = node.link(*pod.links[dev].peer) if pod.links[dev].peer else None
            if other is not None and other.master is None:
                return f"{other.name} is not plugged into anything"
    return None


def _segment(cluster: Cluster, place: Place, link: Link) -> Iterator[tuple[Place, Link, str | None]]:
    """The interfaces that hear what goes out of *link*, each with what is wrong on the way to it."""
    node = cluster[place[0]]
    if link.kind == "bridge":
        yield from _behind(cluster, place, link, None, None)
    elif link.peer is None:
        for name, other in cluster.items():
            for far in other.own.links.values():
                if name != place[0] and far.kind in ("veth", "physical") and far.peer is None:
                    yield (name, None), far, None
    else:
        peer_place = (place[0], link.peer[0])
        peer = node.link(*link.peer)
        trouble = None if peer.up else f"{peer.name} in {_name(peer_place)} is down"
        if peer.master is None:
            yield peer_place, peer, trouble or f"{peer.name} is not plugged into anything" if not _has_address(node, link.peer) else trouble
            if place[1] is not None:
                yield from _all_bridges(cluster, place, f"{peer.name} is not plugged into anything")
        else:
            bridge = node.link(link.peer[0], peer.master)
            down = None if bridge.up else f"{bridge.name} in {_name(peer_place)} is down"
            yield peer_place, bridge, trouble or down
            yield from _behind(cluster, peer_place, bridge, trouble or down, peer.name)


def _has_address(node: Snapshot, end: tuple[str | None, str]) -> bool:
    return bool(node.spaces[end[0]].addresses_of(end[1]))


def _all_bridges(cluster: Cluster, place: Place, trouble: str) -> Iterator[tuple[Place, Link, str]]:
    """Where an unplugged cable was probably meant to lead: named with what keeps it from there."""
    for bridge in cluster[place[0]].own.links.values():
        if bridge.kind == "bridge":
            yield (place[0], None), bridge, trouble
            yield from _behind(cluster, (place[0], None), bridge, trouble, None)


def _behind(cluster: Cluster, place: Place, bridge: Link, trouble: str | None, but: str | None) -> Iterator[tuple[Place, Link, str | None]]:
    node = cluster[place[0]]
    for port_name in node.spaces[place[1]].ports_of(bridge.name):
        port = node.link(place[1], port_name)
        if port_name == but or port.peer is None:
            continue
        down = None if port.up else f"{port_name} in {_name(place)} is down"
        yield (place[0], port.peer[0]), node.link(*port.peer), trouble or down
