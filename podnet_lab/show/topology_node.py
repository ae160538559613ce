"""One node's part of the picture: its bridges, its Pods with their cables, and its other interfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import cable, pod_addresses
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.show.canvas import Canvas, clip
from podnet_lab.show.changes import about
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

    def changed(self, words: Callable[[Snapshot], str]) -> bool:
        """Whether *words*, of something that both snapshots have, are others than they were."""
        return self.was is not None and words(self.node) != words(self.was)

    def value(self, x: float, y: float, words: Callable[[Snapshot], str], nothing: str, width: float, colour: str = "ink") -> None:
        """What a thing has, around *x*: new with a plus, gone with a minus; *nothing* where it has, and had, none."""
        now, then = words(self.node), words(self.was if self.was is not None else self.node)
        mark = "" if now == then else "+ " if now else "− "
        look = "new" if mark else colour if now else "faint"
        self.canvas.text(x, y, clip(f"{mark}{now or (mark and then) or nothing}", width), look, anchor="middle", bold=bool(mark))


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
    fresh = sheet.new(None, link.name) or sheet.changed(lambda node: _bridge_words(node, link.name))
    sheet.at(None, link.name, x + width - 14, sheet.bridge_top + BRIDGE_HEIGHT / 2)
    with sheet.canvas.part((sheet.node.node, None, link.name), f"bridge {link.name} of {sheet.node.node}"):
        sheet.canvas.box(x, sheet.bridge_top, width, BRIDGE_HEIGHT, "bridge", "new" if fresh else "line", dashed=not link.up, bold=fresh)
        mark = "+ " if fresh else ""
        sheet.canvas.text(x + 8, sheet.bridge_top + 19, clip(mark + _bridge_words(sheet.node, link.name), width - 12), bold=fresh)


def _bridge_words(node: Snapshot, name: str) -> str:
    addresses = ", ".join(map(str, node.own.addresses_of(name))) or "no address"
    return f"{name}  {addresses}{'' if (link := node.own.links.get(name)) is None or link.up else '  (down)'}"


def draw_boxes(sheet: Sheet, top: float) -> None:
    """The node's other interfaces, tunnels and the like, in a row."""
    for number, link in enumerate(boxes(sheet.node)[:MOST_BOXES]):
        x = sheet.left + GAP + number * (POD_WIDTH + GAP)
        fresh = sheet.new(None, link.name) or sheet.changed(lambda node, name=link.name: "\n".join(about(node.own, name)))
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
            fresh = any(sheet.changed(lambda node, name=one.name: _pod_words(node, name)) for one in pods[number:])
            with sheet.canvas.part((sheet.node.node, None, None), f"{more} more Pods of {sheet.node.node}"):
                sheet.canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", "new" if fresh else "line", dashed=True, bold=fresh)
                words = f"{'+' if fresh else 'and'} {more} more Pods"
                sheet.canvas.text(x + POD_WIDTH / 2, sheet.pods_top + 33, words, anchor="middle", bold=fresh)
            return
        _pod(sheet, pod, x, column.bridge)


def _pod(sheet: Sheet, pod: Namespace, x: float, bridge: Link | None) -> None:
    canvas, middle = sheet.canvas, x + POD_WIDTH / 2
    fresh, end = sheet.new(pod.name), cable(pod)
    others = [link for link in pod.links.values() if kind_of(link).picture == "box"]
    with canvas.part((sheet.node.node, pod.name, None), f"Pod {pod.name}"):
        canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", "new" if fresh else "line", bold=fresh)
        canvas.text(middle, sheet.pods_top + 18, clip(f"{'+ ' if fresh else ''}{pod.name}", POD_WIDTH - 6), anchor="middle", bold=True)
        if fresh:
            sheet = replace(sheet, was=None)  # all of it is new: one mark is enough
        sheet.value(middle, sheet.pods_top + 34, lambda node: _addresses(node, pod.name), "no address", POD_WIDTH - 6)
        sheet.value(middle, sheet.pods_top + 50, lambda node: _gateway(node, pod.name), "no way out", POD_WIDTH - 6, "faint")
    if end is not None:
        _cable(sheet, pod, end, x + 16, bridge)
    else:
        _other_interfaces(sheet, pod, others, x + 16)


