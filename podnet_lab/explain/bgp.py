"""
Why a node has not heard of another node's block by BGP, or does not know what to do with it. Pure.

Read off what both BIRDs say, and their kernels: no BIRD, no session, another autonomous system, a filter, a next hop that can't be
reached; and where none of it says why a session is not there, its own packets (TCP 179) are followed.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from podnet_lab.daemons import bird
from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import uplink
from podnet_lab.explain.cause import Cause
from podnet_lab.explain.flow import Flow
from podnet_lab.model import Cluster, Snapshot
from podnet_lab.model.bgp import BgpSession
from podnet_lab.model.route import BIRD
from podnet_lab.model.route_lookup import lookup_route

if TYPE_CHECKING:
    from podnet_lab.explain.path import PathWalk

RESTART = bird.server("").typed
"""How a person starts again one that had ended, with the configuration that it had."""

ASK = bird.ask("show", "status")
"""Whether one runs on this node: nodes of one machine see each other's processes, so that `pgrep` would find others'."""


def why_no_route(walk: PathWalk, here: str, owner: str, block: IPv4Network) -> Cause | None:
    """Why *here* has no route to *owner*'s *block*; None where no routes come by BGP."""
    cluster = walk.cluster
    if not _by_bgp(cluster):
        return None
    for name in (here, owner):
        if (cause := _no_bird(cluster[name], tells=name == owner)) is not None:
            return cause
    one, other = cluster[here], cluster[owner]
    mine, theirs = _session(one, other), _session(other, one)
    for node, session, far in ((one, mine, owner), (other, theirs, here)):
        if session is None:
            return _cause(
                node, f"{node.node}'s BIRD has no session with {far}", f"With whom does {node.node}'s BIRD have sessions?", "show protocols"
            )
    if (cause := _not_established(walk, (one, mine), (other, theirs))) is not None:
        return cause
    return _not_told(one, mine, other, theirs, block)


def _by_bgp(cluster: Cluster) -> bool:
    return any(node.bgp is not None or any(route.protocol == BIRD for route in node.own.routes) for node in cluster.values())


def _no_bird(node: Snapshot, tells: bool) -> Cause | None:
    """The cause if no BIRD runs on a node, or one that does not answer; *tells*: it should tell others of its Pods."""
    place, question = (node.node, None), f"Which program on {node.node} talks with other nodes about routes, and does it run?"
    if node.bgp is None:
        so = "tells nobody of its Pods" if tells else "knows of no other node's Pods"
        return Cause(f"no BIRD runs on {node.node}, which so {so}", "route", place, question, ASK, mend=RESTART)
    if node.bgp.problem:
        return Cause(f"{node.node}'s BIRD says nothing: {node.bgp.problem}", "route", place, question, ASK)
    return None


def address_of(node: Snapshot) -> IPv4Address | None:
    """The address at which a node's BIRD is to be found: its own, on the nodes' network."""
    up = uplink(node)
    has = node.own.addresses_of(up.name) if up is not None else ()
    return has[0].ip if has else None


def _session(node: Snapshot, other: Snapshot) -> BgpSession | None:
    far = address_of(other)
    return node.bgp.session_with(far) if far is not None and node.bgp is not None else None


Side = tuple[Snapshot, BgpSession]
"""A node, and its session with the other one of two."""


def _not_established(walk: PathWalk, one: Side, other: Side) -> Cause | None:
    sides = (one, other)
    if all(session.established for _, session in sides):
        return None
    for node, session in sides:
        if session.state == "Down":
            text = f"{node.node}'s session {session.name} is switched off"
            return _cause(
                node, text, f"Which sessions does {node.node}'s BIRD have, and in which state?", "show protocols", f"enable {session.name}"
            )
    if (cause := _other_number(walk.cluster, one, other)) is not None:
        return cause
    states = " and ".join(dict.fromkeys(session.state for _, session in sides if not session.established))
    for (node, _), (far, _) in (sides, sides[::-1]):
        if (cause := _packets_lost(walk, node, far, states)) is not None:
            return cause
    if {mine.state for _, mine in sides} == {"Passive"}:
        text = f"{other[0].node} and {one[0].node} both wait for the other one to open their session: both are passive"
        return _cause(other[0], text, "Which of the two opens the session?", f"show protocols all {other[1].name}")
    # Who only waits for the other one knows least of why nothing comes of it.
    (node, session), (far, _) = sides if one[1].state != "Passive" and not one[1].established else sides[::-1]
    why = f" ({session.error})" if session.error else ""
    text = f"{node.node}'s session with {far.node} is {session.state}, not Established{why}"
    return _cause(node, text, "What does BIRD say of the session?", f"show protocols all {session.name}")


