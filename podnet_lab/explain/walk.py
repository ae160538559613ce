"""
The walk that a packet would take through snapshots, and the first thing that stops it.

Pure. It follows what the lesson builds: interfaces up, cables plugged, routes by longest prefix, forwarding, and the
same on the way back. Where it finds nothing wrong it says nothing: it does not promise that the packet arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.checks import lookup
from podnet_lab.errors import BadInput
from podnet_lab.explain import causes
from podnet_lab.explain.causes import Obstacle, Place
from podnet_lab.explain.firewall import Packet, judge
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.reach import Endpoint
from podnet_lab.steps import Step

Cluster = Mapping[str, Snapshot]

MOST_HOPS = 16


@dataclass(frozen=True)
class Explanation:
    """
    What the snapshots say of one pair: the first *obstacle*, the *path* as far as it goes, and what was *unsure*.

    True if nothing is seen that would stop an echo, and everything on its way could be judged.
    """

    source: str
    target: str
    obstacle: Obstacle | None = None
    path: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.obstacle is None and not self.unsure

    @property
    def repair(self) -> dict[str, list[Step]]:
        """The steps that mend it, for ``lab.run``; empty where there is nothing to mend, or no step does it."""
        return {self.obstacle.place[0]: list(self.obstacle.repair)} if self.obstacle and self.obstacle.repair else {}

    def hint(self, level: int = 1) -> str:
        """A question (1), where to look (2), or the command that mends it (3)."""
        if level not in (1, 2, 3):
            raise BadInput(f"there are hints 1, 2 and 3, not {level!r}")
        return self.obstacle.hints[level - 1] if self.obstacle else "nothing is in the way"

    def __str__(self) -> str:
        pair = f"{self.source} → {self.target}"
        unsure = [f"  not judged: {one}" for one in dict.fromkeys(self.unsure)]
        if self.obstacle is not None:
            at = causes.name(self.obstacle.place)
            return "\n".join([f"{pair}: stopped at {at} ({self.obstacle.layer}): {self.obstacle}", *unsure])
        return "\n".join([f"{pair}: {'nothing is seen that would stop it' if not unsure else 'could not be judged'}", *unsure])

    __repr__ = __str__


def obstacle(cluster: Cluster, source: Endpoint, target: Endpoint) -> Obstacle | None:
    """The first thing that keeps an echo from *source* to *target* and back; None if none is seen."""
    return explanation(cluster, source, target).obstacle


def explanation(cluster: Cluster, source: Endpoint, target: Endpoint) -> Explanation:
    """Why an echo from *source* to *target* and back does not arrive, or that nothing is seen that would stop it."""
    begin, end = (source.node, source.namespace), (target.node, target.namespace)
    if not target.addresses:
        return Explanation(source.name, target.name, causes.no_address(target.name, end))
    to = IPv4Address(target.addresses[0])
    sender = _source_address(cluster, source, to)
    walk = _Walk(cluster, sender or IPv4Address(0), to)
    there = walk.follow(begin, end)
    if there is None and sender is None:
        there = causes.no_address(source.name, begin)
    if there is not None:
        return Explanation(source.name, target.name, there, tuple(walk.path), tuple(walk.unsure))
    answer = _Walk(cluster, to, sender, reply=True)
    back = answer.follow(end, begin)
    found = back.behind("the answer has no way back: ") if back else None
    return Explanation(source.name, target.name, found, (*walk.path, *answer.path), (*walk.unsure, *answer.unsure))


def _source_address(cluster: Cluster, source: Endpoint, target: IPv4Address) -> IPv4Address | None:
    """The address that the kernel sends from: one on the interface that it sends out of, near the gateway if possible."""
    space = cluster[source.node].spaces[source.namespace]
    route = lookup(space, target)
    has = space.addresses_of(route.dev) if route and route.dev else ()
    near = [one.ip for one in has if (route.via or target) in one.network]
    return (near or [one.ip for one in has] or [IPv4Address(one) for one in source.addresses] or [None])[0]


class _Walk:
    """One packet's way: *path* has the places that it reached, *unsure* what could not be judged on it."""

    def __init__(self, cluster: Cluster, sender: IPv4Address, to: IPv4Address, reply: bool = False) -> None:
        self._cluster, self._sender, self._to, self._reply = cluster, sender, to, reply
        self.path: list[str] = []
        self.unsure: list[str] = []

    def follow(self, start: Place, end: Place) -> Obstacle | None:
        """The first thing that stops it on its way; None if none is seen."""
        place, came_in = start, None
        for _ in range(MOST_HOPS):
            self.path.append(causes.name(place))
            space = self._cluster[place[0]].spaces[place[1]]
            if came_in is not None and (problem := self._reverse_path(place, space, came_in)):
                return problem
            if own := [one.dev for one in space.addresses if one.interface.ip == self._to]:
                return self._arrived(place, space, own[0], came_in, end)
            if came_in is not None and (problem := _no_forwarding(place, space, came_in)):
                return problem
            route = lookup(space, self._to)
            if route is None:
                return causes.no_route(self._cluster, place, space, self._to)
            if route.kind != "unicast":
                return causes.closed(place, route, self._to)
            if route.dev is None:
                self.unsure.append(f"{causes.name(place)} has several ways to {self._to}, or one that is an object of its own")
                return None
            hook = "output" if came_in is None else "forward"
            if problem := self._filtered(place, space, hook, came_in, route.dev):
                return problem
            step, problem = _next(self._cluster, place, space, route.dev, route.via or self._to)
            if step is None:
                return problem
            place, came_in = step
        return causes.round_and_round(place, self._to)

    def _arrived(self, place: Place, space: Namespace, dev: str, came_in: str | None, end: Place) -> Obstacle | None:
        if place != end:
            return causes.twice(place, self._to, dev)
        return self._filtered(place, space, "input", came_in, None) if came_in else None

    def _reverse_path(self, place: Place, space: Namespace, came_in: str) -> Obstacle | None:
        """A strict filter wants the way back to lead out of where the packet came in; the stricter of "all" and the interface holds."""
        values = [space.conf[dev].rp_filter for dev in ("all", came_in) if dev in space.conf]
        if max(values, default=0) != 1:
            return None
        route = lookup(space, self._sender)
        if route is not None and (route.dev == came_in or route.dev is None):
            return None
        return causes.reverse_path(place, came_in, self._sender)

    def _filtered(self, place: Place, space: Namespace, hook: str, came_in: str | None, goes_out: str | None) -> Obstacle | None:
        if not space.rules:
            return None
        packet = Packet(self._sender, self._to, came_in, goes_out, self._reply)
        for one in (hook, "postrouting") if goes_out else (hook,):
            found = judge(space.rules, one, packet)
            if found.verdict == "drop":
                return causes.filtered(place, one, found.why)
            if found.verdict == "unknown":
                self.unsure.append(f"{causes.name(place)}: {found.why}")
        return None


