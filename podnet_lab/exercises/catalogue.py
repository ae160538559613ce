"""All exercises of the lesson, by name."""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.errors import BadInput
from podnet_lab.exercises import (
    addr_exercises,
    bridge_exercises,
    calico_exercises,
    cni_exercises,
    flannel_exercises,
    kubernetes_exercises,
    namespaces_exercises,
    policy_exercises,
    route_exercises,
    services_exercises,
    troubleshooting_exercises,
    veth_exercises,
)
from podnet_lab.exercises.exercise import Exercise
from podnet_lab.name_suggestions import choices

SETS = {
    "namespaces": namespaces_exercises.EXERCISES,
    "bridge": bridge_exercises.EXERCISES,
    "veth": veth_exercises.EXERCISES,
    "addr": addr_exercises.EXERCISES,
    "route": route_exercises.EXERCISES,
    "services": services_exercises.EXERCISES,
    "trouble": troubleshooting_exercises.EXERCISES,
    "flannel": flannel_exercises.EXERCISES,
    "calico": calico_exercises.EXERCISES,
    "cni": cni_exercises.EXERCISES,
    "kubernetes": kubernetes_exercises.EXERCISES,
    "policy": policy_exercises.EXERCISES,
}
"""One set for each stage, one of faults to be found, one for each other Pod network; about plugins, nodes' files, and policies."""

EXERCISES = {exercise.name: replace(exercise, nodes=3, pods=2) for one in SETS.values() for exercise in one}
"""By name. They speak of the lesson's nodes and Pods, which a smaller lab has not."""


def find(which: str | Exercise) -> Exercise:
    """The exercise of that name, or the one that is given; BadInput if there is none."""
    if isinstance(which, Exercise):
        return which
    if not isinstance(which, str) or which not in EXERCISES:
        names = "; ".join(", ".join(exercise.name for exercise in one) for one in SETS.values())
        raise BadInput(f"no exercise is called {which!r}{choices(which, EXERCISES, names)}")
    return EXERCISES[which]