def _addresses(node: Snapshot, name: str | None) -> str:
    pod = node.spaces.get(name)
    return ", ".join(map(str, pod_addresses(pod))) if pod is not None else ""


def _gateway(node: Snapshot, name: str | None) -> str:
    pod = node.spaces.get(name)
    return next((f"→ {route.via}" for route in pod.routes if route.to.prefixlen == 0 and route.via), "") if pod is not None else ""


def _cable_state(node: Snapshot, name: str | None, dev: str) -> tuple[bool, str | None]:
    """Of the cable at a Pod's interface: whether both of its ends are up, and which bridge the other is plugged into."""
    end = node.link(name, dev)
    other = node.link(*end.peer) if end is not None and end.peer else None
    return end is not None and end.up and (other is None or other.up), other.master if other is not None else None


def _pod_words(node: Snapshot, name: str | None) -> str:
    """All that is drawn of a Pod."""
    pod = node.spaces.get(name)
    end = cable(pod) if pod is not None else None
    state = _cable_state(node, name, end.name) if end is not None else None
    return f"{pod is not None} {_addresses(node, name)} {_gateway(node, name)} {state}"


def _cable(sheet: Sheet, pod: Namespace, end: Link, x: float, bridge: Link | None) -> None:
    canvas, other = sheet.canvas, sheet.node.link(*end.peer) if end.peer else None
    fresh = sheet.new(pod.name, end.name)
    up, master = _cable_state(sheet.node, pod.name, end.name)
    plugged = bridge is not None and master == bridge.name
    was_up, was_in = (up, master) if fresh or sheet.was is None else _cable_state(sheet.was, pod.name, end.name)
    wrong, changed = not (up and plugged), (up, master) != (was_up, was_in)
    _anchor(sheet, pod, end, x)
    top = sheet.bridge_top + BRIDGE_HEIGHT if plugged else sheet.bridge_top + BRIDGE_HEIGHT + 16
    colour = "new" if fresh or (changed and not wrong) else "wrong" if wrong else "line"
    canvas.line(x, top, x, sheet.pods_top, colour, dashed=not up, bold=fresh or changed)
    if other is not None:
        with canvas.part((sheet.node.node, None, other.name), f"interface {other.name} of {sheet.node.node}"):
            canvas.text(x + 5, sheet.pods_top - 42, clip(other.name, POD_WIDTH - 16), "faint")
    state = ["plugged in" if plugged else "unplugged"] if master != was_in or not plugged else []
    state += ["up" if up else "down"] if up != was_up or not up else []
    words = clip(f"{'+ ' if changed else ''}{', '.join(state)}", POD_WIDTH - 8)
    canvas.text(x + 5, sheet.pods_top - 26, words, "wrong" if wrong else "new", bold=changed)
    with canvas.part((sheet.node.node, pod.name, end.name), f"interface {end.name} of {pod.name}"):
        canvas.text(x + 5, sheet.pods_top - 10, clip(f"{'+ ' if fresh else ''}{end.name}", POD_WIDTH - 16), "faint", bold=fresh)


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
            fresh = sheet.new(pod.name, link.name) or sheet.changed(lambda node, name=link.name: _state(node.link(pod.name, name)))
            words = f"{'+ ' if fresh else ''}{link.name}: {link.kind}{_state(link)}"
            sheet.canvas.text(x - 10, y, clip(words, POD_WIDTH), "wrong" if not link.up else "new" if fresh else "ink", bold=fresh)


def _state(link: Link | None) -> str:
    return "" if link is None or link.up else ", down"
