"""
What a frame meets between two neighbours: cables, bridges, the external network, and who answers at the other end.

Pure. What Linux does: a bridge's port passes frames on only while it is forwarding (net/bridge/br_input.c), a cable's end drops
what is longer than its MTU by more than four bytes (net/core/dev.c), a namespace answers ARP for any of its addresses
(net/ipv4/arp.c).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.devices.base import Unseen
from podnet_lab.devices.registry import kind_of, wires
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.cause import Obstacle, Place, name
from podnet_lab.explain.rp_filter import disbelieved
from podnet_lab.explain.unresolved import apart, dangling, nobody
from podnet_lab.model import FdbEntry, Link, Namespace, Neighbour, Route, Snapshot
from podnet_lab.model.route_lookup import choose, is_own

Cluster = Mapping[str, Snapshot]

SLACK = 4
"""Bytes that a cable's end and a bridge's port let pass beyond their MTU: room for a VLAN tag."""

TABLE = 1024
"""Neighbours that a kernel remembers at most, if nobody has told it otherwise (gc_thresh3, arp(7))."""

_UNUSABLE = ("FAILED", "INCOMPLETE", "NONE")


@dataclass(frozen=True)
class Crossing:
    """A bridge on the way, with the ports by which frames come in and go out; None: they are the bridge's own."""

    place: Place
    bridge: str
    came_in: str | None
    goes_out: str | None


@dataclass(frozen=True)
class Station:
    """
    An interface that hears what somebody sends, and is no bridge's port.

    *trouble* is the first thing on the way to it that stops every frame, *narrow* what takes the smallest ones: where, which
    interface, and its MTU.
    """

    place: Place
    link: Link
    trouble: Obstacle | None
    crossed: tuple[Crossing, ...]
    narrow: tuple[int, Place, str]


@dataclass(frozen=True)
class Next:
    """
    Who gets a frame: a *station*, or nobody for a *problem*; *astray*: why, if it is not who was meant; *unsure*, in words.

    *asked*: who answered ARP, and in the name of which address was asked; it knows that one's MAC from then on.
    """

    station: Station | None = None
    problem: Obstacle | None = None
    astray: Obstacle | None = None
    unsure: str = ""
    asked: tuple[Place, IPv4Address] | None = None


Told = dict[tuple[Place, IPv4Address], str]
"""The MACs that somebody got to know by being asked."""


def receivers(cluster: Cluster, place: Place, link: Link) -> tuple[list[Station], list[str]]:
    """The interfaces that hear what goes out of *link*, and, in words, where it goes besides and is not seen."""
    heard, unseen = [], []
    for end in _out(cluster, Station(place, link, None, (), (link.mtu, place, link.name))):
        if isinstance(end, Unseen):
            unseen.append(end.words)
        else:
            heard.append(end)
    return heard, unseen


def _out(cluster: Cluster, at: Station) -> Iterator[Station | Unseen]:
    place, link = at.place, at.link
    if kind_of(link).switches:
        yield from _flood(cluster, at, None)
        return
    for wire in wires(cluster).transmit(*place, link):
        if isinstance(wire, Unseen):
            yield wire
        else:
            yield from _in(cluster, at, (wire.node, wire.namespace), wire.link)


def _in(cluster: Cluster, before: Station, place: Place, link: Link) -> Iterator[Station | Unseen]:
    """Who hears a frame that comes in at *link*: the interface itself or its bridge, and those that share it, as macvlans do."""
    yield from _received(cluster, before, place, link)
    if kind_of(link).taps_lower:
        return
    trouble = before.trouble or (None if link.up else causes.down(place, link.name))
    for tap in wires(cluster).taps(*place, link):
        yield from _received(cluster, replace(before, trouble=trouble), (tap.node, tap.namespace), tap.link)


def _received(cluster: Cluster, before: Station, place: Place, link: Link) -> Iterator[Station | Unseen]:
    node = cluster[place[0]]
    trouble = before.trouble or (None if link.up else causes.down(place, link.name))
    at = replace(
        before, place=place, link=link, trouble=trouble, narrow=min(before.narrow, (link.mtu, place, link.name), key=lambda one: one[0])
    )
    bridge = node.link(place[1], link.master) if link.master else None
    if bridge is None or not kind_of(bridge).switches:
        yield at
        return
    trouble = trouble or (None if bridge.up else causes.down(place, bridge.name)) or _held(place, link)
    crossed = (*at.crossed, Crossing(place, bridge.name, link.name, None))
    if any((one.place, one.bridge) == (place, bridge.name) for one in at.crossed):
        return  # round a loop of bridges
    yield replace(at, link=bridge, trouble=trouble, crossed=crossed)
    yield from _flood(cluster, replace(at, link=bridge, trouble=trouble), link)


def _held(place: Place, port: Link) -> Obstacle | None:
    return causes.holds_back(place, port) if port.port.replace("isolated", "").strip(", ") else None


