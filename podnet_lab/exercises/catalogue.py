"""All exercises of the lesson, by name."""

from __future__ import annotations

from podnet_lab.errors import BadInput
from podnet_lab.exercises import addr, bridge, namespaces, route, services, troubleshooting, veth
from podnet_lab.exercises.exercise import Exercise

SETS = {
    "namespaces": namespaces.EXERCISES,
    "bridge": bridge.EXERCISES,
    "veth": veth.EXERCISES,
    "addr": addr.EXERCISES,
    "route": route.EXERCISES,
    "services": services.EXERCISES,
    "trouble": troubleshooting.EXERCISES,
}
"""One set for each stage, and one of faults to be found."""

EXERCISES = {exercise.name: exercise for one in SETS.values() for exercise in one}


def find(which: str | Exercise) -> Exercise:
    """The exercise of that name, or the one that is given; BadInput if there is none."""
    if isinstance(which, Exercise):
        return which
    if which not in EXERCISES:
        names = "; ".join(", ".join(exercise.name for exercise in one) for one in SETS.values())
        raise BadInput(f"no exercise is called {which!r}; there are {names}")
    return EXERCISES[which]