def _other_number(cluster: Cluster, one: Side, other: Side) -> Cause | None:
    """The cause if two nodes do not agree on the autonomous system that one of them is in."""
    usual = Counter(session.number for node in cluster.values() for session in (node.bgp.sessions if node.bgp else ())).most_common(1)
    for (node, session), (far, expected) in ((one, other), (other, one)):
        if session.number == expected.neighbour_number:
            continue
        wrong = far if session.number == usual[0][0] else node
        text = f"{node.node}'s BIRD is in the autonomous system {session.number}, and {far.node}'s expects {expected.neighbour_number}"
        question = "Which autonomous system is each node in, and which does the other one expect?"
        undecided = f"the configuration of {wrong.node}'s BIRD is to say {usual[0][0]}: bird.conf, and then birdc configure"
        look = bird.ask("show", "protocols", "all")
        return Cause(text, "route", (wrong.node, None), question, look, undecided=undecided)
    return None


def _packets_lost(walk: PathWalk, node: Snapshot, far: Snapshot, states: str) -> Cause | None:
    """What stops the packets of a session that *node* opens, there or back."""
    own, to = address_of(node), address_of(far)
    if own is None or to is None or walk.beside:
        return None
    cause, there = walk.sent_beside(Flow(own, to, "tcp", bird.PORT), (node.node, None))
    if cause is None and not there.incomplete and there.at == (far.node, None):
        cause, _ = walk.sent_beside(Flow(to, own, "tcp", bird.PORT), (far.node, None), there)
    words = f"{node.node} has no session with {far.node} ({states}), for TCP {bird.PORT} does not get through: "
    return cause and cause.prefixed(words)


def _not_told(one: Snapshot, mine: BgpSession, other: Snapshot, theirs: BgpSession, block: IPv4Network) -> Cause | None:
    """The session is there: who does not tell, or does not take what is told."""
    if block not in theirs.announces:
        return _not_announced(other, theirs, block)
    hops = [hop for network, hop in mine.hears if network == block]
    if not hops:
        text = f"{other.node} announces {block}, and {one.node}'s BIRD takes it not in: the import filter of {mine.name} rejects it"
        return _cause(one, text, f"What does {one.node}'s BIRD take in of what it is told?", f"show protocols all {mine.name}")
    way = lookup_route(one.own, hops[0]).route
    if way is None or way.kind != "unicast":
        lacks = f"its route there is {way}" if way is not None else "it has no route there"
        text = f"{one.node} has heard of {block}, but can't reach the next hop {hops[0]}: {lacks}"
        question = f"By whom does {one.node} reach {block}, and has it a way there?"
        return Cause(text, "route", (one.node, None), question, f"ip route get {hops[0]}", undecided="what the way there was is not known")
    refuses = ", or the kernel refuses a route into a tunnel that is told no gateway (its log)" if _leads_into_tunnel(one) else ""
    text = (
        f"{one.node}'s BIRD has heard of {block}, and its kernel has no route by that: protocol kernel is off, its filter "
        f"rejects it{refuses}, or somebody took the route away (BIRD gives it back when it looks again, every scan time)"
    )
    return _cause(one, text, f"What does {one.node}'s BIRD give its kernel?", "show protocols all kernel1")


def _leads_into_tunnel(node: Snapshot) -> bool:
    """Whether a node has an end of a tunnel that sends by gateways, as of IPIP: with an address, so that somebody means to use it."""
    return any(kind_of(link).by_gateway and node.own.addresses_of(link.name) for link in node.own.links.values())


def _not_announced(other: Snapshot, theirs: BgpSession, block: IPv4Network) -> Cause:
    if not any(route.to == block and route.protocol == BIRD for route in other.own.routes):
        own = block if block.prefixlen < 32 else f"the block that {block.network_address} is in"
        text = f"{other.node}'s BIRD does not know of {own}, one of its own: no route of its protocol static has it"
        return _cause(other, text, f"Which blocks does {other.node}'s BIRD take for its own?", f"show route for {block}")
    # A changed filter may not have been applied: BIRD 2.0.12 does not see that a set of networks in it is another one.
    filtered = f"the export filter of {theirs.name} rejects it, or did when it was last asked (reload out)"
    text = f"{other.node}'s BIRD knows of {block}, and does not announce it: {filtered}"
    return _cause(
        other,
        text,
        f"What does {other.node}'s BIRD tell its peers, and what does its filter let pass?",
        f"show route noexport {theirs.name}",
    )


def _cause(node: Snapshot, text: str, question: str, look: str, mend: str = "") -> Cause:
    undecided = f"what {bird.folder('bird')}/bird.conf had said, only who wrote it knows; birdc configure has it read again"
    words = {"mend": bird.ask(*mend.split())} if mend else {"undecided": undecided}
    return Cause(text, "route", (node.node, None), question, bird.ask(*look.split()), **words)
