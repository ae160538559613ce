"""One node's part of the picture: its bridges, its Pods with their cables, and its other interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import cable, pod_addresses
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.show.canvas import Canvas, clip
from podnet_lab.show.columns import GAP, MOST_BOXES, MOST_PODS, POD_HEIGHT, POD_WIDTH, Column, boxes, columns
from podnet_lab.show.trace_overlay import Anchors

BRIDGE_HEIGHT, BOX_HEIGHT = 30, 36


@dataclass(frozen=True)
class Sheet:
    """One node on the canvas, with the node as it was."""

    canvas: Canvas
    node: Snapshot
    was: Snapshot | None
    left: float
    width: float
    pods_top: float
    bridge_top: float
    anchors: Anchors

    def at(self, namespace: str | None, dev: str, x: float, y: float) -> None:
        """Remember where an interface is."""
        self.anchors[self.node.node, namespace, dev] = (x, y)

    def new(self, namespace: str | None, dev: str | None = None) -> bool:
        """Whether a namespace, or an interface in it, came since the earlier snapshot."""
        if self.was is None:
            return False
        if dev is None:
            return namespace not in self.was.spaces
        return self.was.link(namespace, dev) is None

    def same_address(self, namespace: str | None, dev: str) -> bool:
        """Whether the addresses of an interface are what they were."""
        if self.was is None:
            return True
        then = self.was.spaces.get(namespace)
        return then is not None and then.addresses_of(dev) == self.node.spaces[namespace].addresses_of(dev)


def draw_columns(sheet: Sheet) -> None:
    """The node's bridges from left to right, each above its Pods."""
    drawn = columns(sheet.node)
    left = sheet.left
    for number, column in enumerate(drawn):
        last = number == len(drawn) - 1
        width = sheet.left + sheet.width - left - GAP if last else column.width
        if column.bridge is not None:
            _bridge(sheet, column.bridge, left + GAP, width - GAP)
        _pods(sheet, column, left)
        left += column.width


def _bridge(sheet: Sheet, link: Link, x: float, width: float) -> None:
    fresh = sheet.new(None, link.name)
    sheet.at(None, link.name, x + width - 14, sheet.bridge_top + BRIDGE_HEIGHT / 2)
    with sheet.canvas.part((sheet.node.node, None, link.name), f"bridge {link.name} of {sheet.node.node}"):
        sheet.canvas.box(x, sheet.bridge_top, width, BRIDGE_HEIGHT, "bridge", "new" if fresh else "line", dashed=not link.up, bold=fresh)
        addresses = ", ".join(map(str, sheet.node.own.addresses_of(link.name))) or "no address"
        words = f"{'+ ' if fresh else ''}{link.name}  {addresses}{'' if link.up else '  (down)'}"
        changed = not fresh and not sheet.same_address(None, link.name)
        sheet.canvas.text(x + 8, sheet.bridge_top + 19, clip(words, width - 12), "new" if changed else "ink", bold=fresh or changed)


def draw_boxes(sheet: Sheet, top: float) -> None:
    """The node's other interfaces, tunnels and the like, in a row."""
    for number, link in enumerate(boxes(sheet.node)[:MOST_BOXES]):
        x = sheet.left + GAP + number * (POD_WIDTH + GAP)
        fresh = sheet.new(None, link.name)
        sheet.at(None, link.name, x + 16, top + BOX_HEIGHT / 2)
        with sheet.canvas.part((sheet.node.node, None, link.name), f"{link.kind} {link.name} of {sheet.node.node}"):
            sheet.canvas.box(x, top, POD_WIDTH, BOX_HEIGHT, "page", "new" if fresh else "line", dashed=not link.up, bold=fresh)
            state = "" if link.up else "down, "
            sheet.canvas.text(x + 6, top + 15, clip(f"{'+ ' if fresh else ''}{link.name}", POD_WIDTH - 8), bold=fresh)
            sheet.canvas.text(x + 6, top + 29, clip(f"{state}{link.kind} {kind_of(link).words(link)}".rstrip(), POD_WIDTH - 8), "faint")


