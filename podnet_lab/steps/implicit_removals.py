"""What goes along with an interface or an address without being asked, and the steps that bring it back. Pure."""

from __future__ import annotations

from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Step
from podnet_lab.steps.neighbour import AddNeighbour
from podnet_lab.steps.route import AddRoute


def restore_implicit_removals(before: Snapshot, after: Snapshot, namespace: str | None, dev: str) -> tuple[Step, ...]:
    """Steps that bring back the routes and the written-down neighbours of *dev* which a step took along without being asked."""
    then, now = before.spaces[namespace], after.spaces[namespace]
    routes = [route for route in then.routes if route.dev == dev and not route.kernel and route not in now.routes]
    entries = [entry for entry in then.neighbours if entry.dev == dev and entry.state == "PERMANENT" and entry not in now.neighbours]
    return (
        *(AddNeighbour(entry.address, dev, entry.mac, namespace) for entry in entries),
        *(
            AddRoute.of(route, namespace, raw=bool(route.extra))
            for route in sorted(routes, key=lambda route: (route.via is not None, str(route)))
        ),
    )
