"""
The walk that a packet would take through snapshots, there and back, and the first thing that stops it.

Pure. It follows what the kernel does: policy rules and routes, neighbours, bridges, forwarding, reverse-path filters, nftables and
their translations, MTUs. Where it finds nothing wrong it says nothing: it does not promise that the packet arrives. Sources:
net/ipv4/route.c, net/ipv4/fib_frontend.c, net/ipv4/ip_forward.c of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from podnet_lab.explain import causes_l2, causes_l3
from podnet_lab.explain.cause import Obstacle, Place, name
from podnet_lab.explain.l2 import SLACK, Cluster, Crossing, Station, Told, next_hop
from podnet_lab.explain.nft_match import Packet
from podnet_lab.explain.nft_verdict import outcomes, summary
from podnet_lab.explain.rp_filter import disbelieved
from podnet_lab.model import Namespace, Route
from podnet_lab.model.route_lookup import ANYWHERE, choose, is_own, mtu, source_for

MOST_HOPS = 16

SMALL = 64
"""Bytes of a packet whose size nobody asked for."""


@dataclass(frozen=True)
class Flow:
    """What is sent: addresses (the sender's None until it is known), protocol "icmp", "tcp" or "udp", port, and size in bytes."""

    source: IPv4Address | None
    to: IPv4Address
    protocol: str = "icmp"
    port: int | None = None
    size: int = SMALL
    translated: bool = False


@dataclass(frozen=True)
class Translation:
    """What a node's connection tracking remembers of a flow: how it came, and how it went on."""

    place: Place
    came: Flow
    went: Flow


@dataclass
class Walk:
    """
    One packet's way, and what became of it.

    *path* has the places that it reached, *at* the last one, *unsure* what could not be judged; *broken_off*: it could not be
    followed any further; *astray*: why it went to somebody who was not meant. *ways* is of how many Pods a Service draws one,
    and *draw* which of them this walk is given.
    """

    cluster: Cluster
    flow: Flow
    reply: bool = False
    draw: int = 0
    known: tuple[Translation, ...] = ()
    path: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    ways: int = 1
    at: Place | None = None
    broken_off: bool = False
    told: Told = field(default_factory=dict, repr=False)
    astray: Obstacle | None = None

    def follow(self, start: Place, end: Place | None) -> Obstacle | None:
        """The first thing that stops it on its way to *end* (None: whoever has the address); None if none is seen."""
        found = self._follow(start, end)
        return self.astray if found is not None and self.astray is not None else found

    def _follow(self, start: Place, end: Place | None) -> Obstacle | None:
        place, came_in = start, None
        for _ in range(MOST_HOPS):
            self.at = place
            self.path.append(name(place))
            self._came = self.flow
            space = self.cluster[place[0]].spaces[place[1]]
            if came_in is not None and (problem := self._comes_in(place, space, came_in)):
                return problem
            if is_own(space, self.flow.to):
                return self._arrived(place, space, came_in, end)
            route, problem = self._routed(place, space, came_in)
            if route is None:
                self.broken_off = problem is None
                return problem
            if came_in is None and is_own(space, self.flow.to):  # a rule sent it back to where it came from
                return self._arrived(place, space, None, end)
            station, problem = self._goes_out(place, space, came_in, route)
            if station is None:
                self.broken_off = problem is None
                return problem
            place, came_in = station.place, station.link.name
        return causes_l3.round_and_round(place, self.flow.to)

    def _comes_in(self, place: Place, space: Namespace, came_in: str) -> Obstacle | None:
        if problem := self._meet(place, space, "prerouting", came_in, None):
            return problem
        if (known := self._remembered(place)) is not None:  # the answer's target is put back before its way is looked for
            self.flow = replace(self.flow, to=known.came.source)
        return None

    def _remembered(self, place: Place) -> Translation | None:
        answers = (one for one in self.known if one.place == place)
        return next((one for one in answers if (one.went.to, one.went.source) == (self.flow.source, self.flow.to)), None)

    def _routed(self, place: Place, space: Namespace, came_in: str | None) -> tuple[Route | None, Obstacle | None]:
        if came_in is not None and (problem := _no_forwarding(place, space, came_in)):
            return None, problem
        route, problem = self._choose(place, space, came_in)
        if route is None:
            return None, problem
        if came_in is None and self.flow.source is None:
            self.flow = replace(self.flow, source=source_for(space, route, self.flow.to))
            if self.flow.source is None:
                return None, causes_l3.no_address(name(place), place)
            self._came = self.flow
            if self.flow.protocol == "tcp":  # it looks again, now that it has an address (ip_route_connect)
                route, problem = self._choose(place, space, None)
                if route is None:
                    return None, problem
        if came_in is not None:
            problem = disbelieved(place, space, self.flow.source, self.flow.to, came_in, route.dev)
            return (None, problem) if problem else (route, None)
        to = self.flow.to
        if problem := self._meet(place, space, "output", None, route.dev):
            return None, problem
        # What a node sends itself has its way looked for again, if its target was rewritten.
        return (route, None) if self.flow.to == to or is_own(space, self.flow.to) else self._choose(place, space, None)

    def _choose(self, place: Place, space: Namespace, came_in: str | None) -> tuple[Route | None, Obstacle | None]:
        # A program that sends has no address yet when the kernel looks for a route; an answer has one.
        bound = came_in is not None or self.reply or self.flow.protocol == "tcp"
        source = self.flow.source if bound else ANYWHERE
        found = choose(space, self.flow.to, source or ANYWHERE, came_in or "")
        route = found.route
        if found.unsure or (route is not None and route.kind == "unicast" and route.dev is None):
            several = f"there are several ways to {self.flow.to}, or one that is an object of its own"
            self.unsure.append(f"{name(place)}: {found.unsure or several}")
            return None, None
        if route is None:
            return None, causes_l3.no_route(self.cluster, place, space, self.flow.to)
        if route.kind != "unicast":
            ruled = found.rule is not None and found.rule.kind != "lookup"
            return None, causes_l3.ruled_out(place, found.rule, self.flow.to) if ruled else causes_l3.closed(place, route, self.flow.to)
        return route, None

    def _arrived(self, place: Place, space: Namespace, came_in: str | None, end: Place | None) -> Obstacle | None:
        if problem := self._is_taken(place, space, came_in):
            return problem
        if (known := self._remembered_source(place)) is not None:
            self.flow = replace(self.flow, source=known.came.to)
        if end is not None and place != end and not self.flow.translated:
            return causes_l3.twice(
                place, self.flow.to, next((one.dev for one in space.addresses if one.interface.ip == self.flow.to), "lo")
            )
        if space.silent and self.flow.protocol == "icmp" and not self.reply:
            return causes_l3.silent(place)
        return None

    def _is_taken(self, place: Place, space: Namespace, came_in: str | None) -> Obstacle | None:
        """Whether what is for this place gets to it: by the loopback if it is its own, else past its filters."""
        if came_in is not None:
            problem = disbelieved(place, space, self.flow.source, self.flow.to, came_in)
            return problem or self._meet(place, space, "input", came_in, None)
        self.flow = replace(self.flow, source=self.flow.source or self.flow.to)
        lo = space.links.get("lo")
        return causes_l2.down(place, "lo") if lo is not None and not lo.up else None

    def _remembered_source(self, place: Place) -> Translation | None:
        return next((one for one in self.known if one.place == place and one.went.to == self.flow.source), None)

    def _goes_out(self, place: Place, space: Namespace, came_in: str | None, route: Route) -> tuple[Station | None, Obstacle | None]:
        """Out of a place and over the cables to the next: forward, MTU, postrouting, neighbours, bridges."""
        if came_in is not None and (problem := self._meet(place, space, "forward", came_in, route.dev)):
            return None, problem
        if (most := mtu(space, route)) < self.flow.size and self.reply:
            self.flow = replace(self.flow, size=most)  # the kernel's own answers may be cut (icmp_reply)
        elif most < self.flow.size:
            return None, causes_l3.too_big(place, route.dev, most, self.flow.size)
        if came_in is None and not self.reply and (most := space.learnt.get(self.flow.to, self.flow.size)) < self.flow.size:
            return None, causes_l3.learnt_too_small(place, self.flow.to, most, self.flow.size)
        if problem := self._meet(place, space, "postrouting", None, route.dev, route):
            return None, problem
        if (known := self._remembered_source(place)) is not None:
            self.flow = replace(self.flow, source=known.came.to)
        elif not self.reply and (self.flow.source, self.flow.to) != (self._came.source, self._came.to):
            self.known = (*self.known, Translation(place, self._came, self.flow))
        return self._over(place, route)

    def _over(self, place: Place, route: Route) -> tuple[Station | None, Obstacle | None]:
        found = next_hop(self.cluster, place, route, self.flow.to, self.flow.source, self.told)
        if found.asked is not None:
            self.told[found.asked] = self.cluster[place[0]].link(place[1], route.dev).mac
        self.astray = self.astray or found.astray
        self.unsure += [found.unsure] if found.unsure else []
        if found.station is None:
            return None, found.problem
        most, where, dev = found.station.narrow
        if self.flow.size > most + SLACK:
            return None, causes_l2.narrow(where, dev, most, self.flow.size)
        for one in found.station.crossed:
            if problem := self._bridged(one):
                return None, problem
        return found.station, None

    def _bridged(self, crossing: Crossing) -> Obstacle | None:
        """What a node's firewall does with what its bridge passes on, if it is asked (br_netfilter)."""
        space = self.cluster[crossing.place[0]].spaces[crossing.place[1]]
        if not space.bridged or None in (crossing.came_in, crossing.goes_out):
            return None
        at = (crossing.place, space)
        problem = (
            self._meet(*at, "prerouting", crossing.bridge, None)
            or self._meet(*at, "forward", crossing.bridge, crossing.bridge)
            or self._meet(*at, "postrouting", None, crossing.bridge)
        )
        if problem is None and (known := self._remembered_source(crossing.place)) is not None:
            self.flow = replace(self.flow, source=known.came.to)
        return problem and problem.followed(" (and what the bridge passes on goes through it, too: bridge-nf-call-iptables is 1)")

    def _meet(
        self, place: Place, space: Namespace, hook: str, came_in: str | None, goes_out: str | None, route: Route | None = None
    ) -> Obstacle | None:
        """What the rules at a hook do with it; they may rewrite it."""
        if not space.rules:
            return None
        flow = self.flow
        packet = Packet(
            flow.source or ANYWHERE, flow.to, came_in, goes_out, self.reply, flow.protocol, flow.port,
            is_own(space, flow.source or ANYWHERE), is_own(space, flow.to), flow.translated, self._marks.get(place, 0),
        )  # fmt: skip
        found = outcomes(space.rules, hook, packet)
        said = summary(found)
        if said.verdict == "drop":
            return causes_l3.filtered(place, hook, said.why)
        if said.verdict == "unknown":
            self.unsure.append(f"{name(place)}: {said.why}")
        accepted = [one for one in found if one.verdict == "accept"]
        drawn = {(one.rewritten, one.packet.target, one.packet.port, one.packet.source): one for one in accepted}
        if not drawn:
            return None
        if len(drawn) > 1:
            self.ways = max(self.ways, len(drawn))
        chosen = list(drawn.values())[self.draw % len(drawn)]
        self._marks[place] = chosen.packet.mark
        self.flow = replace(flow, to=chosen.packet.target, port=chosen.packet.port, translated=flow.translated or chosen.packet.translated)
        if chosen.rewritten == "snat":
            self.flow = replace(self.flow, source=chosen.packet.source)
        if chosen.rewritten == "own" and route is not None:
            self.flow = replace(self.flow, source=source_for(space, replace(route, extra=""), self.flow.to) or flow.source)
        return None

    def __post_init__(self) -> None:
        self._marks: dict[Place, int] = {}
        self._came = self.flow


def _no_forwarding(place: Place, space: Namespace, came_in: str) -> Obstacle | None:
    """The setting of the interface that it comes in by decides (ip_route_input_slow); "all" only writes all of them."""
    conf = space.conf.get(came_in)
    if conf is None or conf.forwarding:
        return None
    return causes_l3.no_forwarding_from(place, came_in) if space.forwarding else causes_l3.no_forwarding(place)
