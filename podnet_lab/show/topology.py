"""
The network as a picture, drawn from what the kernels say: nodes, bridges, cables, Pods, and what the last step added.

What is down is dashed and says so; what is new is thick and has a plus; no meaning hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podnet_lab.devices.roles import uplink
from podnet_lab.model import Snapshot
from podnet_lab.packets.trace import Trace
from podnet_lab.show import columns, snapshot_text, trace_overlay
from podnet_lab.show.canvas import Canvas, clip
from podnet_lab.show.columns import GAP, POD_HEIGHT
from podnet_lab.show.topology_node import BOX_HEIGHT, Sheet, draw_boxes, draw_columns
from podnet_lab.show.trace_overlay import Anchors

NODE_TOP, EXTERNAL_TOP, MARGIN = 86, 14, 12
NETWORK_BOTTOM = EXTERNAL_TOP + 34
MOST_ROUTES = 4
LINE = 15
NARROWEST = 420
"""So wide at least is the external network, for what is written on it."""
LEGEND = 24


@dataclass(frozen=True)
class Topology:
    """
    A cluster's picture; *before* are earlier snapshots, and what came since is marked as new; *outside* is the host beside it.

    *trace* is one packet's way, drawn on it.
    """

    cluster: Mapping[str, Snapshot]
    before: Mapping[str, Snapshot] | None = None
    outside: Snapshot | None = None
    trace: Trace | None = None

    def __repr__(self) -> str:
        return snapshot_text.cluster(self.cluster) if self.trace is None else str(self.trace)

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return sketch(self)[0].svg()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.svg}


def sketch(shown: Topology, live: bool = False) -> tuple[Canvas, Anchors]:
    """The drawing, and where each interface is on it; in a *live* one, parts are known by (node, namespace, interface)."""
    cluster, outside, trace = shown.cluster, shown.outside, shown.trace
    widths = [columns.width(node) for node in cluster.values()]
    width = max(sum(widths) + MARGIN * (len(widths) + 1), NARROWEST)
    routes = max((len(_routes(node)) for node in cluster.values()), default=0)
    boxes_top = NODE_TOP + 44 + LINE * (routes + 1)
    bridge_top = boxes_top + (BOX_HEIGHT + GAP if any(map(columns.boxes, cluster.values())) else 0)
    pods_top = bridge_top + 34 + 56
    loose = max((len(_loose(node)) for node in cluster.values()), default=0)
    legend = LEGEND if trace is not None else 0
    height = pods_top + POD_HEIGHT + 26 + LINE * loose + MARGIN + legend
    canvas = Canvas(width, height, "Pod network", repr(shown), live=live)
    anchors: Anchors = {}
    canvas.box(MARGIN, EXTERNAL_TOP, width - 2 * MARGIN, NETWORK_BOTTOM - EXTERNAL_TOP, "bridge")
    canvas.text(MARGIN + 10, EXTERNAL_TOP + 16, "external network 192.168.1.0/24")
    if outside is not None:
        _outside(canvas, outside, width, anchors)
    left = MARGIN
    for (name, node), node_width in zip(cluster.items(), widths, strict=True):
        was = None if shown.before is None else shown.before.get(name)
        sheet = Sheet(canvas, node, was, left, node_width, pods_top, bridge_top, anchors)
        _node(sheet, height - MARGIN - legend)
        draw_boxes(sheet, boxes_top)
        draw_columns(sheet)
        left += node_width + MARGIN
    if trace is not None:
        trace_overlay.draw(canvas, anchors, trace, NETWORK_BOTTOM)
        canvas.text(MARGIN, height - 10, clip(trace_overlay.legend(trace, anchors), width - 2 * MARGIN), "ink")
    return canvas, anchors


def _outside(canvas: Canvas, outside: Snapshot, width: float, anchors: Anchors) -> None:
    if (up := uplink(outside)) is None:
        return
    has = ", ".join(map(str, outside.own.addresses_of(up.name))) or "no address"
    with canvas.part((outside.node, None, None), f"host {outside.node}"):
        canvas.text(width - MARGIN - 10, EXTERNAL_TOP + 16, f"{outside.node}: {has}", anchor="end")
    anchors[outside.node, None, up.name] = (width - MARGIN - 90, NETWORK_BOTTOM)


def _all_routes(node: Snapshot) -> list[str]:
    # With a gateway, the interface follows from it, and would only make the line long.
    return [str(replace(route, dev=None) if route.via else route) for route in node.own.routes if not route.kernel]


def _routes(node: Snapshot) -> list[str]:
    found = _all_routes(node)
    return found if len(found) <= MOST_ROUTES else [*found[: MOST_ROUTES - 1], f"and {len(found) - MOST_ROUTES + 1} more routes"]


def _loose(node: Snapshot) -> list[str]:
    """Cables both of whose ends still lie about on the node."""
    ends = {link.name: link for link in node.own.links.values() if link.peer and link.peer[0] is None}
    return sorted({" — ".join(sorted((name, link.peer[1]))) for name, link in ends.items()})


def _node(sheet: Sheet, bottom: float) -> None:
    canvas, node = sheet.canvas, sheet.node
    cable_at = sheet.left + 20
    canvas.box(sheet.left, NODE_TOP, sheet.width, bottom - NODE_TOP, "node")
    up = uplink(node)
    if up is not None:
        sheet.at(None, up.name, cable_at, NODE_TOP)
        with canvas.part((node.node, None, up.name), f"interface {up.name} of {node.node}"):
            canvas.line(cable_at, NETWORK_BOTTOM, cable_at, NODE_TOP, "line" if up.up else "wrong", dashed=not up.up)
            has = ", ".join(map(str, node.own.addresses_of(up.name))) or "no address"
            canvas.text(cable_at + 6, NODE_TOP - 12, f"{up.name} {has}{'' if up.up else ' (down)'}", "ink" if up.up else "wrong")
    with canvas.part((node.node, None, None), f"node {node.node}"):
        canvas.text(sheet.left + 10, NODE_TOP + 20, node.node, bold=True)
    says = "forwards" if node.own.forwarding else "does not forward"
    changed = sheet.was is not None and sheet.was.own.forwarding != node.own.forwarding
    canvas.text(sheet.left + 10, NODE_TOP + 38, f"{'+ ' if changed else ''}{says}", "new" if changed else "faint", bold=changed)
    old = None if sheet.was is None else set(_all_routes(sheet.was))
    for number, line in enumerate(_routes(node)):
        fresh = old is not None and line not in old
        words = clip(f"{'+ ' if fresh else ''}{line}", sheet.width - 20)
        canvas.text(sheet.left + 10, NODE_TOP + 38 + LINE * (number + 1), words, "new" if fresh else "faint", bold=fresh)
    for number, line in enumerate(_loose(node)):
        canvas.text(sheet.left + 10, sheet.pods_top + POD_HEIGHT + 24 + LINE * number, f"loose cable {line}", "faint")
