"""
The order of the frames of one traced exchange. Pure.

Where all nodes share a clock, as on one machine: by time, so that an ARP request stands right before the hop that waited for its
reply, and an error after the packet that caused it. What belongs together stays together: one ARP exchange, and one error on
its way. The copies that a bridge makes of one frame leave by several ports at almost the same time: they are ordered by the
ports' names. In VMs clocks differ: there the order is by the path, see `by_path`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.model import Snapshot
    from podnet_lab.packets.hop import CapturedFrame

OrderedFrame = tuple[str, "CapturedFrame"]
"""The way that a frame belongs to ("there", "back", "error", or "ARP " and one of these), and the frame."""

_Run = tuple[int, str, list["CapturedFrame"]]
"""Frames that stay together: when the first was captured, their way, and the frames."""


def by_time(
    cluster: Mapping[str, Snapshot], arps: Sequence[CapturedFrame], ways: Mapping[str, Sequence[CapturedFrame]]
) -> list[OrderedFrame]:
    """All frames by one clock; frames of one run stay together."""
    packet: list[_Run] = []
    for way in ("there", "back"):
        for run in _runs(ways[way], lambda _: None):
            packet += [(at, way, [captured]) for at, captured in _by_departure(cluster, run)]
    runs = [*packet, *(_run(cluster, "error", run) for run in _runs(ways["error"], _error_key))]
    runs.sort(key=itemgetter(0))
    exchanges = [_run(cluster, "", run) for run in _runs(arps, arp_question)]
    runs += [(at, f"ARP {_way_of_arp(runs, at, run)}", run) for at, _, run in exchanges]
    return [(way, captured) for _, way, run in sorted(runs, key=itemgetter(0)) for captured in run]


def arp_question(captured: CapturedFrame) -> tuple[Hashable, Hashable]:
    """The asking and the wanted address, the same for an ARP request and its reply."""
    frame = captured.frame
    return (frame.target, frame.source) if frame.kind == "ARP reply" else (frame.source, frame.target)


def _runs(frames: Sequence[CapturedFrame], conversation: Callable[[CapturedFrame], Hashable]) -> list[list[CapturedFrame]]:
    """Frames by their *conversation*, in the order of time; a frame captured again at the same position begins another run."""
    runs: list[list[CapturedFrame]] = []
    at: dict[Hashable, tuple[list[CapturedFrame], set]] = {}
    for captured in sorted(frames, key=lambda captured: captured.time):
        key = conversation(captured)
        if key not in at or captured.position in at[key][1]:
            at[key] = ([], set())
            runs.append(at[key][0])
        at[key][0].append(captured)
        at[key][1].add(captured.position)
    return runs


def _run(cluster: Mapping[str, Snapshot], way: str, run: list[CapturedFrame]) -> _Run:
    return run[0].time, way, [captured for _, captured in _by_departure(cluster, run)]


def _error_key(captured: CapturedFrame) -> Hashable:
    """The ICMP error's kind and code, and the packet that it quotes: equal for the same error at several interfaces."""
    frame = captured.frame
    return frame.kind, frame.code, frame.quoted and (frame.quoted.kind, frame.quoted.flags)


def _by_departure(cluster: Mapping[str, Snapshot], run: Sequence[CapturedFrame]) -> list[tuple[int, CapturedFrame]]:
    """Frames with their times; copies that leave by several ports of one bridge have the first's time, and are ordered by port."""
    first: dict[Hashable, int] = {}
    timed = []
    for captured in run:
        bridge = _bridge(cluster, captured)
        at = first.setdefault((bridge, captured.frame.kind, captured.frame.ttl), captured.time) if bridge else captured.time
        timed.append((at, captured.dev if bridge else "", captured))
    return [(at, captured) for at, _, captured in sorted(timed, key=lambda entry: entry[:2])]


def _bridge(cluster: Mapping[str, Snapshot], captured: CapturedFrame) -> Hashable:
    """The bridge by whose port a frame leaves: node, namespace, name; None if it leaves by none."""
    space = cluster[captured.node].spaces.get(captured.namespace) if captured.out and captured.node in cluster else None
    link = space.links.get(captured.dev) if space else None
    return (captured.node, captured.namespace, link.master) if link and link.master else None


def _way_of_arp(runs: Sequence[_Run], began: int, exchange: Sequence[CapturedFrame]) -> str:
    """The way that an ARP exchange delayed: of the next frames if it had a reply, else of those before."""
    before = [way for at, way, _ in runs if at < began]
    after = [way for at, way, _ in runs if at > began]
    answered = any(captured.frame.kind == "ARP reply" for captured in exchange)
    return (after[:1] if answered and after else before[-1:] or ["there"])[0]


def by_path(arps: Sequence[CapturedFrame], ways: Mapping[str, Sequence[CapturedFrame]], begin: str) -> list[OrderedFrame]:
    """
    All frames where clocks differ: the way there, errors, the way back, each by its path, and before each the ARP of it.

    ARP belongs to the way back where its node had seen the answer before.
    """
    frames: list[OrderedFrame] = []
    for way in ("there", "error", "back"):
        ordered = by_ttl(ways[way], begin if way == "there" or not frames else frames[-1][1].node)
        frames += [(f"ARP {way}", captured) for captured in _arps_of(arps, ways, way)] + [(way, captured) for captured in ordered]
    return frames


def by_ttl(frames: Sequence[CapturedFrame], begin: str) -> list[CapturedFrame]:
    """
    One way's frames by falling TTL; of equal ones the node that had the packet before comes first.

    In a tunnel it is the TTL of the packet inside; nodes that pass on the outer packet follow each other by that one's TTL.
    """
    ordered: list[CapturedFrame] = []
    at = begin
    ttl = lambda captured: captured.frame.ttl  # noqa: E731
    for _, group in groupby(sorted(frames, key=ttl, reverse=True), ttl):
        here = list(group)
        nodes = sorted(
            {captured.node for captured in here},
            key=lambda node: (node != at, -_outer_ttl(here, node), min(captured.time for captured in here if captured.node == node)),
        )
        for node in nodes:
            ordered += sorted((captured for captured in here if captured.node == node), key=lambda captured: captured.time)
        at = ordered[-1].node
    return ordered


def _outer_ttl(frames: Sequence[CapturedFrame], node: str) -> int:
    return max((outer.ttl or 0 for captured in frames if captured.node == node for outer in captured.outer), default=0)


def _arps_of(arps: Sequence[CapturedFrame], ways: Mapping[str, Sequence[CapturedFrame]], way: str) -> list[CapturedFrame]:
    """ARP that belongs to a way: on each node, before the answer was seen there, or after."""
    answers = {captured.node: min(answer.time for answer in ways["back"] if answer.node == captured.node) for captured in ways["back"]}
    late = [captured for captured in arps if captured.node in answers and captured.time > answers[captured.node]]
    chosen = late if way == "back" else [captured for captured in arps if captured not in late] if way == "there" else []
    return sorted(chosen, key=lambda captured: captured.time)
