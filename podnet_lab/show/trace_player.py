"""A trace as a film: where the packet moves on the picture from one interface to the next, and its headers at each, as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from podnet_lab.packets.frames import Frame
from podnet_lab.packets.hop import Hop
from podnet_lab.packets.news import PUT_INTO, TAKEN_OUT
from podnet_lab.packets.trace import TITLES, Trace
from podnet_lab.show.trace_overlay import Anchors, badges, bent

Row = tuple[str, str, str]
"""A header's name, what it says, and what has been done to it here: "rewritten", "put on", "taken off", or nothing."""


def film(trace: Trace, anchors: Anchors, bottom_of_network: float) -> list[dict[str, object]]:
    """
    One record for each hop: its *path* from where the packet was seen before, whether it is *arp*, and *html* about it.

    Its *count* is the number of its badge on the picture, whatever is shown in between. A hop that is not on the picture (a folded
    Pod's loopback) has an empty path. *wrapped*: it is inside another packet; *carried*: it was so on the path.
    """
    frames, before, counts, was_wrapped = [], None, iter(_counts(trace, anchors)), False
    for hop in trace:
        at = anchors.get((hop.seen.node, hop.seen.namespace, hop.seen.dev))
        points = [point for point in ([at] if hop.arp or before is None else [before, at]) if point is not None]
        path = bent(points, anchors, bottom_of_network) if len(points) > 1 and points[0] != points[1] else points[-1:]
        wrapped = bool(hop.seen.outer)
        inside = {"wrapped": wrapped, "carried": wrapped or (was_wrapped and not hop.arp)}
        corners = [list(corner) for corner in path]
        frames.append({"arp": bool(hop.arp), "path": corners, "html": headers(hop), "count": next(counts), **inside})
        before, was_wrapped = (before, was_wrapped) if hop.arp or at is None else (at, wrapped)
    return frames


def _counts(trace: Trace, anchors: Anchors) -> list[str]:
    there = badges(trace.way("there"), anchors)
    back = badges(trace.way("back"), anchors, max(there, default=0) + 1)
    numbers, most = {"there": iter(there), "back": iter(back)}, max(there + back, default=0)
    counts, ahead = [], 0
    for way, number in reversed([(hop.way, next(numbers[hop.way], 0) if hop.way in numbers else 0) for hop in trace]):
        if way.startswith("ARP"):
            counts.append(f"ARP, before {ahead}" if ahead else "ARP")
        else:
            counts.append(f"{number} of {most}" if number else "an error" if way == "error" else "not on the picture")
            ahead = number or ahead
    return counts[::-1]


def headers(hop: Hop) -> str:
    """What the packet has in its headers at this interface, those around it in a tunnel first; what a node has rewritten is marked."""
    seen, news = hop.seen, hop.news
    way = TITLES[hop.way.removeprefix("ARP ")]
    at = f"{'leaves by' if seen.out else 'comes in by'} {seen.dev} of {seen.place}"
    rows = [("tunnel", change.removeprefix(TAKEN_OUT), "taken off") for change in news if change.startswith(TAKEN_OUT)]
    whole = seen.first is None
    for frame, ends in list(zip(seen.outer, hop.outer_ends, strict=True))[: None if whole else 1]:
        rows += _rows("outer ", frame, ends, [change.removeprefix("outer: ") for change in news if change.startswith("outer: ")])
        around = f"{PUT_INTO}{frame.tunnel.words}" in news
        piece = f", {frame.piece.words}" if frame.piece else ""
        rows.append((frame.tunnel.name, f"{frame.tunnel.words}{piece}; {frame.bytes} bytes on the wire", "put on" if around else ""))
    if whole:
        inner = ("inner " * bool(seen.outer), seen.frame, (hop.sender, hop.receiver), news)
        rows += [*_ethernet(*inner), ("ARP", hop.arp, "")] if hop.arp else _rows(*inner)
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{_marked(words, mark)}</td></tr>" for name, words, mark in rows)
    return f"<b>{escape(at)}</b><div>{escape(way)}</div><table>{cells}</table>"


def _rows(which: str, frame: Frame, ends: tuple[str, str], news: Iterable[str]) -> list[Row]:
    """The headers of one packet, the *which* of several."""
    readdressed = "rewritten" if {"another source", "another destination"} & set(news) else ""
    ipv4 = (f"{which}IPv4", f"{frame.source} → {frame.target}", readdressed)
    return [*_ethernet(which, frame, ends, news), ipv4, ("", f"time to live {frame.ttl}", ""), ("carries", frame.words, "")]


def _ethernet(which: str, frame: Frame, ends: tuple[str, str], news: Iterable[str]) -> list[Row]:
    if not frame.source_mac:
        return []
    new = "rewritten" if "new Ethernet header" in news else ""
    return [(f"{which}Ethernet", " → ".join(ends), new), ("", f"{frame.source_mac} → {frame.target_mac}", "")]


def _marked(words: str, mark: str) -> str:
    return f"<b>{escape(words)}</b> ◆ {mark}" if mark else escape(words)
