"""The ends of tunnels, joined on the picture by a dotted line that is no cable: from each end up, and across above the nodes' boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from podnet_lab.devices.base import Wire
from podnet_lab.devices.registry import kind_of, wires
from podnet_lab.model import Snapshot
from podnet_lab.show.canvas import Canvas
from podnet_lab.show.columns import is_tunnel
from podnet_lab.show.trace_overlay import Anchors

LANE, LOWEST = 7, 11
"""How far apart the lines of two tunnels lie, one above the other, and the lowest above the ends."""

INSET = 24
"""Where a line leaves its end: so far left of where a packet is drawn, which is to be told from it."""

End = tuple[str, str]
"""A tunnel's end: the node, and the interface in the node's own namespace."""


def joined(cluster: Mapping[str, Snapshot]) -> list[list[End]]:
    """
    The ends that are joined with each other, by what their own settings and tables say: one that knows of no other is in none.

    One that is known to another is joined with it, though it may not know the way back.
    """
    groups: list[set[End]] = []
    for edge in _edges(cluster):
        met = [group for group in groups if group & edge]
        groups = [*(group for group in groups if group not in met), edge.union(*met)]
    return sorted(sorted(group) for group in groups)


def _edges(cluster: Mapping[str, Snapshot]) -> Iterator[set[End]]:
    known = wires(cluster)
    for name, node in cluster.items():
        for link in node.own.links.values():
            if is_tunnel(link):
                for end in kind_of(link).transmit(known, name, None, link):
                    if isinstance(end, Wire) and end.namespace is None and end.node != name:
                        yield {(name, link.name), (end.node, end.link.name)}


def draw(canvas: Canvas, anchors: Anchors, cluster: Mapping[str, Snapshot], before: Mapping[str, Snapshot], top: float) -> None:
    """
    Draw one line for each tunnel over the ends whose boxes begin at *top*; what was not joined *before* is thick.

    An end that is down hangs on a line in the colour of what is wrong; its box says so in words.
    """
    had = {end for group in joined(before) for end in group}
    for number, group in enumerate(joined(cluster)):
        lane = top - LOWEST - LANE * number
        ends = [(end, anchors[end[0], None, end[1]][0] - INSET) for end in group if (end[0], None, end[1]) in anchors]
        if len(ends) < 2:
            continue
        across = [x for _, x in ends]
        canvas.dotted([(min(across), lane), (max(across), lane)])
        for (node, dev), x in ends:
            fresh, up = bool(before) and (node, dev) not in had, cluster[node].own.links[dev].up
            canvas.dotted([(x, lane), (x, top)], "wrong" if not up else "new" if fresh else "line", bold=fresh)
