"""
The path that a packet would take through snapshots, and the first thing that stops it.

Pure. It follows what the kernel does: routing (`podnet_lab.explain.routing`), neighbours, bridges, tunnels, firewalls and their
translations, MTUs and the time to live; what can decide and is not judged (`podnet_lab.explain.inventory`) makes it unsure of all
that comes after. Sources: net/ipv4/route.c, net/ipv4/fib_frontend.c, net/ipv4/ip_forward.c of the kernel.
"""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.explain import causes_l2, causes_l3
from podnet_lab.explain.arp import Hop
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.flow import MAX_HOPS, Flow, reply_translation
from podnet_lab.explain.frames import Frames
from podnet_lab.explain.hooks import At
from podnet_lab.explain.influences import calls_iptables, stays_on_bridge
from podnet_lab.explain.l2 import BridgePass, Receiver, port_flags
from podnet_lab.explain.listeners import nobody_listens
from podnet_lab.explain.lost_route import lost_route, own_route_to_source
from podnet_lab.explain.next_hop import next_hop
from podnet_lab.explain.routing import Decision, decide
from podnet_lab.explain.routing import Packet as RoutedPacket
from podnet_lab.explain.size import too_big, too_long
from podnet_lab.explain.tunnel import answer_by_arp, through_tunnel
from podnet_lab.explain.walk_state import WalkState
from podnet_lab.explain.whose_address import pod_is_wrong
from podnet_lab.explain.xfrm import blocking_policy
from podnet_lab.model import Namespace, Route
from podnet_lab.model.route_lookup import hop_limit, is_own, source_for


