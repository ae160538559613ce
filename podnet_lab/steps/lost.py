"""What goes along with an interface or an address without being asked, and the steps that bring it back. Pure."""

from __future__ import annotations

from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Step
from podnet_lab.steps.neighbour import AddNeighbour
from podnet_lab.steps.route import AddRoute


def lost(before: Snapshot, after: Snapshot, namespace: str | None, dev: str) -> tuple[Step, ...]:
    """Steps that bring back the routes and the written-down neighbours of *dev* which a step took along without being asked."""
    had, has = before.spaces[namespace], after.spaces[namespace]
    routes = [one for one in had.routes if one.dev == dev and not one.kernel and one not in has.routes]
    known = [one for one in had.neighbours if one.dev == dev and one.state == "PERMANENT" and one not in has.neighbours]
    return (
        *(AddNeighbour(one.address, dev, one.mac, namespace) for one in known),
        *(AddRoute.of(one, namespace, raw=bool(one.extra)) for one in sorted(routes, key=lambda one: (one.via is not None, str(one)))),
    )
