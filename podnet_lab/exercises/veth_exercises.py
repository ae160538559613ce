"""Exercises of notebook 3: where each end of a cable lives, and which cable is whose."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import cable
from podnet_lab.exercises.claims import Cluster
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.model import Link, Namespace, Snapshot


def _between(node: Snapshot) -> tuple[Namespace, Link, Link] | None:
    """A Pod, its end of a cable whose other end is in another Pod, and that other end."""
    for pod in node.pods:
        for link in pod.links.values():
            if link.peer and link.peer[0] not in (None, pod.name) and (far := node.link(*link.peer)):
                return pod, link, far
    return None


def _check_direct(lab) -> Iterator[Check]:
    node = lab["node1"].snapshot()
    joined = _between(node)
    yield Check("a cable joins two Pods of node1", None if joined else "no cable has its ends in two Pods")
    pod, link, far = joined
    down = [f"{end.name} in {where}" for end, where in ((link, pod.name), (far, link.peer[0])) if not end.up]
    yield Check("both of its ends are up", f"{' and '.join(down)} {'are' if len(down) > 1 else 'is'} down" if down else None)


def _one_end_left(cluster: Cluster) -> bool:
    ends = [link for link in cluster["node1"].own.links.values() if link.kind == "veth" and link.peer and not link.master]
    return any(link.peer[0] is not None for link in ends)


def _both_left(cluster: Cluster) -> bool:
    return any(link.peer and link.peer[0] is None for link in cluster["node1"].own.links.values() if link.kind == "veth")


def _by_the_bridge(cluster: Cluster) -> bool:
    node = cluster["node1"]
    return any(link.master and link.peer and link.peer[0] for link in node.own.links.values())


DIRECT = Exercise(
    "veth-1",
    "From Pod to Pod, without a switch",
    "Join node1's two Pods, pod-1-2 and pod-1-3, by one cable between them: no bridge. Both ends are up.",
    _check_direct,
    (
        "A cable has two ends. In which namespace does each have to be?",
        "`ip -n pod-1-2 link` and `ip -n pod-1-3 link`; what is on the node itself, `ip link` shows",
        "`ip -n pod-1-2 link add left type veth peer name right netns pod-1-3`, then `link set dev … up` in each Pod",
    ),
    (
        Mistake(
            "by way of the bridge",
            _by_the_bridge,
            "That is the lesson's way: two cables and a bridge. Here it is one cable. Where is each of its ends?",
        ),
        Mistake("one end is left on the node", _one_end_left, "One end is in a Pod. Where is the other, and where does it belong?"),
        Mistake("both ends are left on the node", _both_left, "The cable is made, and both its ends lie on the node. Who is to have them?"),
    ),
    start="veth",
)


def _rename(lab) -> None:
    lab["node2"].shell("ip link set veth-2-3-br name port-a; ip link set veth-2-2-br name port-b")


def _plugged(node: Snapshot, pod: str) -> str | None:
    """What the other end of a Pod's cable is plugged into; None if nothing. KeyError if there is no such Pod."""
    end = cable(node.spaces[pod])
    far = node.link(*end.peer) if end and end.peer else None
    return far.master if far else None


def _check_pulled(lab) -> Iterator[Check]:
    node = lab["node2"].snapshot()
    for pod in ("pod-2-2", "pod-2-3"):
        wired = pod in node.spaces and cable(node.spaces[pod]) is not None
        yield Check(f"{pod} has a cable", None if wired else "it has none")
    yield Check("pod-2-2's cable is plugged in", None if _plugged(node, "pod-2-2") else "it is not plugged into anything")
    into = _plugged(node, "pod-2-3")
    yield Check("pod-2-3's cable is not plugged in", f"it is plugged into {into}" if into else None)


def _wrong_one(cluster: Cluster) -> bool:
    node = cluster["node2"]
    return "pod-2-2" in node.spaces and cable(node.spaces["pod-2-2"]) is not None and not _plugged(node, "pod-2-2")


PULL = Exercise(
    "veth-2",
    "Which cable is it?",
    "On node2, somebody has called the bridge's ends of the two cables port-a and port-b.\n"
    "Pull the cable that leads to pod-2-3 out of the bridge. The other one stays in, and no cable is deleted.",
    _check_pulled,
    (
        "How does an end of a cable know where its other end is?",
        "`ip link show dev port-a`: after the @ and behind link-netns stands where its other end is",
        "`ip link set port-a nomaster`",
    ),
    (
        Mistake("the other cable", _wrong_one, "A cable has been pulled, but whose? Its name says nothing. What stands behind the @?"),
        Mistake(
            "the cable is deleted",
            lambda cluster: any(cable(pod) is None for pod in cluster["node2"].pods),
            "A Pod has no cable at all now. Deleting one of its ends deletes both. Which word unplugs? `lab.exercise(…)` begins again.",
        ),
    ),
    start="addr",
    prepare=_rename,
)

EXERCISES = (DIRECT, PULL)