class PathWalk(WalkState):
    """The path of one packet, followed hop by hop; what it carries, and finds on its way, is in `WalkState`."""

    def follow(self, start: Place, end: Place | None) -> Cause | None:
        """The first thing that stops it on its way to *end* (None: whoever has the address); None if none is seen."""
        cause = self._follow(start, end)
        return self.misdelivery if cause is not None and self.misdelivery is not None else cause

    def _follow(self, start: Place, end: Place | None) -> Cause | None:
        place, iif, receiver, seen = start, None, None, set()
        for _ in range(MAX_HOPS):
            self.at = place
            self.path.append(place_name(place))
            self._untranslated = self.flow
            space = self.cluster[place[0]].spaces[place[1]]
            self._influences.namespace(place, self.flow.protocol)
            if iif is not None and (cause := self._prerouting(place, space, iif)):
                return cause
            decision = self._decide(place, space, iif)
            if iif is not None and decision.cause is not None:
                decision = replace(decision, cause=self._of_a_pod(start, place, decision.cause))
            stays = decision.cause is not None and decision.cause.layer == "forwarding"
            if not decision.local and not stays and (lost := lost_route(self, place)) is not None:
                return lost
            if decision.local:
                return decision.cause or self._deliver(place, space, iif, end)
            if decision.route is None:
                self.incomplete = decision.cause is None
                return decision.cause
            if (place, iif, self.flow.source, self.flow.to) in seen:
                return causes_l3.routing_loop(place, self.flow.to)
            seen.add((place, iif, self.flow.source, self.flow.to))
            rewritten = self.flow.to != self._untranslated.to
            self._only_bridged = rewritten and stays_on_bridge(self.evidence, self.cluster, place, decision.route, receiver)
            receiver, cause = self._forward(place, space, iif, decision)
            if receiver is None:
                self.incomplete = cause is None
                return cause
            place, iif = receiver.place, receiver.link.name
        return causes_l3.routing_loop(place, self.flow.to)

    def _prerouting(self, place: Place, space: Namespace, iif: str) -> Cause | None:
        if cause := self._at_hook(At(place, space, "prerouting", iif, None)):
            return own_route_to_source(self, place, iif, cause)
        if (
            translation := reply_translation(self.translations, place, self.flow)
        ) is not None:  # a reply's target is put back before its route is looked up
            self.flow = replace(self.flow, to=translation.before.source)
        return None

    def _of_a_pod(self, start: Place, place: Place, cause: Cause) -> Cause:
        """*cause*; where a node drops what a Pod sends from the node's own address, the Pod is to give that up."""
        source = self.flow.source
        if cause.layer != "address" or source is None or not pod_is_wrong(self.cluster, start, place, source):
            return cause
        if not is_own(self.cluster[place[0]].own, source):
            return cause
        theirs = self.cluster[start[0]].spaces[start[1]].own_address(source)
        return causes_l3.martian_source(place, source, theirs, start) if theirs else cause

    def _decide(self, place: Place, space: Namespace, iif: str | None) -> Decision:
        """Where the packet goes from here; what is sent from here gets its source and its time to live, and meets the hook output."""
        decision = self._look_up(place, space, iif)
        if iif is not None or decision.cause is not None:
            return decision
        if decision.local:
            self.flow = self._untranslated = replace(self.flow, source=self.flow.source or decision.source or self.flow.to)
            return self._sent(place, space, decision, "lo")
        if decision.route is None:
            return decision
        if self.flow.source is None:
            source = decision.source if decision.asked else source_for(space, decision.route, self.flow.to)
            if source is None:
                return Decision(cause=causes_l3.no_source(place, decision.route.dev, self.flow.to))
            self.flow = self._untranslated = replace(self.flow, source=source)
            if self.flow.protocol == "tcp":  # it looks again, now that it has an address (ip_route_connect)
                decision = self._look_up(place, space, None)
                if decision.route is None:
                    return decision
        self.flow = replace(self.flow, ttl=decision.hop_limit or self._influences.default_ttl(place))
        self._sender, self._sent_with = place, self.flow.ttl
        self._sent_by = decision.route if hop_limit(decision.route) else None
        return self._sent(place, space, decision, decision.route.dev)

    def _sent(self, place: Place, space: Namespace, decision: Decision, dev: str) -> Decision:
        """After the hook output: what a node sends itself has its way looked for again, if its target was rewritten."""
        to, written = self.flow.to, self._written(place)
        if cause := self._at_hook(At(place, space, "output", None, dev)):
            return Decision(cause=cause)
        if self._written(place) != written:
            self._written_at_output(place, space, decision)
        if (undone := reply_translation(self.translations, place, self.flow)) is not None:
            self.flow = replace(self.flow, to=undone.before.source)
        return decision if self.flow.to == to else self._look_up(place, space, None)

    def _written_at_output(self, place: Place, space: Namespace, before: Decision) -> None:
        """Unsure, if what rules have written at output would lead another way: only some chains have it looked for again."""
        again = self._look_up(place, space, None)
        if (again.route, again.local, again.cause) != (before.route, before.local, before.cause):
            self.unsure.append(f"{place_name(place)}: rules write a mark at output by which there is another way")

    def _look_up(self, place: Place, space: Namespace, iif: str | None) -> Decision:
        # A program that sends has no address yet when the kernel looks for a route; an answer has one, and what a tunnel sends.
        flow = self.flow
        bound = iif is not None or self.reply or self.tunnelled or flow.protocol == "tcp"
        source = flow.source if bound else None
        packet = RoutedPacket(place, space, flow.to, source, iif, flow.protocol, flow.port, *self._written(place))
        decision = decide(self.cluster, self.evidence, packet)
        if decision.unsure:
            self.unsure.append(decision.unsure)
        return decision

    def _deliver(self, place: Place, space: Namespace, iif: str | None, end: Place | None) -> Cause | None:
        if cause := self._input(place, space, iif):
            return cause
        self._remember(place)
        if not self.reply and (cause := nobody_listens(self.evidence, place, self.flow, iif or "lo")) is not None and not self.tunnelled:
            return cause
        if end is not None and place != end and not self.flow.translated:
            return causes_l3.duplicate_address(place, self.flow.to, space.own_address(self.flow.to))
        if space.silent and self.flow.protocol == "icmp" and not self.reply:
            return causes_l3.ignores_echo(place)
        return None

    def _input(self, place: Place, space: Namespace, iif: str | None) -> Cause | None:
        """What stops a packet for this place itself: its loopback if it comes from here, the hook input, IPsec policies."""
        cause = self._over_lo(place, space) if iif is None else None
        return cause or self._at_hook(At(place, space, "input", iif or "lo", None)) or (iif and self._xfrm(place, "in", iif))

    def _over_lo(self, place: Place, space: Namespace) -> Cause | None:
        """What a place sends to itself goes out of its loopback, and comes in by it."""
        lo = space.links.get("lo")
        if lo is not None and not lo.up:
            return causes_l2.link_down(place, "lo")
        cause, frames = self._at_hook(At(place, space, "postrouting", None, "lo")), Frames(self.cluster, self._hooks)
        for egress in (True, False) if lo is not None else ():
            self._influences.device(place, "lo", egress)
            at_lo, self.flow = frames.at_device(self.flow, place, "lo", egress)
            cause = cause or at_lo
        return cause or self._at_hook(At(place, space, "prerouting", "lo", None))

    def _xfrm(self, place: Place, direction: str, dev: str) -> Cause | None:
        """What an IPsec policy does: blocks the packet, or puts it into another, which is not followed."""
        policy, unsure = blocking_policy(self.evidence.look(place, dev), direction, self.flow.source, self.flow.to, self.flow.protocol, dev)
        self.unsure += [f"{place_name(place)}: {unsure}"] if unsure else []
        return causes_l3.blocked_by_xfrm(place, direction, policy) if policy else None

    def _forward(self, place: Place, space: Namespace, iif: str | None, decision: Decision) -> tuple[Receiver | None, Cause | None]:
        """From a place to the next hop: time to live, the hook forward, MTU, postrouting, ARP, bridges."""
        route = decision.route
        if iif is not None and (cause := self._router(place, space, iif, route)):
            return None, cause
        at, may_be_cut = At(place, space, "forward", iif, route.dev, route), self.reply or self.tunnelled
        cause, self.flow = too_big(at, self.flow, decision.mtu, may_be_cut)
        if cause is not None:
            return None, cause
        if cause := self._at_hook(At(place, space, "postrouting", iif, route.dev, route)) or self._xfrm(place, "out", route.dev):
            return None, cause
        self._remember(place)
        return self._over_link(place, route)

    def _router(self, place: Place, space: Namespace, iif: str, route: Route) -> Cause | None:
        """What a router does on top of routing: it counts the time to live down, and asks the hook forward and IPsec."""
        if cause := self._xfrm(place, "fwd", iif):
            return cause
        if self.flow.ttl <= 1:
            return causes_l3.time_exceeded(place, self._sender, self._sent_with, self._sent_by)
        self.flow = replace(self.flow, ttl=self.flow.ttl - 1)
        return self._at_hook(At(place, space, "forward", iif, route.dev))

    def _over_link(self, place: Place, route: Route) -> tuple[Receiver | None, Cause | None]:
        self._influences.device(place, route.dev, egress=True)
        hop = next_hop(Hop(self.cluster, self.evidence, place, route, self.flow.to, self.flow.source, self.learned, self.flow.protocol))
        sender = self.cluster[place[0]].link(place[1], route.dev).mac
        self.learned.macs.update({hop.learned: sender} if hop.learned else {})
        self.misdelivery = self.misdelivery or hop.misdelivery
        self.unsure += [hop.unsure] if hop.unsure else []
        if hop.receiver is None:
            return None, hop.cause
        if hop.learned is not None and (cause := Frames(self.cluster, self._hooks).arp(place, route, self.flow, hop.receiver)):
            return None, cause
        cause, doubt = too_long(self.cluster, self.flow, hop.receiver)
        self.unsure += [doubt] if doubt else []
        if cause is not None:
            return None, cause
        if hop.learned is not None and (cause := answer_by_arp(self, place, route.dev, hop.receiver)):
            return None, cause
        return self._over_devices(hop.receiver, sender)

    def _over_devices(self, receiver: Receiver, sender: str) -> tuple[Receiver | None, Cause | None]:
        """What the interfaces, bridges and tunnels on the way to *receiver* do with the frame."""
        frames = Frames(self.cluster, self._hooks, sender, receiver.link.mac)
        before = receiver.devices[0]
        for at, name, egress in receiver.devices:
            if before[0] != at and before[2] == egress:  # between a macvlan and what it sits on: the same buffer, as marked as it was
                self._hooks.marks[at] = self._hooks.marks.get(before[0], 0)
            before = at, name, egress
            self._influences.device(at, name, egress)
            if self._influences.lacks_carrier(at, name):
                return None, causes_l2.no_carrier(at, name)
            cause, self.flow = frames.at_device(self.flow, at, name, egress)
            if cause is not None:
                return None, cause
        for passed in receiver.bridges:
            self._influences.bridge(passed)
            port = self.cluster[passed.place[0]].spaces[passed.place[1]].links.get(passed.out_port or "")
            if port is not None and port.name == self._only_bridged and "hairpin" not in port_flags(port):
                return None, causes_l2.no_hairpin(passed.place, port)
            if cause := frames.at_bridge(self.flow, passed) or self._br_netfilter(passed):
                return None, cause
        for at, name, host in receiver.tunnels:
            if cause := through_tunnel(self, at, name, host, receiver.beyond(at, name)):
                return None, cause
        self.learned.hear(receiver, sender)
        return receiver, None

    def sent_beside(self, flow: Flow, place: Place, there: PathWalk | None = None) -> tuple[Cause | None, PathWalk]:
        """What stops another packet on which ours depends, or the answer to that of *there*; and its walk."""
        known = {"translations": there.translations, "learned": there.learned, "tracked": there.tracked} if there is not None else {}
        walk = PathWalk(self.cluster, flow, there is not None, evidence=self.evidence, beside=True, **known)
        return walk.follow(place, None), walk

    def sent_by_tunnel(self, outer: Flow, place: Place, far: Place) -> tuple[Cause | None, PathWalk]:
        """What stops a packet that a tunnel at a place puts ours into, on its way to the tunnel's other end, at *far*; and its walk."""
        walk = PathWalk(self.cluster, outer, evidence=self.evidence, beside=True, tunnelled=True)
        # What rules have marked stays marked: it is the same buffer, with more headers (vxlan_xmit_one, ip_tunnel_core's iptunnel_xmit).
        walk._hooks.marks |= {at: mark for at, mark in self._hooks.marks.items() if at == place}
        return walk.follow(place, far), walk

    def marked_at(self, place: Place) -> bool:
        """Whether rules of a place have marked the packet."""
        return bool(self._hooks.marks.get(place))

    def _br_netfilter(self, passed: BridgePass) -> Cause | None:
        """What a node's nftables do with a frame that its bridge passes on, if bridge-nf-call-iptables is 1."""
        space = self.cluster[passed.place[0]].spaces[passed.place[1]]
        if None in (passed.in_port, passed.out_port) or not calls_iptables(self.evidence, passed.place, space, passed.bridge):
            return None
        at, self._untranslated = (passed.place, space), self.flow
        cause = self._at_hook(At(*at, "prerouting", passed.bridge, None, passed=passed))
        if cause is None and (translation := reply_translation(self.translations, passed.place, self.flow)) is not None:
            self.flow = replace(self.flow, to=translation.before.source)
        cause = cause or self._at_hook(At(*at, "forward", passed.bridge, passed.bridge, passed=passed))
        cause = cause or self._at_hook(At(*at, "postrouting", None, passed.bridge, passed=passed))
        if cause is None:
            self._remember(passed.place)
        if cause is None or cause.layer == "policy":  # that policies are for what a bridge passes on, too, needs no word
            return cause
        return cause.suffixed(" (and what the bridge passes on goes through it, too: bridge-nf-call-iptables is 1)")
