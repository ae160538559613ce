"""
The path that a packet would take through snapshots, and the first thing that stops it.

Pure. It follows what the kernel does: policy rules and routes, neighbours, bridges, forwarding, reverse-path filters, nftables and
their translations, MTUs. Where it finds nothing wrong it says nothing: it does not promise that the packet arrives. Sources:
net/ipv4/route.c, net/ipv4/fib_frontend.c, net/ipv4/ip_forward.c of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from podnet_lab.explain import causes_l2, causes_l3
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.l2 import VLAN_HLEN, BridgePass, Receiver
from podnet_lab.explain.next_hop import LearnedMacs, next_hop
from podnet_lab.explain.nft_match import Packet
from podnet_lab.explain.nft_verdict import outcomes, summary
from podnet_lab.explain.rp_filter import fails_rp_filter
from podnet_lab.model import Cluster, Namespace, Route
from podnet_lab.model.route_lookup import ANYWHERE, is_own, lookup_route, mtu, source_for

MAX_HOPS = 16

DEFAULT_SIZE = 64
"""Bytes of a packet whose size nobody asked for."""


@dataclass(frozen=True)
class Flow:
    """What is sent: addresses (the sender's None until it is known), protocol "icmp", "tcp" or "udp", port, and size in bytes."""

    source: IPv4Address | None
    to: IPv4Address
    protocol: str = "icmp"
    port: int | None = None
    size: int = DEFAULT_SIZE
    translated: bool = False


@dataclass(frozen=True)
class Translation:
    """A connection tracking entry of a place that rewrote a flow: the flow *before* and *after* that."""

    place: Place
    before: Flow
    after: Flow


@dataclass
class PathWalk:
    """
    The path of one packet, followed hop by hop.

    *path* has the names of the places that it reached, *at* the last one, *unsure* what could not be judged; *incomplete*: it
    could not be followed any further. *misdelivery*: why a frame went to another receiver than the one that was meant.
    *endpoint_count*: of so many Pods a Service draws one, and this walk follows number *endpoint*. *translations* and *learned*
    are what nodes and neighbours remember, the second for the way back.
    """

    cluster: Cluster
    flow: Flow
    reply: bool = False
    endpoint: int = 0
    translations: tuple[Translation, ...] = ()
    path: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    endpoint_count: int = 1
    at: Place | None = None
    incomplete: bool = False
    learned: LearnedMacs = field(default_factory=dict, repr=False)
    misdelivery: Cause | None = None

    def follow(self, start: Place, end: Place | None) -> Cause | None:
        """The first thing that stops it on its way to *end* (None: whoever has the address); None if none is seen."""
        cause = self._follow(start, end)
        return self.misdelivery if cause is not None and self.misdelivery is not None else cause

    def _follow(self, start: Place, end: Place | None) -> Cause | None:
        place, iif = start, None
        for _ in range(MAX_HOPS):
            self.at = place
            self.path.append(place_name(place))
            self._untranslated = self.flow
            space = self.cluster[place[0]].spaces[place[1]]
            if iif is not None and (cause := self._prerouting(place, space, iif)):
                return cause
            if is_own(space, self.flow.to):
                return self._deliver(place, space, iif, end)
            route, cause = self._route(place, space, iif)
            if route is None:
                self.incomplete = cause is None
                return cause
            if iif is None and is_own(space, self.flow.to):  # a rule sent it back to where it came from
                return self._deliver(place, space, None, end)
            receiver, cause = self._forward(place, space, iif, route)
            if receiver is None:
                self.incomplete = cause is None
                return cause
            place, iif = receiver.place, receiver.link.name
        return causes_l3.routing_loop(place, self.flow.to)

    def _prerouting(self, place: Place, space: Namespace, iif: str) -> Cause | None:
        if cause := self._at_hook(place, space, "prerouting", iif, None):
            return cause
        if (translation := self._reply_translation(place)) is not None:  # a reply's target is put back before its route is looked up
            self.flow = replace(self.flow, to=translation.before.source)
        return None

    def _reply_translation(self, place: Place) -> Translation | None:
        """The translation to undo in a reply's target address, before it is routed."""
        ends = (self.flow.source, self.flow.to)
        here = (translation for translation in self.translations if translation.place == place)
        return next((translation for translation in here if (translation.after.to, translation.after.source) == ends), None)

    def _route(self, place: Place, space: Namespace, iif: str | None) -> tuple[Route | None, Cause | None]:
        if iif is not None and (cause := _no_forwarding(place, space, iif)):
            return None, cause
        route, cause = self._look_up_route(place, space, iif)
        if route is None:
            return None, cause
        if iif is None and self.flow.source is None:
            self.flow = replace(self.flow, source=source_for(space, route, self.flow.to))
            if self.flow.source is None:
                return None, causes_l3.no_address(place_name(place), place)
            self._untranslated = self.flow
            if self.flow.protocol == "tcp":  # it looks again, now that it has an address (ip_route_connect)
                route, cause = self._look_up_route(place, space, None)
                if route is None:
                    return None, cause
        if iif is not None:
            cause = fails_rp_filter(place, space, self.flow.source, self.flow.to, iif, route.dev)
            return (None, cause) if cause else (route, None)
        to = self.flow.to
        if cause := self._at_hook(place, space, "output", None, route.dev):
            return None, cause
        # What a node sends itself has its way looked for again, if its target was rewritten.
        return (route, None) if self.flow.to == to or is_own(space, self.flow.to) else self._look_up_route(place, space, None)

    def _look_up_route(self, place: Place, space: Namespace, iif: str | None) -> tuple[Route | None, Cause | None]:
        # A program that sends has no address yet when the kernel looks for a route; an answer has one.
        bound = iif is not None or self.reply or self.flow.protocol == "tcp"
        source = self.flow.source if bound else ANYWHERE
        choice = lookup_route(space, self.flow.to, source or ANYWHERE, iif or "")
        route = choice.route
        if choice.unsure or (route is not None and route.kind == "unicast" and route.dev is None):
            several = f"there are several ways to {self.flow.to}, or one that is an object of its own"
            self.unsure.append(f"{place_name(place)}: {choice.unsure or several}")
            return None, None
        if route is None:
            return None, causes_l3.no_route(self.cluster, place, space, self.flow.to)
        if route.kind != "unicast":
            if choice.rule is not None and choice.rule.kind != "lookup":
                return None, causes_l3.refused_by_rule(place, choice.rule, self.flow.to)
            return None, causes_l3.rejecting_route(place, route, self.flow.to)
        return route, None

    def _deliver(self, place: Place, space: Namespace, iif: str | None, end: Place | None) -> Cause | None:
        if cause := self._input(place, space, iif):
            return cause
        if (translation := self._source_translation(place)) is not None:
            self.flow = replace(self.flow, source=translation.before.to)
        if end is not None and place != end and not self.flow.translated:
            dev = next((address.dev for address in space.addresses if address.interface.ip == self.flow.to), "lo")
            return causes_l3.duplicate_address(place, self.flow.to, dev)
        if space.silent and self.flow.protocol == "icmp" and not self.reply:
            return causes_l3.ignores_echo(place)
        return None

    def _input(self, place: Place, space: Namespace, iif: str | None) -> Cause | None:
        """What stops a packet for this place itself: its loopback if it comes from here, else rp_filter and the hook input."""
        if iif is not None:
            cause = fails_rp_filter(place, space, self.flow.source, self.flow.to, iif)
            return cause or self._at_hook(place, space, "input", iif, None)
        self.flow = replace(self.flow, source=self.flow.source or self.flow.to)
        lo = space.links.get("lo")
        return causes_l2.link_down(place, "lo") if lo is not None and not lo.up else None

    def _source_translation(self, place: Place) -> Translation | None:
        """The translation to undo in a reply's source address."""
        here = (translation for translation in self.translations if translation.place == place)
        return next((translation for translation in here if translation.after.to == self.flow.source), None)

    def _forward(self, place: Place, space: Namespace, iif: str | None, route: Route) -> tuple[Receiver | None, Cause | None]:
        """From a place to the next hop: the hook forward, MTU, postrouting, ARP, bridges."""
        if iif is not None and (cause := self._at_hook(place, space, "forward", iif, route.dev)):
            return None, cause
        if (most := mtu(space, route)) < self.flow.size and self.reply:
            self.flow = replace(self.flow, size=most)  # the kernel's own answers may be cut (icmp_reply)
        elif most < self.flow.size:
            return None, causes_l3.fragmentation_needed(place, route.dev, most, self.flow.size)
        if iif is None and not self.reply and (most := space.learnt.get(self.flow.to, self.flow.size)) < self.flow.size:
            return None, causes_l3.path_mtu_too_small(place, self.flow.to, most, self.flow.size)
        if cause := self._at_hook(place, space, "postrouting", None, route.dev, route):
            return None, cause
        if (translation := self._source_translation(place)) is not None:
            self.flow = replace(self.flow, source=translation.before.to)
        elif not self.reply and (self.flow.source, self.flow.to) != (self._untranslated.source, self._untranslated.to):
            self.translations = (*self.translations, Translation(place, self._untranslated, self.flow))
        return self._over_link(place, route)

    def _over_link(self, place: Place, route: Route) -> tuple[Receiver | None, Cause | None]:
        hop = next_hop(self.cluster, place, route, self.flow.to, self.flow.source, self.learned)
        if hop.learned is not None:
            self.learned[hop.learned] = self.cluster[place[0]].link(place[1], route.dev).mac
        self.misdelivery = self.misdelivery or hop.misdelivery
        self.unsure += [hop.unsure] if hop.unsure else []
        if hop.receiver is None:
            return None, hop.cause
        most, narrowest, dev = hop.receiver.bottleneck
        if self.flow.size > most + VLAN_HLEN:
            return None, causes_l2.mtu_too_small(narrowest, dev, most, self.flow.size)
        for passed in hop.receiver.bridges:
            if cause := self._br_netfilter(passed):
                return None, cause
        return hop.receiver, None

    def _br_netfilter(self, passed: BridgePass) -> Cause | None:
        """What a node's nftables do with a frame that its bridge passes on, if bridge-nf-call-iptables is 1."""
        space = self.cluster[passed.place[0]].spaces[passed.place[1]]
        if not space.bridged or None in (passed.in_port, passed.out_port):
            return None
        at = (passed.place, space)
        cause = (
            self._at_hook(*at, "prerouting", passed.bridge, None)
            or self._at_hook(*at, "forward", passed.bridge, passed.bridge)
            or self._at_hook(*at, "postrouting", None, passed.bridge)
        )
        if cause is None and (translation := self._source_translation(passed.place)) is not None:
            self.flow = replace(self.flow, source=translation.before.to)
        return cause and cause.suffixed(" (and what the bridge passes on goes through it, too: bridge-nf-call-iptables is 1)")

    def _at_hook(
        self, place: Place, space: Namespace, hook: str, iif: str | None, oif: str | None, route: Route | None = None
    ) -> Cause | None:
        """What stops the packet at a netfilter hook; rules there may rewrite it."""
        if not space.rules:
            return None
        flow = self.flow
        packet = Packet(
            flow.source or ANYWHERE, flow.to, iif, oif, self.reply, flow.protocol, flow.port,
            is_own(space, flow.source or ANYWHERE), is_own(space, flow.to), flow.translated, self._marks.get(place, 0),
        )  # fmt: skip
        possible = outcomes(space.rules, hook, packet)
        judgement = summary(possible)
        if judgement.verdict == "drop":
            return causes_l3.dropped_by_firewall(place, hook, judgement.why)
        if judgement.verdict == "unknown":
            self.unsure.append(f"{place_name(place)}: {judgement.why}")
        accepted = [outcome for outcome in possible if outcome.verdict == "accept"]
        drawn = {(outcome.rewritten, outcome.packet.target, outcome.packet.port, outcome.packet.source): outcome for outcome in accepted}
        if not drawn:
            return None
        if len(drawn) > 1:
            self.endpoint_count = max(self.endpoint_count, len(drawn))
        chosen = list(drawn.values())[self.endpoint % len(drawn)]
        self._marks[place] = chosen.packet.mark
        self.flow = replace(flow, to=chosen.packet.target, port=chosen.packet.port, translated=flow.translated or chosen.packet.translated)
        if chosen.rewritten == "snat":
            self.flow = replace(self.flow, source=chosen.packet.source)
        if chosen.rewritten == "own" and route is not None:
            self.flow = replace(self.flow, source=source_for(space, replace(route, extra=""), self.flow.to) or flow.source)
        return None

    def __post_init__(self) -> None:
        self._marks: dict[Place, int] = {}
        self._untranslated = self.flow


def _no_forwarding(place: Place, space: Namespace, iif: str) -> Cause | None:
    """The setting of the packet's iif decides (ip_route_input_slow); "all" only writes all of them."""
    conf = space.conf.get(iif)
    if conf is None or conf.forwarding:
        return None
    return causes_l3.no_forwarding_from(place, iif) if space.forwarding else causes_l3.no_forwarding(place)
