"""One node's part of the picture: its bridges, its Pods with their cables, and its other interfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import bridge_of, cable, pod_addresses
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.recipes.reconcile_links import is_fallback
from podnet_lab.show import policy_locks
from podnet_lab.show.canvas import CHARACTER, Canvas
from podnet_lab.show.changes import about
from podnet_lab.show.columns import GAP, MOST_PODS, POD_HEIGHT, POD_WIDTH, Column, box_places, columns, is_tunnel
from podnet_lab.show.trace_overlay import Anchors

BRIDGE_HEIGHT, BOX_HEIGHT = 30, 36

CABLE_TEXT = 15 * CHARACTER
"""Beside a cable: up to the next one, and as much as the longest name of an interface takes (IFNAMSIZ in linux/if.h)."""

ROUTED = "a route"
"""Where a cable's end leads that is plugged into no bridge, and has a route of its own: no interface has a name with a blank."""


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
        self.canvas.text(x, y, f"{mark}{now or (mark and then) or nothing}", look, anchor="middle", bold=bool(mark), within=width)


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
        sheet.canvas.text(x + 8, sheet.bridge_top + 19, mark + _bridge_words(sheet.node, link.name), bold=fresh, within=width - 12)


def _bridge_words(node: Snapshot, name: str) -> str:
    addresses = ", ".join(map(str, node.own.addresses_of(name))) or "no address"
    return f"{name}  {addresses}{'' if (link := node.own.links.get(name)) is None or link.up else '  (down)'}"


def draw_boxes(sheet: Sheet, top: float) -> None:
    """The node's other interfaces, tunnels and the like, in a row."""
    for link, offset, width in box_places(sheet.node, sheet.width):
        x = sheet.left + offset
        fresh = sheet.new(None, link.name) or sheet.changed(lambda node, name=link.name: "\n".join(about(node.own, name)))
        tunnel, colour = is_tunnel(link), "new" if fresh else "line"
        sheet.at(None, link.name, x + width - 14 if tunnel else x + 16, top + BOX_HEIGHT / 2)
        with sheet.canvas.part((sheet.node.node, None, link.name), f"{link.kind} {link.name} of {sheet.node.node}"):
            if tunnel:
                sheet.canvas.tube(x, top, width, BOX_HEIGHT, colour, dashed=not link.up, bold=fresh)
            else:
                sheet.canvas.box(x, top, width, BOX_HEIGHT, "page", colour, dashed=not link.up, bold=fresh)
            inset = BOX_HEIGHT / 2 + 6 if tunnel else 6
            has = "".join(f"  {address}" for address in sheet.node.own.addresses_of(link.name)) if tunnel else ""
            state = "" if link.up else "down, "
            for y, words, look in ((15, f"{'+ ' if fresh else ''}{link.name}{has}", "ink"), (29, _kind_words(link, state), "faint")):
                sheet.canvas.text(x + inset, top + y, words, look, bold=fresh and look == "ink", within=width - inset - 2)


def _kind_words(link: Link, state: str) -> str:
    return f"{state}{link.kind} {kind_of(link).words(link)}".rstrip()


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
    others = [link for link in pod.links.values() if kind_of(link).picture in ("box", "tunnel") and not is_fallback(link)]
    with canvas.part((sheet.node.node, pod.name, None), f"Pod {pod.name}"):
        canvas.box(x, sheet.pods_top, POD_WIDTH, POD_HEIGHT, "pod", "new" if fresh else "line", bold=fresh)
        words = f"{'+ ' if fresh else ''}{pod.name}"
        canvas.text(middle, sheet.pods_top + 18, words, anchor="middle", bold=True, within=POD_WIDTH - 6, name=True)
        if fresh:
            sheet = replace(sheet, was=None)  # all of it is new: one mark is enough
        sheet.value(middle, sheet.pods_top + 34, lambda node: _addresses(node, pod.name), "no address", POD_WIDTH - 6)
        sheet.value(middle, sheet.pods_top + 50, lambda node: _gateway(node, pod.name), "no way out", POD_WIDTH - 6, "faint")
        now, then = (policy_locks.directions(node, pod.name) for node in (sheet.node, sheet.was or sheet.node))
        policy_locks.draw(canvas, middle, sheet.pods_top + POD_HEIGHT + 14, now, then)
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
    """Of the cable at a Pod's interface: whether both of its ends are up, and the other's bridge, or that it has a route of its own."""
    end = node.link(name, dev)
    other = node.link(*end.peer) if end is not None and end.peer else None
    up = end is not None and end.up and (other is None or other.up)
    routed = other is not None and other.master is None and bridge_of(node) is None and _is_routed(node, name, other.name)
    return up, ROUTED if routed else other.master if other is not None else None


