"""
What the steps of one recipe do to each other: what they add up to, which have work to do, which names are taken.

Pure. A run is judged by the state that its steps add up to, not by each step as it was done.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from podnet_lab.devices.link import RemoveLink
from podnet_lab.devices.veth.steps import AddVeth, MoveVeth, PlugVeth
from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Step
from podnet_lab.steps.namespace import RemoveNamespace
from podnet_lab.steps.route import AddRoute


def adds_up(steps: Sequence[Step]) -> list[tuple[Step, Step | None]]:
    """
    For each step, what of its claim is to be true when all are done: itself, itself where it was moved to, or None.

    A cable that a later step moves is judged where it ended; a fact that a later step ends is not judged.
    """
    pairs: list[tuple[Step, Step | None]] = []
    cables = _cables(steps)
    later_ends: set = set()
    later_moves: dict[tuple[str | None, str], str | None] = {}
    for step in reversed(steps):
        pairs.append((step, _left(step, later_ends, later_moves)))
        later_ends.update(step.ends(), _taken_along(step, cables))
        if isinstance(step, MoveVeth):
            later_moves[step.namespace, step.name] = later_moves.pop((step.to, step.name), step.to)
    return pairs[::-1]


Cables = dict[str, tuple[str, frozenset[str | None]]]
"""Of each end of the cables that a recipe makes: the other end, and the namespaces that this one is in at some time."""


def _cables(steps: Sequence[Step]) -> Cables:
    found: Cables = {}
    for step in steps:
        if isinstance(step, AddVeth):
            found[step.name] = (step.peer, frozenset({None}))
            found[step.peer] = (step.name, frozenset({step.peer_namespace}))
        elif isinstance(step, MoveVeth) and step.name in found:
            other, places = found[step.name]
            found[step.name] = (other, places | {step.to})
    return found


def _taken_along(step: Step, cables: Cables) -> set[Hashable]:
    """The other ends of cables that go with one end, or with the namespace that it is in."""
    gone: list[str] = []
    if isinstance(step, RemoveLink) and step.name in cables:
        gone = [step.name]
    elif isinstance(step, RemoveNamespace):
        gone = [end for end, (_, places) in cables.items() if step.name in places]
    others = [cables[end][0] for end in gone]
    return {("link", place, other) for other in others for place in cables[other][1]}


def _left(step: Step, ends: set, moves: dict) -> Step | None:
    if isinstance(step, AddVeth):
        for space, name in ((step.namespace, step.name), (step.peer_namespace, step.peer)):
            if (space, name) in moves:
                step = step.moved(name, space, moves[space, name])
    return None if _depends(step) & ends else step


def _depends(step: Step) -> set:
    """The facts of a step, and those that they can't stand without."""
    whole: set = set()
    for key in step.touches():
        kind, space, *rest = key
        whole |= {key, ("namespace", space)}
        if kind in {"up", "master", "mtu", "arp", "mac", "address", "link"}:
            whole.add(("link", space, rest[0]))
        if kind == "nft":
            whole |= _inside(rest)
        if kind == "conf" and rest[1] == "forwarding":
            whole.add(("conf", space, "all", "forwarding"))  # the one switch sets every interface
        if isinstance(step, PlugVeth) and step.into:
            whole.add(("link", None, step.into))
    return whole


def _inside(key: list[str]) -> set:
    """What an object of nft can't stand without: its table, and its map or chain."""
    kind, *path = key
    holder = {"element": "map", "rules": "chain", "all rules": "chain"}.get(kind)
    return {("nft", None, "table", *path[:2]), *([("nft", None, holder, *path[:3])] if holder else [])}


def _ways(step: Step, before: Snapshot) -> set:
    """The interfaces that a route goes through: it goes with them."""
    if not isinstance(step, AddRoute) or step.namespace not in before.spaces:
        return set()
    devs = {one.dev for one in before.spaces[step.namespace].routes_to(step.to)}
    return {(fact, step.namespace, dev) for dev in devs for fact in ("up", "link")}


def needed(steps: Sequence[Step], before: Snapshot) -> list[bool]:
    """
    For each step, whether it has work to do on a node that is as *before*; raise nothing, change nothing.

    A step whose claim holds already, or holds where later steps of the recipe leave it, has none, unless an
    earlier step with work to do ends what it claims.
    """
    ended: dict[Hashable, int] = {}  # where in the recipe each fact was ended last
    done: dict[Step, int] = {}  # where each step was done last: the same step again has no work, unless it was undone since
    found = []
    for at, (step, left) in enumerate(adds_up(steps)):
        since = done.get(step, -1)
        holds = since >= 0 or step.contradiction(before) is None or (left is not None and left.contradiction(before) is None)
        todo = not holds or any(ended.get(fact, -1) > since for fact in _depends(step) | _ways(step, before))
        found.append(todo)
        if todo:
            ended.update(dict.fromkeys((*step.ends(), *(step.touches() if isinstance(step, MoveVeth) else ())), at))
            done[step] = at
    return found


def conflicts(steps: Sequence[Step], before: Snapshot) -> Iterator[tuple[Step, str]]:
    """The steps whose name is taken by something else, and what takes it; what earlier steps remove does not count."""
    ended: set = set()
    for step, todo in zip(steps, needed(steps, before), strict=True):
        if todo and not _depends(step) & ended and (taken := step.conflict(before)) is not None:
            yield step, taken
        if todo:
            ended.update(step.ends())
