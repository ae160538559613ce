"""One node's part of the picture: its sheet, and on it the Pods with their cables."""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.model.roles import bridge_of, cable, pod_addresses
from podnet_lab.show.canvas import Canvas, clip
from podnet_lab.show.trace_overlay import Anchors

POD_WIDTH, POD_HEIGHT, GAP = 112, 58, 10
MOST_PODS = 4
"""More are folded up into one box."""


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


def draw_pods(sheet: Sheet) -> None:
    """The node's Pods, from left to right."""
    pods = list(sheet.node.pods)
    for number, pod in enumerate(pods[:MOST_PODS]):
        x = sheet.left + GAP + number * (POD_WIDTH + GAP)
        if number == MOST_PODS - 1 and len(pods) > MOST_PODS:
            more = len(pods) - MOST_PODS + 1
            for folded in pods[number:]:
                if (end := cable(folded)) is not None:
                    _anchor(sheet, folded, end, x + 16)
            with sheet.canvas.part((sheet.node.node, None, None), f"{more} more Pods of {sheet.node.node}"):
                sheet.canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", dashed=True)
                sheet.canvas.text(x + POD_WIDTH / 2, sheet.pods_top + 33, f"and {more} more Pods", anchor="middle")
            return
        _pod(sheet, pod, x)


def _pod(sheet: Sheet, pod: Namespace, x: float) -> None:
    canvas, middle = sheet.canvas, x + POD_WIDTH / 2
    fresh, end = sheet.new(pod.name), cable(pod)
    with canvas.part((sheet.node.node, pod.name, None), f"Pod {pod.name}"):
        canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", "new" if fresh else "line", bold=fresh)
        canvas.text(middle, sheet.pods_top + 18, clip(f"{'+ ' if fresh else ''}{pod.name}", POD_WIDTH - 6), anchor="middle", bold=True)
        has = ", ".join(map(str, pod_addresses(pod)))
        changed = end is not None and not fresh and not sheet.same_address(pod.name, end.name)
        address = clip(has or "no address", POD_WIDTH - 6)
        canvas.text(middle, sheet.pods_top + 34, address, "new" if changed else "ink" if has else "faint", anchor="middle", bold=changed)
        gateways = [str(route.via) for route in pod.routes if route.to.prefixlen == 0 and route.via]
        canvas.text(
            middle, sheet.pods_top + 50, clip(f"→ {gateways[0]}" if gateways else "no way out", POD_WIDTH - 6), "faint", anchor="middle"
        )
    if end is not None:
        _cable(sheet, pod, end, x + 16)


def _cable(sheet: Sheet, pod: Namespace, end: Link, x: float) -> None:
    canvas, other = sheet.canvas, sheet.node.link(*end.peer) if end.peer else None
    fresh = sheet.new(pod.name, end.name)
    found = bridge_of(sheet.node)
    plugged = other is not None and found is not None and other.master == found.name
    up = end.up and (other is None or other.up)
    colour = "new" if fresh else "line" if up and plugged else "wrong"
    _anchor(sheet, pod, end, x)
    top = sheet.bridge_top + 30 if plugged else sheet.bridge_top + 46
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
        sheet.at(None, end.peer[1], x, sheet.bridge_top + 30)
