"""
A walk's packet at the hooks of netfilter: what firewalls do with it, and what they and connection tracking remember of it. Pure.

Rules come from a close look at the place (`podnet_lab.explain.evidence`), which has all firewalls; where nobody looked, from the
snapshot, which has a node's own nftables.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.explain import causes_l3, causes_routed
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.firewall.outcome import Outcome
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.explain.firewall.verdict import outcomes, summary
from podnet_lab.explain.flow import Flow, Translation
from podnet_lab.explain.l2 import BridgePass
from podnet_lab.model import Namespace, Route
from podnet_lab.model.nftables import Ruleset
from podnet_lab.model.route_lookup import ANYWHERE, is_own, lookup_route, source_for

LOOPBACK = IPv4Address("127.0.0.1")


@dataclass(frozen=True)
class Tracked:
    """
    What a place knows of a flow: of its connection the *mark*, None where that is not known; *untracked*: nothing at all.

    *dscp* is what the packet came with: the reply to an echo has the same.
    """

    mark: int | None = 0
    untracked: bool = False
    dscp: int = 0


@dataclass(frozen=True)
class At:
    """
    A hook of IP, at a *place*, with the interfaces that the packet came by and will leave by, and the *route* that it takes.

    *passed*: a bridge passes it on through there (bridge-nf-call-iptables); *rewritten*: how the place has rewritten, or for a
    reply will undo, the flow.
    """

    place: Place
    space: Namespace
    hook: str
    iif: str | None
    oif: str | None
    route: Route | None = None
    passed: BridgePass | None = None
    rewritten: Translation | None = None


@dataclass
class Hooks:
    """
    The hooks of a walk: *reply* says which way it goes, *endpoint* which of several drawn targets it follows, of *drawn* ones.

    *tracked* is what places remember of a flow that went there; for a reply, of the flow that it answers. *marks* are what rules
    have written on the packet. What can't be judged goes into *unsure*.
    """

    evidence: Evidence
    unsure: list[str]
    reply: bool = False
    endpoint: int = 0
    tracked: dict[Place, Tracked] = field(default_factory=dict)
    marks: dict[Place, int] = field(default_factory=dict)
    drawn: int = 1
    dscp: int = 0
    _untracked: set[Place] = field(default_factory=set)

    def rules(self, place: Place, space: Namespace) -> Ruleset:
        """All firewalls of a place, as far as they are known."""
        look = self.evidence.look(place)
        return space.rules if look is None or look.rules is None else look.rules

    def ip(self, flow: Flow, at: At) -> tuple[Cause | None, Flow]:
        """What stops the packet at a hook of IP, and the flow as it leaves it: rules may rewrite it."""
        if not self.reply and at.hook in ("prerouting", "output"):
            self.tracked.setdefault(at.place, Tracked(dscp=self.dscp))
        if self.reply and at.hook == "output" and flow.protocol == "icmp":
            self.dscp = self.tracked.get(at.place, Tracked()).dscp
        if not (rules := self.rules(at.place, at.space)):
            return None, flow
        packet = self._packet(flow, at)
        possible = outcomes(rules, at.hook, packet)
        if cause := self._stopped(at.place, rules, at.hook, possible):
            back = replace(packet, way_back=at.iif) if packet.way_back == "" else packet
            fails = back is not packet and summary(outcomes(rules, at.hook, back)).verdict != "drop"
            return (causes_routed.no_way_back(at.place, at.space, at.iif, packet.source) if fails else cause), flow
        return None, self._taken(flow, at, [outcome for outcome in possible if outcome.verdict == "accept"])

    def frame(
        self, place: Place, space: Namespace, hook: str, families: tuple[str, ...], packet: Packet, device: str = ""
    ) -> tuple[Cause | None, Packet]:
        """What stops a frame at a hook of netdev, bridge or arp, and the packet in it as it leaves the hook."""
        if not (rules := self.rules(place, space)):
            return None, packet
        possible = outcomes(rules, hook, replace(packet, mark=self.marks.get(place, 0)), families, device)
        cause = self._stopped(place, rules, hook, possible)
        after = next((outcome.packet for outcome in possible if outcome.verdict == "accept"), packet)
        if packet.ethertype == "ip" and after is not packet:
            self.marks[place] = after.mark
        return cause, after

    def _stopped(self, place: Place, rules: Ruleset, hook: str, possible: list[Outcome]) -> Cause | None:
        judgement = summary(possible)
        if judgement.verdict == "drop":
            # Here: both know the steps of nft, and policies, which nobody needs where nothing is dropped.
            from podnet_lab.explain.dispatch_causes import not_dispatched
            from podnet_lab.explain.policy_causes import denied_by_policy

            told = (place, rules, judgement.why, possible[0].packet)
            return denied_by_policy(*told) or not_dispatched(*told) or causes_l3.dropped_by_firewall(place, hook, judgement.why)
        if judgement.verdict == "unknown":
            self.unsure.append(f"{place_name(place)}: {judgement.why}")
        return None

    def _packet(self, flow: Flow, at: At) -> Packet:
        space, known = at.space, self.tracked.get(at.place)
        no_port = None if space.bridged and at.passed is None else ""
        first = next((own.interface.ip for own in space.addresses if own.dev == at.iif), None)
        packet = Packet(
            flow.source or ANYWHERE,
            flow.to,
            at.iif,
            at.oif,
            self.reply,
            flow.protocol,
            flow.port,
            is_own(space, flow.source or ANYWHERE),
            is_own(space, flow.to),
            flow.translated,
            self.marks.get(at.place, 0),
            flow.ttl,
            flow.asked_size,
            dscp=self.dscp,
            state=_state_of_reply(flow, known) if self.reply else "",
            ct_mark=known.mark if known else None,
            untracked=at.place in self._untracked,
            redirect_to=LOOPBACK if at.hook == "output" else first,
            in_port=no_port if at.passed is None else at.passed.in_port or "",
            out_port="" if at.passed is None or at.hook == "prerouting" else at.passed.out_port or "",
            own_addresses=frozenset(own.interface.ip for own in space.addresses),
            way_back=_way_back(space, flow.source, at.iif) if at.iif and flow.source else None,
        )
        return _with_connection(packet, at.rewritten)

    def _taken(self, flow: Flow, at: At, accepted: list[Outcome]) -> Flow:
        """The flow as it leaves a hook: as one of those that it may be, where rules draw lots."""
        different = {
            (outcome.rewritten, outcome.packet.target, outcome.packet.port, outcome.packet.source): outcome for outcome in accepted
        }
        if not different:
            return flow
        self.drawn = max(self.drawn, len(different))
        chosen = list(different.values())[self.endpoint % len(different)]
        packet = chosen.packet
        self.marks[at.place], self.dscp = packet.mark, packet.dscp
        if packet.untracked:
            self._untracked.add(at.place)
        if not self.reply:
            self.tracked[at.place] = Tracked(packet.ct_mark or 0, packet.untracked, packet.dscp)
        after = replace(
            flow,
            to=packet.target,
            port=packet.port,
            translated=flow.translated or packet.translated,
            ttl=flow.ttl if packet.ttl is None else packet.ttl,
        )
        if chosen.rewritten == "snat":
            return replace(after, source=packet.source)
        return replace(after, source=_masqueraded(after, at)) if chosen.rewritten == "own" else after


def _way_back(space: Namespace, source: IPv4Address, iif: str) -> str | None:
    """*iif*, if what is for *source* leaves by that interface; "" if not, None if it can't be told."""
    choice = lookup_route(space, source, ANYWHERE, "")
    if choice.unsure or (choice.route is not None and choice.route.kind == "unicast" and choice.route.dev is None):
        return None
    back = choice.route is not None and choice.route.kind == "unicast" and choice.route.dev == iif
    return iif if back and not is_own(space, source) else ""


def _state_of_reply(flow: Flow, known: Tracked | None) -> str:
    """The connection's state, to a place that may not have seen, or not have tracked, what this answers."""
    if known is not None and not known.untracked:
        return ""
    return "new" if flow.protocol == "udp" else "invalid"


def _with_connection(packet: Packet, rewritten: Translation | None) -> Packet:
    """With what the connection's first packet was, and whether its ends were rewritten."""
    if rewritten is None:
        return replace(packet, source_translated=False, original=(packet.target, packet.source, packet.port) if packet.reply else None)
    before, after = rewritten.before, rewritten.after
    original = (before.source or ANYWHERE, before.to, before.port)
    target_rewritten = (before.to, before.port) != (after.to, after.port)
    return replace(packet, translated=target_rewritten, source_translated=before.source != after.source, original=original)


def _masqueraded(flow: Flow, at: At) -> IPv4Address | None:
    """The address that masquerade gives it: the one that the interface would give what is sent to the next hop."""
    route = at.route or (Route(IPv4Network(flow.to), None, at.oif) if at.passed else None)
    return (route and source_for(at.space, replace(route, extra=""), flow.to)) or flow.source