def _is_routed(node: Snapshot, name: str | None, dev: str) -> bool:
    """Whether the node has a route to a Pod, out of the node's end of its cable."""
    owned = {own.ip for own in pod_addresses(node.spaces[name])}
    return any(route.dev == dev and route.to.prefixlen == 32 and route.to.network_address in owned for route in node.own.routes)


def _pod_words(node: Snapshot, name: str | None) -> str:
    """All that is drawn of a Pod."""
    pod = node.spaces.get(name)
    end = cable(pod) if pod is not None else None
    state = _cable_state(node, name, end.name) if end is not None else None
    return f"{pod is not None} {_addresses(node, name)} {_gateway(node, name)} {state} {policy_locks.directions(node, name)}"


def _cable(sheet: Sheet, pod: Namespace, end: Link, x: float, bridge: Link | None) -> None:
    canvas, other = sheet.canvas, sheet.node.link(*end.peer) if end.peer else None
    fresh = sheet.new(pod.name, end.name)
    up, master = _cable_state(sheet.node, pod.name, end.name)
    plugged = master == ROUTED or (bridge is not None and master == bridge.name)
    was_up, was_in = (up, master) if fresh or sheet.was is None else _cable_state(sheet.was, pod.name, end.name)
    wrong, changed = not (up and plugged), (up, master) != (was_up, was_in)
    _anchor(sheet, pod, end, x)
    top = sheet.bridge_top + BRIDGE_HEIGHT if plugged else sheet.bridge_top + BRIDGE_HEIGHT + 16
    colour = "new" if fresh or (changed and not wrong) else "wrong" if wrong else "line"
    canvas.line(x, top, x, sheet.pods_top, colour, dashed=not up, bold=fresh or changed)
    if other is not None:
        with canvas.part((sheet.node.node, None, other.name), f"interface {other.name} of {sheet.node.node}"):
            canvas.text(x + 5, sheet.pods_top - 42, other.name, "faint", within=CABLE_TEXT)
    hangs = ("routed" if master == ROUTED else "plugged in") if plugged else "no route" if _answers(sheet.node, other) else "unplugged"
    state = [hangs] if master != was_in or not plugged or master == ROUTED else []
    state += ["up" if up else "down"] if up != was_up or not up else []
    words, look = f"{'+ ' if changed else ''}{', '.join(state)}", "wrong" if wrong else "new" if changed else "faint"
    canvas.text(x + 5, sheet.pods_top - 26, words, look, bold=changed, within=CABLE_TEXT)
    with canvas.part((sheet.node.node, pod.name, end.name), f"interface {end.name} of {pod.name}"):
        canvas.text(x + 5, sheet.pods_top - 10, f"{'+ ' if fresh else ''}{end.name}", "faint", bold=fresh, within=CABLE_TEXT)


def _answers(node: Snapshot, port: Link | None) -> bool:
    """Whether the node's end of a cable, plugged into nothing, answers by ARP for others: then it is to be routed."""
    conf = node.own.conf.get(port.name) if port is not None else None
    return conf is not None and conf.proxy_arp and port.master is None and bridge_of(node) is None


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
            sheet.canvas.text(x - 10, y, words, "wrong" if not link.up else "new" if fresh else "ink", bold=fresh, within=POD_WIDTH)


def _state(link: Link | None) -> str:
    return "" if link is None or link.up else ", down"
