"""
In which order the frames of one traced exchange are told. Pure.

Where all nodes share a clock, as on one machine: by time, so that a question for a MAC stands right before the hop that waited
for its answer, and an error after the packet that caused it. What belongs together stays together: one ARP exchange, and one
error on its way. The copies that a bridge makes of one frame leave by several ports at almost the same time: they are told by
the ports' names. In VMs clocks differ: there by the path, see `by_path`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.model import Snapshot
    from podnet_lab.packets.trace import Seen

Told = tuple[str, "Seen"]
"""To which way a frame belongs ("there", "back", "error", or "ARP " and one of these), and the frame."""

_Piece = tuple[int, str, list["Seen"]]
"""What is told in one go: when it began, its way, and its frames."""


def by_time(cluster: Mapping[str, Snapshot], arps: Sequence[Seen], ways: Mapping[str, Sequence[Seen]]) -> list[Told]:
    """All frames by one clock, with what belongs together in one piece."""
    packet: list[_Piece] = []
    for way in ("there", "back"):
        for run in _runs(ways[way], lambda _: None):
            packet += [(at, way, [one]) for at, one in _copies_together(cluster, run)]
    pieces = [*packet, *(_piece(cluster, "error", run) for run in _runs(ways["error"], _about))]
    pieces.sort(key=itemgetter(0))
    exchanges = [_piece(cluster, "", run) for run in _runs(arps, question)]
    pieces += [(at, f"ARP {_waiting(pieces, at, run)}", run) for at, _, run in exchanges]
    return [(way, one) for _, way, run in sorted(pieces, key=itemgetter(0)) for one in run]


def question(one: Seen) -> tuple[Hashable, Hashable]:
    """Who asked for whose MAC, of a question and of its answer alike."""
    frame = one.frame
    return (frame.target, frame.source) if frame.kind == "ARP reply" else (frame.source, frame.target)


def _runs(found: Sequence[Seen], conversation: Callable[[Seen], Hashable]) -> list[list[Seen]]:
    """Frames by what they are about, in the order of time; one that is seen again where it was before begins another run."""
    runs: list[list[Seen]] = []
    at: dict[Hashable, tuple[list[Seen], set]] = {}
    for one in sorted(found, key=lambda one: one.time):
        key = conversation(one)
        if key not in at or one.spot in at[key][1]:
            at[key] = ([], set())
            runs.append(at[key][0])
        at[key][0].append(one)
        at[key][1].add(one.spot)
    return runs


def _piece(cluster: Mapping[str, Snapshot], way: str, run: list[Seen]) -> _Piece:
    return run[0].time, way, [one for _, one in _copies_together(cluster, run)]


def _about(one: Seen) -> Hashable:
    """What tells one error from another: what it says, and of which packet."""
    frame = one.frame
    return frame.kind, frame.code, frame.quoted and (frame.quoted.kind, frame.quoted.flags)


def _copies_together(cluster: Mapping[str, Snapshot], run: Sequence[Seen]) -> list[tuple[int, Seen]]:
    """Frames with their times; what leaves by several ports of one bridge has the time of the first, and is ordered by name."""
    first: dict[Hashable, int] = {}
    found = []
    for one in run:
        bridge = _bridge(cluster, one)
        at = first.setdefault((bridge, one.frame.kind, one.frame.ttl), one.time) if bridge else one.time
        found.append((at, one.dev if bridge else "", one))
    return [(at, one) for at, _, one in sorted(found, key=lambda each: each[:2])]


def _bridge(cluster: Mapping[str, Snapshot], one: Seen) -> Hashable:
    """The bridge by whose port a frame leaves; None if it does not."""
    space = cluster[one.node].spaces.get(one.namespace) if one.out and one.node in cluster else None
    link = space.links.get(one.dev) if space else None
    return (one.node, one.namespace, link.master) if link and link.master else None


def _waiting(pieces: Sequence[_Piece], began: int, exchange: Sequence[Seen]) -> str:
    """Which way a MAC was asked for: of what went on when it was known; without an answer, of what was there before."""
    before = [way for at, way, _ in pieces if at < began]
    after = [way for at, way, _ in pieces if at > began]
    answered = any(one.frame.kind == "ARP reply" for one in exchange)
    return (after[:1] if answered and after else before[-1:] or ["there"])[0]


def by_path(arps: Sequence[Seen], ways: Mapping[str, Sequence[Seen]], begin: str) -> list[Told]:
    """
    All frames where clocks differ: the way there, errors, the way back, each by its path, and before each the ARP of it.

    ARP belongs to the way back where its node had seen the answer before.
    """
    told: list[Told] = []
    for way in ("there", "error", "back"):
        ordered = in_order(ways[way], begin if way == "there" or not told else told[-1][1].node)
        told += [(f"ARP {way}", one) for one in _before(arps, ways, way)] + [(way, one) for one in ordered]
    return told


def in_order(found: Sequence[Seen], begin: str) -> list[Seen]:
    """One way's frames by the path: the time to live goes down, and of what is equal the node that had it before comes first."""
    ordered: list[Seen] = []
    at = begin
    ttl = lambda one: one.frame.ttl  # noqa: E731
    for _, group in groupby(sorted(found, key=ttl, reverse=True), ttl):
        here = list(group)
        nodes = sorted({one.node for one in here}, key=lambda node: (node != at, min(one.time for one in here if one.node == node)))
        for node in nodes:
            ordered += sorted((one for one in here if one.node == node), key=lambda one: one.time)
        at = ordered[-1].node
    return ordered


def _before(arps: Sequence[Seen], ways: Mapping[str, Sequence[Seen]], way: str) -> list[Seen]:
    """ARP that belongs to a way: on each node, before the answer was seen there, or after."""
    answers = {one.node: min(other.time for other in ways["back"] if other.node == one.node) for one in ways["back"]}
    late = [one for one in arps if one.node in answers and one.time > answers[one.node]]
    chosen = late if way == "back" else [one for one in arps if one not in late] if way == "there" else []
    return sorted(chosen, key=lambda one: one.time)