def _pods(sheet: Sheet, column: Column, left: float) -> None:
    """A column's Pods, from left to right."""
    pods: Sequence[Namespace] = column.pods
    for number, pod in enumerate(pods[:MOST_PODS]):
        x = left + GAP + number * (POD_WIDTH + GAP)
        if number == MOST_PODS - 1 and len(pods) > MOST_PODS:
            more = len(pods) - MOST_PODS + 1
            for folded in pods[number:]:
                if (end := cable(folded)) is not None:
                    _anchor(sheet, folded, end, x + 16)
            with sheet.canvas.part((sheet.node.node, None, None), f"{more} more Pods of {sheet.node.node}"):
                sheet.canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", dashed=True)
                sheet.canvas.text(x + POD_WIDTH / 2, sheet.pods_top + 33, f"and {more} more Pods", anchor="middle")
            return
        _pod(sheet, pod, x, column.bridge)


def _pod(sheet: Sheet, pod: Namespace, x: float, bridge: Link | None) -> None:
    canvas, middle = sheet.canvas, x + POD_WIDTH / 2
    fresh, end = sheet.new(pod.name), cable(pod)
    others = [link for link in pod.links.values() if kind_of(link).picture == "box"]
    with canvas.part((sheet.node.node, pod.name, None), f"Pod {pod.name}"):
        canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", "new" if fresh else "line", bold=fresh)
        canvas.text(middle, sheet.pods_top + 18, clip(f"{'+ ' if fresh else ''}{pod.name}", POD_WIDTH - 6), anchor="middle", bold=True)
        addresses = ", ".join(map(str, pod_addresses(pod)))
        marked = end or next(iter(others), None)
        changed = marked is not None and not fresh and not sheet.same_address(pod.name, marked.name)
        words = clip(addresses or "no address", POD_WIDTH - 6)
        canvas.text(
            middle, sheet.pods_top + 34, words, "new" if changed else "ink" if addresses else "faint", anchor="middle", bold=changed
        )
        gateways = [str(route.via) for route in pod.routes if route.to.prefixlen == 0 and route.via]
        canvas.text(
            middle, sheet.pods_top + 50, clip(f"→ {gateways[0]}" if gateways else "no way out", POD_WIDTH - 6), "faint", anchor="middle"
        )
    if end is not None:
        _cable(sheet, pod, end, x + 16, bridge)
    else:
        _other_interfaces(sheet, pod, others, x + 16)


def _cable(sheet: Sheet, pod: Namespace, end: Link, x: float, bridge: Link | None) -> None:
    canvas, other = sheet.canvas, sheet.node.link(*end.peer) if end.peer else None
    fresh = sheet.new(pod.name, end.name)
    plugged = other is not None and bridge is not None and other.master == bridge.name
    up = end.up and (other is None or other.up)
    colour = "new" if fresh else "line" if up and plugged else "wrong"
    _anchor(sheet, pod, end, x)
    top = sheet.bridge_top + BRIDGE_HEIGHT if plugged else sheet.bridge_top + BRIDGE_HEIGHT + 16
    canvas.line(x, top, x, sheet.pods_top, colour, dashed=not up, bold=fresh)
    if other is not None:
        with canvas.part((sheet.node.node, None, other.name), f"interface {other.name} of {sheet.node.node}"):
            canvas.text(x + 5, sheet.pods_top - 42, clip(other.name, POD_WIDTH - 16), "faint")
    state = [] if plugged else ["unplugged"]
    state += [] if up else ["down"]
    canvas.text(x + 5, sheet.pods_top - 26, ", ".join(state), "wrong")
    with canvas.part((sheet.node.node, pod.name, end.name), f"interface {end.name} of {pod.name}"):
        canvas.text(x + 5, sheet.pods_top - 10, clip(end.name, POD_WIDTH - 16), "faint")


def _anchor(sheet: Sheet, pod: Namespace, end: Link, x: float) -> None:
    sheet.at(pod.name, end.name, x, sheet.pods_top)
    if end.peer is not None and end.peer[0] is None:
        sheet.at(None, end.peer[1], x, sheet.bridge_top + BRIDGE_HEIGHT)


def _other_interfaces(sheet: Sheet, pod: Namespace, links: Sequence[Link], x: float) -> None:
    """Of a Pod without a cable: by what it is connected instead."""
    for number, link in enumerate(links[:2]):
        y = sheet.pods_top - 10 - 16 * number
        sheet.at(pod.name, link.name, x, sheet.pods_top)
        with sheet.canvas.part((sheet.node.node, pod.name, link.name), f"interface {link.name} of {pod.name}"):
            sheet.canvas.text(
                x - 10, y, clip(f"{link.name}: {link.kind}{'' if link.up else ', down'}", POD_WIDTH), "ink" if link.up else "wrong"
            )