def _flood(cluster: Cluster, at: Station, came_in: Link | None) -> Iterator[Station]:
    """Out of every port of a bridge but the one that the frame came in by."""
    place, bridge = at.place, at.link
    space = cluster[place[0]].spaces[place[1]]
    for port in (space.links[one] for one in space.ports_of(bridge.name)):
        if came_in is not None and port.name == came_in.name:
            continue
        trouble = at.trouble or (None if port.up else causes.down(place, port.name)) or _held(place, port)
        if came_in is not None and "isolated" in came_in.port and "isolated" in port.port:
            trouble = trouble or causes.isolated(place, came_in.name, port.name)
        crossed = (*at.crossed, Crossing(place, bridge.name, came_in.name if came_in else None, port.name))
        narrow = min(at.narrow, (port.mtu, place, port.name), key=lambda one: one[0])
        yield from _out(cluster, replace(at, link=port, trouble=trouble, crossed=crossed, narrow=narrow))


def next_hop(cluster: Cluster, place: Place, route: Route, to: IPv4Address, sender: IPv4Address, told: Told) -> Next:
    """Who gets a packet of *sender* that takes *route*, whose gateway, or else *to* itself, is a neighbour; or what is wrong there."""
    space, dev, address = cluster[place[0]].spaces[place[1]], route.dev, route.via or to
    link = space.links[dev]
    if (problem := unfit(replace(link, arp=True), place)) is not None:
        return Next(problem=problem)
    heard, unseen = receivers(cluster, place, link)
    if not link.arp and _believed(space, dev, address) is None:
        # It asks nobody, and sends to its own MAC (arp_constructor): seldom is that somebody's.
        deaf = causes.deaf(place, dev)
        found = _by_mac(cluster, place, route, to, Neighbour(address, dev, link.mac, "NOARP"), heard)
        return _or_unseen(Next(found.station, None if found.station else deaf, deaf), unseen)
    believed = _believed(space, dev, address)
    if believed is None and (place, address) in told:
        believed = Neighbour(address, dev, told[place, address], "REACHABLE")
    if believed is not None:
        return _or_unseen(_by_mac(cluster, place, route, to, believed, heard), unseen)
    if (entries := sum(len(one.neighbours) for one in cluster[place[0]].spaces.values())) >= TABLE:
        return Next(problem=causes.table_full(place, entries))
    return _or_unseen(_by_question(cluster, place, route, to, sender, heard), unseen)


def _or_unseen(hop: Next, unseen: list[str]) -> Next:
    """The same, but unsure where nobody is known to get the frame, and it also goes where nothing is seen."""
    return Next(unsure=unseen[0]) if unseen and hop.station is None else hop


def unfit(link: Link, place: Place) -> Obstacle | None:
    """Why an interface that has an address, or a route, is of no use at an end of a cable."""
    if not link.up:
        return causes.down(place, link.name)
    if link.master is not None:
        return causes.swallowed(place, link)
    return None if link.arp else causes.deaf(place, link.name)


def _believed(space: Namespace, dev: str, address: IPv4Address) -> Neighbour | None:
    fits = (one for one in space.neighbours if (one.address, one.dev) == (address, dev) and one.mac and one.state not in _UNUSABLE)
    return next(fits, None)


def _by_mac(cluster: Cluster, place: Place, route: Route, to: IPv4Address, believed: Neighbour, heard: list[Station]) -> Next:
    """Nobody is asked: the frame goes to the MAC that is believed to be the neighbour's."""
    link = cluster[place[0]].link(place[1], route.dev)
    owners = [one for one in heard if _owns(cluster, one, believed.address)]
    for one in owners:
        if one.trouble is None and (twin := _twin(cluster, place, link, one, fresh=False)) is not None:
            return _instead(heard, one, twin)
    right = [one for one in owners if one.link.mac == believed.mac]
    stale = causes.stale(place, believed) if owners or believed.state == "PERMANENT" else None
    wrong = next((one.trouble for one in owners if one.trouble), None) or dangling(cluster, place, link)
    wrong = wrong or apart(cluster, place, link, believed.address) or stale or nobody(cluster, place, route, to)
    for one in right or (one for one in heard if one.link.mac == believed.mac):
        if one.trouble is None and one.link.up:
            return Next(one, astray=None if right else wrong)
    return Next(problem=(right[0].trouble or unfit(right[0].link, right[0].place)) if right else wrong)


