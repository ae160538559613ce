"""
The network as a picture, drawn from what the kernels say: nodes, bridges, cables, Pods, and what the last step added.

What is down is dashed and says so; what is new is thick and has a plus, what an interface or a node has no more, a minus;
what is gone as a whole is in the list of what changed last. No meaning hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podnet_lab.devices.roles import uplink
from podnet_lab.model import MAIN_TABLE, Cluster, Route, Snapshot
from podnet_lab.model.route import TABLES
from podnet_lab.packets.trace import Trace
from podnet_lab.show import bgp_sessions, columns, policy_locks, snapshot_text, trace_overlay, tunnels
from podnet_lab.show.canvas import CHARACTER, Canvas
from podnet_lab.show.changes import listed
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
PAGE = 848
"""What a notebook's page takes across, where its window has 1,280."""
TEXT_INSET = 10


@dataclass(frozen=True)
class Topology:
    """
    A cluster's picture; *before* are earlier snapshots, and what changed since is marked and listed; *outside* is the host beside it.

    *trace* is one packet's way, drawn on it.
    """

    cluster: Mapping[str, Snapshot]
    before: Mapping[str, Snapshot] | None = None
    outside: Snapshot | None = None
    trace: Trace | None = None

    def __repr__(self) -> str:
        if self.trace is not None:
            return str(self.trace)
        return "\n".join(
            [
                snapshot_text.cluster(self.cluster),
                *policy_locks.told(self.cluster),
                *bgp_sessions.told(self.cluster, self.before or {}),
                *(["changed last:", *(f"  {line}" for line in self.changed)] if self.changed else []),
            ]
        )

    @property
    def changed(self) -> list[str]:
        """What changed since *before*, in lines."""
        return [] if self.before is None else listed(self.before, self.cluster)

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return sketch(self)[0].svg()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.svg}


def sketch(shown: Topology, live: bool = False) -> tuple[Canvas, Anchors]:
    """The drawing, and where each interface is on it; in a *live* one, parts are known by (node, namespace, interface)."""
    cluster, outside, trace = shown.cluster, shown.outside, shown.trace
    before = shown.before or {}
    traced = trace is not None or live
    speakers = bgp_sessions.spoken(cluster, before)
    widths = _widths(cluster, before, traced, speakers, page=None if live else PAGE)
    width = max(sum(widths) + MARGIN * (len(widths) + 1), NARROWEST)
    routes = max((len(_routes(node, before.get(name))) for name, node in cluster.items()), default=0)
    joined = tunnels.joined(cluster)
    boxes_top = NODE_TOP + 44 + LINE * (routes + speakers + 1) + tunnels.LANE * max(len(joined) - 1, 0)
    bridge_top = boxes_top + (BOX_HEIGHT + GAP if any(map(columns.boxes, cluster.values())) else 0)
    pods_top = bridge_top + 34 + 56
    loose = max((len(_loose(node)) for node in cluster.values()), default=0)
    legend = LEGEND + LINE * any(hop.seen.outer for hop in trace) if trace is not None else 0
    told = [] if live or not shown.changed else ["Changed last", *shown.changed]  # a live one has a pane for that
    list_height = LINE * (len(told) + 1) if told else 0
    height = pods_top + POD_HEIGHT + 26 + LINE * loose + MARGIN + legend + list_height
    canvas = Canvas(width, height, "Pod network", repr(shown), live=live)
    anchors: Anchors = {}
    canvas.box(MARGIN, EXTERNAL_TOP, width - 2 * MARGIN, NETWORK_BOTTOM - EXTERNAL_TOP, "bridge")
    canvas.text(MARGIN + 10, EXTERNAL_TOP + 16, "external network 192.168.1.0/24")
    if outside is not None:
        _outside(canvas, outside, width, anchors)
    left = MARGIN
    for (name, node), node_width in zip(cluster.items(), widths, strict=True):
        sheet = Sheet(canvas, node, before.get(name), left, node_width, pods_top, bridge_top, anchors)
        _node(sheet, height - MARGIN - legend - list_height, traced, speakers)
        draw_boxes(sheet, boxes_top)
        draw_columns(sheet)
        left += node_width + MARGIN
    tunnels.draw(canvas, anchors, cluster, before, boxes_top)
    bgp_sessions.draw(canvas, anchors, cluster, NETWORK_BOTTOM)
    for number, line in enumerate(told):
        y = height - legend - list_height + LINE * (number + 1) - MARGIN / 2
        canvas.text(MARGIN + 10 * (number > 0), y, line, bold=number == 0, within=width - 2 * MARGIN - 10)
    if trace is not None:
        trace_overlay.draw(canvas, anchors, trace, NETWORK_BOTTOM)
        for number, line in enumerate(reversed(trace_overlay.legend(trace, anchors))):
            canvas.text(MARGIN, height - 10 - LINE * number, line, "ink", within=width - 2 * MARGIN)
    return canvas, anchors


