"""A trace as a film: where the packet moves on the picture from one interface to the next, and its headers at each, as HTML."""

from __future__ import annotations

from html import escape

from podnet_lab.packets.trace import TITLES, Hop, Trace
from podnet_lab.show.trace_overlay import Anchors, badges, bent


def film(trace: Trace, anchors: Anchors, bottom_of_network: float) -> list[dict[str, object]]:
    """
    One record for each hop: its *path* from where the packet was seen before, whether it is *arp*, and *html* about it.

    Its *count* is the number of its badge on the picture, whatever is shown in between. A hop that is not on the picture (a folded
    Pod's loopback) has an empty path.
    """
    frames, before, counts = [], None, iter(_counts(trace, anchors))
    for hop in trace:
        at = anchors.get((hop.seen.node, hop.seen.namespace, hop.seen.dev))
        points = [point for point in ([at] if hop.arp or before is None else [before, at]) if point is not None]
        path = bent(points, bottom_of_network) if len(points) > 1 and points[0] != points[1] else points[-1:]
        frames.append({"arp": bool(hop.arp), "path": [list(corner) for corner in path], "html": headers(hop), "count": next(counts)})
        before = before if hop.arp or at is None else at
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
    """What the packet has in its headers at this interface; what a node has rewritten is marked."""
    frame, seen = hop.seen.frame, hop.seen
    way = TITLES[hop.way.removeprefix("ARP ")]
    at = f"{'leaves by' if seen.out else 'comes in by'} {seen.dev} of {seen.place}"
    rows = [
        ("Ethernet", f"{hop.sender} → {hop.receiver}", "new Ethernet header" in hop.news),
        ("", f"{frame.source_mac} → {frame.target_mac}", False),
    ]
    if hop.arp:
        rows.append(("ARP", hop.arp, False))
    else:
        rows.append(("IPv4", f"{frame.source} → {frame.target}", bool({"another source", "another destination"} & set(hop.news))))
        rows += [("", f"time to live {frame.ttl}", False), ("carries", frame.words, False)]
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{_marked(words, new)}</td></tr>" for name, words, new in rows)
    return f"<b>{escape(at)}</b><div>{escape(way)}</div><table>{cells}</table>"


def _marked(words: str, new: bool) -> str:
    return f"<b>{escape(words)}</b> ◆ rewritten" if new else escape(words)
