"""
Whether the data of a TCP connection fit their way, after its handshake, whose packets are small. Pure.

What a router can't send whole its sender is told (RFC 1191), and sends smaller; below net.ipv4.route.min_pmtu it lets routers cut
(__ip_rt_update_pmtu, ip_dont_fragment). But a cable's end or a bridge's port drops what is too long and tells nobody, a single
segment at least: many at once pass as one packet that is cut later (GSO; is_skb_forwardable in include/linux/netdevice.h).
"""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.explain.cause import Place
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.path import PathWalk
from podnet_lab.explain.routing import Packet, decide
from podnet_lab.explain.size import most_sent

LEAST_ANNOUNCED = 256 + 40
"""Bytes of the smallest packet that a receiver asks for, whatever its MTU: net.ipv4.route.min_adv_mss, and the headers."""

UNCUT = "many segments sent at once get by (GSO), one that is sent alone does not"


def data_doubts(there: PathWalk, back: PathWalk, begin: Place, end: Place | None, asked: Flow, answer: Flow) -> list[str]:
    """
    What of a connection's data may be lost, in words, though its handshake passes: *there* and *back* are its walks.

    *asked* and *answer* are what those began with.
    """
    forth, opposite = _segment_sizes(there, back, begin)
    known = {"translations": there.translations, "learned": there.learned, "tracked": there.tracked}
    out = PathWalk(there.cluster, _data(asked, forth), endpoint=there.endpoint, evidence=there.evidence)
    home = PathWalk(there.cluster, _data(answer, opposite), reply=True, evidence=there.evidence, **known)
    return [*_doubts(out, begin, end), *_doubts(home, there.at, begin)]


def _data(flow: Flow, size: int) -> Flow:
    return replace(flow, size=max(flow.size, size), may_be_cut=True)


def _doubts(walk: PathWalk, begin: Place, end: Place | None) -> list[str]:
    cause = walk.follow(begin, end)
    lost = cause is not None and cause.layer == "cable"
    return [*walk.unsure, *([f"whether the connection's data pass, as its handshake does: {cause}; {UNCUT}"] if lost else [])]


def _segment_sizes(there: PathWalk, back: PathWalk, begin: Place) -> tuple[int, int]:
    """How many bytes a packet of data may have, there and back: what its sender's route takes, and its receiver announces."""
    forth = _sent_from(there, begin, replace(there.flow, source=back.flow.to, to=back.flow.source))
    opposite = _sent_from(there, there.at, replace(there.flow, source=there.flow.to, to=there.flow.source))
    return min(forth, max(opposite, LEAST_ANNOUNCED)), min(opposite, max(forth, LEAST_ANNOUNCED))


def _sent_from(walk: PathWalk, place: Place, flow: Flow) -> int:
    packet = Packet(place, walk.cluster[place[0]].spaces[place[1]], flow.to, flow.source, None, flow.protocol, flow.port)
    decision = decide(walk.cluster, walk.evidence, packet)
    return most_sent(packet.space, decision.route, decision.mtu) if decision.route is not None else flow.size
