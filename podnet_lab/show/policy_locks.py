"""NetworkPolicies on the picture: a lock below each Pod that one isolates, with the directions, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.devices.roles import pod_addresses
from podnet_lab.model import Snapshot
from podnet_lab.policies.isolation import isolating
from podnet_lab.policies.objects import INGRESS
from podnet_lab.show.canvas import CHARACTER, Canvas

LOCK = 10
"""Width of a lock."""


def directions(node: Snapshot, pod: str | None) -> str:
    """In which directions a Pod is isolated on its node: "in", "out", "in, out", or nothing."""
    return ", ".join(sorted("in" if direction == INGRESS else "out" for direction in _isolated(node, pod)))


def told(cluster: Mapping[str, Snapshot]) -> list[str]:
    """A line for each direction in which a Pod is isolated."""
    return [
        f"{pod.name} is isolated for {direction.lower()} by {', '.join(policies) or 'no policy'}"
        for node in cluster.values()
        for pod in node.pods
        for direction, policies in sorted(_isolated(node, pod.name).items(), reverse=True)
    ]


def draw(canvas: Canvas, middle: float, y: float, now: str, then: str) -> None:
    """A lock and the directions, around *middle*; where they are others than *then*, marked, and without a lock where it is gone."""
    if not (now or then):
        return
    mark = "" if now == then else "+ " if now else "− "
    words, look = f"{mark}{now or then}", "new" if mark else "ink"
    left = middle - (LOCK + 5 + CHARACTER * len(words)) / 2
    if now:
        canvas.lock(left, y, look)
    canvas.text(left + LOCK + 5, y, words, look, bold=bool(mark))


def _isolated(node: Snapshot, pod: str | None) -> dict[str, tuple[str, ...]]:
    space = node.spaces.get(pod)
    found: dict[str, tuple[str, ...]] = {}
    if space is not None and node.own.rules:
        for address in pod_addresses(space):
            found |= isolating(node.own.rules, address.ip)
    return found