def _by_question(cluster: Cluster, place: Place, route: Route, to: IPv4Address, sender: IPv4Address, heard: list[Station]) -> Next:
    """ARP: who has the address says so, if question and answer get through."""
    link, address = cluster[place[0]].link(place[1], route.dev), route.via or to
    problem, ready = None, []
    asks = _asks_as(cluster, place, link, address, sender)
    for one in heard:
        if not _owns(cluster, one, address):
            continue
        trouble = one.trouble or unfit(one.link, one.place)
        there = cluster[one.place[0]].spaces[one.place[1]]
        doubt = disbelieved(one.place, there, asks, address, one.link.name) if trouble is None and asks is not None else None
        if doubt is not None and is_own(there, asks):
            trouble = causes.deaf_to_its_own(one.place, asks, address)
        elif doubt is not None:
            trouble = doubt.behind(f"{asks}, who asks by ARP, is not answered: ")
        problem = problem or trouble
        ready += [] if trouble else [one]
    ready = ready or [one for one in heard if one.trouble is None and _stands_in(cluster, one, address)]
    if not ready:
        return Next(problem=problem or nobody(cluster, place, route, to))
    if len(ready) > 1:
        return Next(unsure=f"{' and '.join(name(one.place) for one in ready)} have {address}: who answers first gets it")
    if (swallowed := _swallowed_answer(cluster, place, link, ready[0])) is not None:
        return Next(problem=swallowed)
    if (twin := _twin(cluster, place, link, ready[0], fresh=True)) is not None:
        return replace(_instead(heard, ready[0], twin), asked=asks and (ready[0].place, asks))
    return Next(ready[0], asked=asks and (ready[0].place, asks))


def _owns(cluster: Cluster, one: Station, address: IPv4Address) -> bool:
    return is_own(cluster[one.place[0]].spaces[one.place[1]], address)


def _asks_as(cluster: Cluster, place: Place, link: Link, address: IPv4Address, sender: IPv4Address) -> IPv4Address | None:
    """The address in whose name ARP asks: the packet's sender if that is here, else one of the interface's."""
    space = cluster[place[0]].spaces[place[1]]
    if is_own(space, sender):
        return sender
    has = space.addresses_of(link.name)
    return next((one.ip for one in has if address in one.network), has[0].ip if has else None)


def _stands_in(cluster: Cluster, one: Station, address: IPv4Address) -> bool:
    """Whether a router answers for an address behind it (proxy_arp): it has to forward, and to know another way there."""
    space = cluster[one.place[0]].spaces[one.place[1]]
    on = any(space.conf[dev].proxy_arp for dev in ("all", one.link.name) if dev in space.conf)
    if not on or one.link.name not in space.conf or not space.conf[one.link.name].forwarding:
        return False
    route = choose(space, address).route
    return route is not None and route.kind == "unicast" and route.dev not in (None, one.link.name)


def _twin(cluster: Cluster, place: Place, link: Link, to: Station, fresh: bool) -> Obstacle | None:
    """Why a bridge does not bring a frame to *to*: its MAC is also the sender's, the bridge's, or was learnt behind another port."""
    if link.mac == to.link.mac and not (kind_of(link).switches or kind_of(to.link).switches) and to.crossed:
        return causes.twins(to.crossed[0].place, name(place), name(to.place))
    for one in to.crossed:
        space = cluster[one.place[0]].spaces[one.place[1]]
        if one.goes_out is None:
            continue
        for entry in space.fdb:
            if entry.mac != to.link.mac or not _is_of(space, entry, one.bridge):
                continue
            # What a bridge itself sends goes out of the port that it has the MAC from; what comes in for that MAC is kept.
            if entry.dev == one.goes_out and (not entry.permanent or one.came_in is None):
                continue
            if entry.permanent:
                return causes.twins(one.place, name(to.place), f"{name(one.place)}'s {entry.dev}")
            if not fresh:
                return causes.misled(one.place, entry, name(to.place))
    return None


def _instead(heard: list[Station], meant: Station, twin: Obstacle) -> Next:
    """Who gets what was meant for a MAC that a bridge takes for its own: the bridge, if it has just that one."""
    for crossing in meant.crossed:
        for one in heard:
            took = (one.place, one.link.name) == (crossing.place, crossing.bridge) and one.link.mac == meant.link.mac
            if took and crossing.came_in is not None and one.trouble is None:
                return Next(one, astray=twin)
    return Next(problem=twin)


def _swallowed_answer(cluster: Cluster, place: Place, link: Link, to: Station) -> Obstacle | None:
    """Why the answer to a question does not come back: a bridge on its way takes the asker's MAC for its own."""
    for one in to.crossed:
        space = cluster[one.place[0]].spaces[one.place[1]]
        mine = (entry for entry in space.fdb if entry.permanent and entry.mac == link.mac and _is_of(space, entry, one.bridge))
        entry = next(mine, None)
        own = entry is not None and one.goes_out is None and entry.dev == one.came_in  # what a bridge itself sends, see _twin
        if one.came_in is not None and entry is not None and not own:
            return causes.twins(one.place, name(place), f"{name(one.place)}'s {entry.dev}")
    return None


def _is_of(space: Namespace, entry: FdbEntry, bridge: str) -> bool:
    of = space.links.get(entry.dev)
    return of is not None and bridge in (of.name, of.master)
