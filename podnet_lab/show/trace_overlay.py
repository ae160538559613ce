"""
One packet's way, drawn on the topology: a line past every interface at which it was seen, numbered in order.

There is a full line with arrow heads, back a dashed one beside it; where it was seen last and got no further, a cross says so.
Where it is inside another packet, in a tunnel, the line has a casing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from podnet_lab.packets.hop import Hop
from podnet_lab.packets.trace import Trace
from podnet_lab.show.canvas import Canvas

Point = tuple[float, float]
Anchors = dict[tuple[str, str | None, str], Point]
"""Where an interface, (node, namespace, name), is on the picture."""

ASIDE = 7
"""How far the way back lies beside the way there: to the left, for names stand to the right of cables."""

BESIDE_BADGE = 16
"""How far from the middle of a badge the cross is that says that it ends there."""

LANE = "the lane"
"""Where on a node's upper edge lines turn that go further down, past its text: no interface has a name with a blank."""

LANE_INSET, LANE_WIDTH = 24, 34
"""How far from a node's right edge the lane is, and what a node is wider by whose text would reach under it."""

ABOVE = 20
"""How far above the middle of a bridge or a box, or the upper end of a cable, a line from the lane comes to it."""


def draw(canvas: Canvas, anchors: Anchors, trace: Trace, bottom_of_network: float) -> None:
    """Draw *trace* over a topology whose interfaces are at *anchors*; the external network is a bar that ends at *bottom_of_network*."""
    there, back = points(trace.way("there"), anchors), points(trace.way("back"), anchors)
    for name, aside in (("there", 0), ("back", ASIDE)):
        for ends in cased(trace.way(name), anchors):
            canvas.casing([(x - aside, y) for x, y in bent(ends, anchors, bottom_of_network, aside)], "new")
    for route, aside, dashed in ((there, 0, False), (back, ASIDE, True)):
        way = [(x - aside, y) for x, y in bent(route, anchors, bottom_of_network, aside)]
        canvas.way(way, "new", dashed=dashed)
    for number, (x, y) in enumerate(there, 1):
        canvas.badge(x, y, str(number))
    for number, (x, y) in enumerate(back, len(there) + 1):
        canvas.badge(x - 2 * ASIDE, y, str(number))
    if not trace and (there or back):
        x, y = (back or there)[-1]
        canvas.cross(*((x - 2 * ASIDE, y - BESIDE_BADGE) if back else _beside(x, y, anchors)))


def _beside(x: float, y: float, anchors: Anchors) -> Point:
    """Where a cross stands that belongs to a badge: left of a cable, as a bridge's text is above and names at the right; else above."""
    cables = {at[0] for (_, namespace, _), at in anchors.items() if namespace is not None}
    return (x - BESIDE_BADGE, y) if x in cables else (x, y - BESIDE_BADGE)


def points(hops: Iterable[Hop], anchors: Anchors) -> list[Point]:
    """The points of *hops* on the picture, in order, without repetitions: neither of the point before, nor of a packet sent again."""
    hops = list(hops)
    return list({number: _anchor(hop, anchors) for hop, number in zip(hops, badges(hops, anchors), strict=True) if number}.values())


def cased(hops: Iterable[Hop], anchors: Anchors) -> list[tuple[Point, Point]]:
    """From where to where on the picture the packet of *hops* is inside another: from its way into the tunnel to its way out."""
    hops = list(hops)
    numbers = badges(hops, anchors)
    within = {number for hop, number in zip(hops, numbers, strict=True) if hop.seen.outer}
    at = points(hops, anchors)
    pairs = zip(range(1, len(at)), at, at[1:], strict=False)
    return [(one, other) for number, one, other in pairs if within & {number, number + 1}]


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


def _anchor(hop: Hop, anchors: Anchors) -> Point | None:
    return anchors.get((hop.seen.node, hop.seen.namespace, hop.seen.dev))


def bent(corners: Sequence[Point], anchors: Anchors, bar: float, aside: float = 0) -> list[Point]:
    """
    The line through *corners* in right angles, clear of labels: along a bridge, a node's upper edge, the external network.

    *aside* is how far beside that it is to go.
    """
    way: list[Point] = []
    for x, y in _by_lanes(corners, anchors, aside):
        if way and way[-1][0] != x:
            before = way[-1]
            highest = min(before[1], y)
            across = bar - 5 if max(before[1], y) < bar + 60 else highest + 6 if highest < bar + 60 else None
            across = max(before[1], y) - _over(aside) if across is None else across - aside / 2
            way += [(before[0], across), (x, across)]
        way.append((x, y))
    return way


def _over(aside: float) -> float:
    """How far above the lower of two corners a line between them goes across."""
    return 2 + aside / 2


def _by_lanes(corners: Sequence[Point], anchors: Anchors, aside: float) -> Iterator[Point]:
    """The same corners, and between a node's upper edge and what is further down and not below its lane, those past its text."""
    lanes = [at for (_, _, dev), at in anchors.items() if dev == LANE]
    for before, after in zip([None, *corners], corners, strict=False):
        if before is not None:
            upper, (x, y) = sorted((before, after), key=lambda corner: corner[1])
            lane = min((at[0] for at in lanes if at[0] >= x and at[1] == upper[1] < y), default=x)
            if lane != x:
                turns = [(lane, y - ABOVE - _over(aside)), (x, y - ABOVE)]
                yield from turns if before == upper else reversed(turns)
        yield after


def legend(trace: Trace, anchors: Mapping) -> list[str]:
    """What the picture shows, in a line; in another one what the casing means, where there is one."""
    seen = [hop for hop in trace if (hop.seen.node, hop.seen.namespace, hop.seen.dev) in anchors]
    tunnels = dict.fromkeys(outer.tunnel.words for hop in seen for outer in hop.seen.outer)
    wide = [f"where the line is wide, the packet is inside another: {'; '.join(tunnels)}"] if tunnels else []
    return [f"{trace.headline} (full: there, dashed: back)" if seen else f"{trace.headline} (never seen)", *wide]
