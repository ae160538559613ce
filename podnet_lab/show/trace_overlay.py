"""
One packet's way, drawn on the topology: a line past every interface at which it was seen, numbered in order.

There is a full line with arrow heads, back a dashed one beside it; where it was seen last and got no further, a cross says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from podnet_lab.packets.trace import Hop, Trace
from podnet_lab.show.canvas import Canvas

Anchors = dict[tuple[str, str | None, str], tuple[float, float]]
"""Where an interface, (node, namespace, name), is on the picture."""

ASIDE = 7
"""How far the way back lies beside the way there: to the left, for names stand to the right of cables."""


def draw(canvas: Canvas, anchors: Anchors, trace: Trace, bottom_of_network: float) -> None:
    """Draw *trace* over a topology whose interfaces are at *anchors*; the external network is a bar that ends at *bottom_of_network*."""
    there, back = points(trace.way("there"), anchors), points(trace.way("back"), anchors)
    for route, aside, dashed in ((there, 0, False), (back, ASIDE, True)):
        way = [(x - aside, y) for x, y in bent(route, bottom_of_network, aside)]
        canvas.way(way, "new", dashed=dashed)
    for number, (x, y) in enumerate(there, 1):
        canvas.badge(x, y, str(number))
    for number, (x, y) in enumerate(back, len(there) + 1):
        canvas.badge(x - 2 * ASIDE, y, str(number))
    if not trace and (there or back):
        x, y = (back or there)[-1]
        canvas.cross(x - (2 * ASIDE if back else 0), y - 16)


def points(hops: Iterable[Hop], anchors: Anchors) -> list[tuple[float, float]]:
    """The points of *hops* on the picture, in order, without repetitions: neither of the point before, nor of a packet sent again."""
    hops = list(hops)
    return list({number: _anchor(hop, anchors) for hop, number in zip(hops, badges(hops, anchors), strict=True) if number}.values())


def badges(hops: Iterable[Hop], anchors: Anchors, first: int = 1) -> list[int]:
    """The number of the badge at which each of *hops* is, from *first* on; 0 for one that is not on the picture."""
    number, before = first - 1, None
    known: dict[tuple[object, ...], int] = {}
    for hop in (hops := list(hops)):
        if hop.seen.position not in known:
            at = _anchor(hop, anchors)
            if at not in (None, before):
                number, before = number + 1, at
            known[hop.seen.position] = 0 if at is None else number
    return [known[hop.seen.position] for hop in hops]


def _anchor(hop: Hop, anchors: Anchors) -> tuple[float, float] | None:
    return anchors.get((hop.seen.node, hop.seen.namespace, hop.seen.dev))


def bent(corners: Sequence[tuple[float, float]], bar: float, aside: float = 0) -> list[tuple[float, float]]:
    """
    The line through *corners* in right angles, clear of labels: along a bridge, a node's upper edge, the external network.

    *aside* is how far beside that it is to go.
    """
    way: list[tuple[float, float]] = []
    for x, y in corners:
        if way and way[-1][0] != x:
            before = way[-1]
            highest = min(before[1], y)
            across = bar - 5 if max(before[1], y) < bar + 60 else highest + 6 if highest < bar + 60 else max(before[1], y) - 2
            across -= aside / 2
            way += [(before[0], across), (x, across)]
        way.append((x, y))
    return way


def legend(trace: Trace, anchors: Mapping) -> str:
    """One line that says what the picture shows."""
    seen = sum((hop.seen.node, hop.seen.namespace, hop.seen.dev) in anchors for hop in trace)
    return f"{trace.headline} (full: there, dashed: back)" if seen else f"{trace.headline} (never seen)"
