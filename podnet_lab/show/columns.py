"""How one node's part of the picture is laid out: its bridges side by side, each above its own Pods, and its other interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import bridge_of, cable, uplink
from podnet_lab.model import Link, Namespace, Snapshot, in_order
from podnet_lab.recipes.reconcile_links import is_fallback

POD_WIDTH, POD_HEIGHT, GAP = 112, 58, 10
MOST_PODS = 4
"""Of one bridge; more are folded up into one box."""

MOST_BOXES = 6
"""Of a node's other interfaces, a tunnel counted twice, being as wide; more are named in the pane of the node alone."""


@dataclass(frozen=True)
class Column:
    """A bridge, and the Pods whose cables are plugged into it; or, without a bridge, the Pods that are plugged into none."""

    bridge: Link | None
    pods: Sequence[Namespace]

    @property
    def width(self) -> float:
        """What it takes on the picture."""
        return max(1, min(len(self.pods), MOST_PODS)) * (POD_WIDTH + GAP)


def columns(node: Snapshot) -> list[Column]:
    """
    A node's bridges from left to right, by name, with their Pods; Pods of none come last.

    A node with one bridge has one column, and all Pods stand below it: one that is not plugged in is to be seen beside the others.
    """
    pods = list(node.pods)
    bridges = sorted((link for link in node.own.links.values() if kind_of(link).switches), key=lambda link: in_order(link.name))
    if len(bridges) < 2:
        return [Column(bridge_of(node), pods)]
    plugged = {bridge.name: [pod for pod in pods if _port_of(node, pod) == bridge.name] for bridge in bridges}
    unplugged = [pod for pod in pods if _port_of(node, pod) not in plugged]
    return [*(Column(bridge, plugged[bridge.name]) for bridge in bridges), *([Column(None, unplugged)] if unplugged else [])]


def _port_of(node: Snapshot, pod: Namespace) -> str | None:
    """The bridge that a Pod's cable is plugged into."""
    end = cable(pod)
    port = node.link(*end.peer) if end is not None and end.peer is not None and end.peer[0] is None else None
    return port.master if port is not None else None


def boxes(node: Snapshot) -> list[Link]:
    """The node's own interfaces that are neither bridge, nor uplink, nor an end of a cable that is seen whole: tunnels, for example."""
    shown = uplink(node)
    return [
        link
        for link in sorted(node.own.links.values(), key=lambda link: in_order(link.name))
        if link is not shown and kind_of(link).picture not in ("bridge", "none") and link.peer is None and _in_use(node, link)
    ]


def _in_use(node: Snapshot, link: Link) -> bool:
    """Whether an interface is more than one that the kernel has brought, and nobody has given an address."""
    return not is_fallback(link) or bool(node.own.addresses_of(link.name))


def box_places(node: Snapshot, across: float) -> list[tuple[Link, float, float]]:
    """
    The `boxes` that are drawn on a node that is *across* wide, each with its left edge, counted from the node's, and its width.

    Tunnels stand at the right, where packets leave a bridge for the other nodes, in the order of their names; all else at the left.
    The last one takes what the node is wider than it need be.
    """
    places, left, right, spare = [], GAP, across, across - width(node)
    drawn = _drawn_boxes(node)
    for link in drawn:
        if not is_tunnel(link):
            places.append((link, left, POD_WIDTH))
            left += POD_WIDTH + GAP
    for link in reversed(drawn):
        if is_tunnel(link):
            taken, spare = _slots(link) * (POD_WIDTH + GAP) + spare, 0
            right -= taken
            places.append((link, right, taken - GAP))
    return places


def is_tunnel(link: Link) -> bool:
    """Whether an interface is drawn as a tunnel's end."""
    return kind_of(link).picture == "tunnel"


def _drawn_boxes(node: Snapshot) -> list[Link]:
    every = boxes(node)
    return [link for number, link in enumerate(every, 1) if sum(map(_slots, every[:number])) <= MOST_BOXES]


def _slots(link: Link) -> int:
    return 2 if is_tunnel(link) else 1


def width(node: Snapshot) -> float:
    """What the node takes on the picture: two Pods at least."""
    across = sum(column.width for column in columns(node))
    return max(2 * (POD_WIDTH + GAP), across, sum(map(_slots, _drawn_boxes(node))) * (POD_WIDTH + GAP)) + GAP