def _widths(cluster: Cluster, before: Mapping[str, Snapshot], traced: bool, speakers: bool, page: float | None) -> list[float]:
    """
    What each node takes: where a packet is *traced*, more if its lines of text would reach under the lane of a trace.

    Not more than a *page* has: then text is cut short of the lane, as it is cut at a node's edge.
    """
    widths = [columns.width(node) for node in cluster.values()]
    wider = [
        traced and _reaches_lane(_lines(node, before.get(name), speakers), across)
        for (name, node), across in zip(cluster.items(), widths, strict=True)
    ]
    more = trace_overlay.LANE_WIDTH
    if page is not None and any(wider):
        more = min(more, max(page - sum(widths) - MARGIN * (len(widths) + 1), 0) // sum(wider))
    return [across + more * reaches for across, reaches in zip(widths, wider, strict=True)]


def _reaches_lane(lines: list[tuple[str, str, bool]], across: float) -> bool:
    longest = max((len(line) for line, _, _ in lines), default=0) * CHARACTER
    return TEXT_INSET + longest > _to_lane(across)


def _to_lane(across: float) -> float:
    """How much of a node's width is clear of a trace's lines."""
    return across - trace_overlay.LANE_INSET - 2 * trace_overlay.ASIDE  # of its casing half is beside the lane


def _outside(canvas: Canvas, outside: Snapshot, width: float, anchors: Anchors) -> None:
    if (up := uplink(outside)) is None:
        return
    has = ", ".join(map(str, outside.own.addresses_of(up.name))) or "no address"
    with canvas.part((outside.node, None, None), f"host {outside.node}"):
        canvas.text(width - MARGIN - 10, EXTERNAL_TOP + 16, f"{outside.node}: {has}", anchor="end")
    anchors[outside.node, None, up.name] = (width - MARGIN - 90, NETWORK_BOTTOM)


def _all_routes(node: Snapshot) -> list[str]:
    # With a gateway, the interface follows from it, and would only make the line long.
    cables = {end.peer[1] for pod in node.pods for end in pod.links.values() if end.peer is not None and end.peer[0] is None}
    # A Pod's own route is told at its cable.
    drawn = (route for route in node.own.routes if not route.kernel and not (route.to.prefixlen == 32 and route.dev in cables))
    return [_drawn_route(route) for route in drawn]


def _drawn_route(route: Route) -> str:
    """A route's line, which may be cut at its end: a table that not all packets ask stands first."""
    table = f"table {TABLES.get(route.table, route.table)}: " if route.table != MAIN_TABLE else ""
    return table + str(replace(route, dev=None if route.via else route.dev, table=MAIN_TABLE))


def _routes(node: Snapshot, was: Snapshot | None) -> list[tuple[str, bool]]:
    """The routes that are drawn, and whether each is marked; what changed is left out last."""
    now, then = _all_routes(node), None if was is None else _all_routes(was)
    lines = [(f"+ {line}", True) if then is not None and line not in then else (line, False) for line in now]
    lines += [(f"− {line}", True) for line in then or () if line not in now]
    if len(lines) <= MOST_ROUTES:
        return lines
    first = sorted(range(len(lines)), key=lambda at: not lines[at][1])[: MOST_ROUTES - 1]
    left = [line for at, line in enumerate(lines) if at not in first]
    marked = any(fresh for _, fresh in left)
    return [*(lines[at] for at in sorted(first)), (f"{'+ ' if marked else ''}and {len(left)} more routes", marked)]


def _lines(node: Snapshot, was: Snapshot | None, speakers: bool) -> list[tuple[str, str, bool]]:
    """The lines of text below a node's name, each with its colour and whether it is marked: routes, and, of *speakers*, sessions."""
    lines = [(line, "new" if fresh else "faint", fresh) for line, fresh in _routes(node, was)]
    if speakers:
        lines.append((bgp_sessions.words(node), "faint" if bgp_sessions.all_there(node) else "wrong", False))
    return lines


def _loose(node: Snapshot) -> list[str]:
    """Cables both of whose ends still lie about on the node."""
    ends = {link.name: link for link in node.own.links.values() if link.peer and link.peer[0] is None}
    return sorted({" — ".join(sorted((name, link.peer[1]))) for name, link in ends.items()})


def _uplink_words(node: Snapshot, name: str) -> str:
    up = node.own.links.get(name)
    has = ", ".join(map(str, node.own.addresses_of(name))) or "no address"
    return f"{name} {has}{'' if up is None or up.up else ' (down)'}"


def _node(sheet: Sheet, bottom: float, traced: bool, speakers: bool) -> None:
    canvas, node = sheet.canvas, sheet.node
    cable_at = sheet.left + 20
    canvas.box(sheet.left, NODE_TOP, sheet.width, bottom - NODE_TOP, "node")
    up = uplink(node)
    if up is not None:
        sheet.at(None, up.name, cable_at, NODE_TOP)
        sheet.at(None, trace_overlay.LANE, sheet.left + sheet.width - trace_overlay.LANE_INSET, NODE_TOP)
        changed = sheet.was is not None and _uplink_words(node, up.name) != _uplink_words(sheet.was, up.name)
        colour = "wrong" if not up.up else "new" if changed else ""
        with canvas.part((node.node, None, up.name), f"interface {up.name} of {node.node}"):
            canvas.line(cable_at, NETWORK_BOTTOM, cable_at, NODE_TOP, colour or "line", dashed=not up.up, bold=changed)
            words = f"{'+ ' if changed else ''}{_uplink_words(node, up.name)}"
            canvas.text(cable_at + 6, NODE_TOP - 12, words, colour or "ink", bold=changed, within=sheet.width - 26)
    with canvas.part((node.node, None, None), f"node {node.node}"):
        canvas.text(sheet.left + 10, NODE_TOP + 20, node.node, bold=True)
    says = "forwards" if node.own.forwarding else "does not forward"
    changed = sheet.was is not None and sheet.was.own.forwarding != node.own.forwarding
    canvas.text(sheet.left + 10, NODE_TOP + 38, f"{'+ ' if changed else ''}{says}", "new" if changed else "faint", bold=changed)
    room = columns.width(node) - 2 * TEXT_INSET  # a node that is wider is so to keep that clear
    if traced:
        room = min(room, _to_lane(sheet.width) - TEXT_INSET)
    for number, (line, colour, fresh) in enumerate(_lines(node, sheet.was, speakers)):
        canvas.text(sheet.left + TEXT_INSET, NODE_TOP + 38 + LINE * (number + 1), line, colour, bold=fresh, within=room)
    old = None if sheet.was is None else _loose(sheet.was)
    for number, line in enumerate(_loose(node)):
        fresh = old is not None and line not in old
        words = f"{'+ ' if fresh else ''}loose cable {line}"
        y = sheet.pods_top + POD_HEIGHT + 24 + LINE * number
        canvas.text(sheet.left + 10, y, words, "new" if fresh else "faint", bold=fresh)
