"""Exercises of notebook 1: what is in a namespace, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.checks.check import Check
from podnet_lab.exercises.claims import Cluster
from podnet_lab.exercises.exercise import Exercise, Mistake


def _check_loopback(lab) -> Iterator[Check]:
    pods = list(lab["node3"].snapshot().pods)
    names = ", ".join(pod.name for pod in pods)
    yield Check("node3 has one namespace", None if len(pods) == 1 else f"it has {names}" if pods else "it has none")
    down = not pods[0].links["lo"].up
    yield Check("its loopback is up", f"lo in {pods[0].name} is down" if down else None)


def _elsewhere(cluster: Cluster) -> bool:
    return not list(cluster["node3"].pods) and any(list(node.pods) for node in cluster.values())


def _left_down(cluster: Cluster) -> bool:
    return any(not pod.links["lo"].up for pod in cluster["node3"].pods)


ITSELF = Exercise(
    "namespaces-1",
    "A Pod that can talk to itself",
    "On node3, make one network namespace, with any name, and switch its loopback on.",
    _check_loopback,
    (
        "Which interface does a new namespace have, and in which state?",
        "`ip -n NAME link` shows a namespace's interfaces; without `-n NAME`, it shows the node's own.",
        "`ip netns add red`, then `ip -n red link set dev lo up`",
    ),
    (
        Mistake("on another node", _elsewhere, "A namespace is there, but on which node? The first line of a cell says where you type."),
        Mistake(
            "the node's own loopback",
            _left_down,
            "Whose loopback have you switched on? The node's own was up before; the namespace's is still down.",
        ),
    ),
)


def _hide(lab) -> None:
    lab["node1"].shell("for each in red green blue; do ip netns add $each; done; ip -n green link add lost type bridge")


def _check_lost(lab) -> Iterator[Check]:
    pods = list(lab["node1"].snapshot().pods)
    yield Check("node1 has three namespaces", None if len(pods) == 3 else f"it has {len(pods)}")
    odd = [pod.name for pod in pods if set(pod.links) != {"lo"}]
    yield Check("each has a loopback interface, and no other", f"{len(odd)} of them has another one" if odd else None)


LOST = Exercise(
    "namespaces-2",
    "Lost property",
    "Somebody has made a bridge inside one of node1's three namespaces, where it is of no use to anybody.\n"
    "Find it and delete it. The namespaces stay.",
    _check_lost,
    (
        "In which namespace does an interface live, and who sees it there?",
        "`ip -n NAME link`, for each name that `ip netns list` shows",
        "`ip -n green link del lost`",
    ),
    (
        Mistake(
            "the namespace is gone, too",
            lambda cluster: len(list(cluster["node1"].pods)) < 3,
            "A namespace takes with it what is inside. Was the bridge all that you wanted to delete? `lab.exercise(…)` begins again.",
        ),
    ),
    prepare=_hide,
)

EXERCISES = (ITSELF, LOST)