def _no_forwarding(place: Place, space: Namespace, came_in: str) -> Obstacle | None:
    if not space.forwarding:
        return causes.no_forwarding(place)
    conf = space.conf.get(came_in)
    return causes.no_forwarding_from(place, came_in) if conf and not conf.forwarding else None


def _next(
    cluster: Cluster, place: Place, space: Namespace, dev: str, address: IPv4Address
) -> tuple[tuple[Place, str] | None, Obstacle | None]:
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
    return None, problem or _loose(cluster, place, address) or _dangling(cluster, place, link) or causes.nobody(place, dev, address)


def _unfit(link: Link, place: Place) -> Obstacle | None:
    """Why an interface that has an address, or a route, is of no use at an end of a cable."""
    if not link.up:
        return causes.down(place, link.name)
    if link.master is not None:
        return causes.swallowed(place, link)
    return None if link.arp else causes.deaf(place, link.name)


def _stale(space: Namespace, place: Place, dev: str, address: IPv4Address, far: Link) -> Obstacle | None:
    """A neighbour that is believed to have another MAC than it has."""
    believed = [one for one in space.neighbours if (one.address, one.dev) == (address, dev) and one.mac]
    wrong = believed and far.mac not in [one.mac for one in believed]
    return causes.stale(place, believed[0]) if wrong else None


def _loose(cluster: Cluster, place: Place, address: IPv4Address) -> Obstacle | None:
    """The Pod of this node that has *address*, if the other end of its cable hangs in the air."""
    node = cluster[place[0]]
    for pod in node.pods:
        for dev in (one.dev for one in pod.addresses if one.interface.ip == address):
            other = node.link(*pod.links[dev].peer) if pod.links[dev].peer else None
            if other is not None and other.master is None:
                return causes.loose((place[0], pod.links[dev].peer[0]), other.name, node)
    return None


def _dangling(cluster: Cluster, place: Place, link: Link) -> Obstacle | None:
    """The other end of the sender's own cable, if it hangs in the air: then it does not matter who has the address."""
    node = cluster[place[0]]
    other = node.link(*link.peer) if link.peer else None
    if other is None or other.master is not None or place[1] is None or _has_address(node, link.peer):
        return None
    return causes.loose((place[0], link.peer[0]), other.name, node)


def _segment(cluster: Cluster, place: Place, link: Link) -> Iterator[tuple[Place, Link, Obstacle | None]]:
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
        trouble = None if peer.up else causes.down(peer_place, peer.name)
        if peer.master is None:
            loose = causes.loose(peer_place, peer.name, node)
            yield peer_place, peer, trouble or loose if not _has_address(node, link.peer) else trouble
            if place[1] is not None:
                yield from _all_bridges(cluster, place, loose)
        else:
            bridge = node.link(link.peer[0], peer.master)
            down = None if bridge.up else causes.down(peer_place, bridge.name)
            yield peer_place, bridge, trouble or down
            yield from _behind(cluster, peer_place, bridge, trouble or down, peer.name)


def _has_address(node: Snapshot, end: tuple[str | None, str]) -> bool:
    return bool(node.spaces[end[0]].addresses_of(end[1]))


def _all_bridges(cluster: Cluster, place: Place, trouble: Obstacle) -> Iterator[tuple[Place, Link, Obstacle]]:
    """Where an unplugged cable was probably meant to lead: named with what keeps it from there."""
    for bridge in cluster[place[0]].own.links.values():
        if bridge.kind == "bridge":
            yield (place[0], None), bridge, trouble
            yield from _behind(cluster, (place[0], None), bridge, trouble, None)


def _behind(
    cluster: Cluster, place: Place, bridge: Link, trouble: Obstacle | None, but: str | None
) -> Iterator[tuple[Place, Link, Obstacle | None]]:
    node = cluster[place[0]]
    for port_name in node.spaces[place[1]].ports_of(bridge.name):
        port = node.link(place[1], port_name)
        if port_name == but or port.peer is None:
            continue
        down = None if port.up else causes.down(place, port_name)
        yield (place[0], port.peer[0]), node.link(*port.peer), trouble or down
