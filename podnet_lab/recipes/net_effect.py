"""
What the steps of one recipe do to each other: what they add up to, which have work to do, which names are taken.

Pure. A run is judged by the state that its steps add up to, not by each step as it was done. Steps say of themselves what
they make, move and remove (`podnet_lab.steps.base.Step`): none is known here by its kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress

from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Interface, Step

Effect = tuple[Step, Step | None]
"""A step, and what of its claim is to be true when all are done."""


def adds_up(steps: Sequence[Step]) -> list[Effect]:
    """
    For each step, what of its claim is to be true when all are done: itself, itself where it was moved to, or None.

    A cable that a later step moves is judged where it ended; a fact that a later step ends is not judged.
    """
    pairs: list[Effect] = []
    made = _made(steps)
    later_ends: set[Hashable] = set()
    later_moves: dict[Interface, str | None] = {}
    for step in reversed(steps):
        pairs.append((step, _left(step, later_ends, later_moves)))
        later_ends.update(step.ends(), _taken_along(step, made))
        if (move := step.moves()) is not None:
            origin, name, target = move
            later_moves[origin, name] = later_moves.pop((target, name), target)
    return pairs[::-1]


Made = dict[str, tuple[tuple[str, ...], frozenset[str | None]]]
"""Of each interface that a recipe makes: those that come and go with it, and the namespaces that it is in at some time."""


def _made(steps: Sequence[Step]) -> Made:
    made: Made = {}
    for step in steps:
        for group in step.makes():
            for namespace, name in group:
                made[name] = (tuple(other for _, other in group if other != name), frozenset({namespace}))
        if (move := step.moves()) is not None and move[1] in made:
            companions, places = made[move[1]]
            made[move[1]] = (companions, places | {move[2]})
    return made


def _taken_along(step: Step, made: Made) -> set[Hashable]:
    """The other ends of cables that go with one end, or with the namespace that it is in."""
    gone: set[str] = set()
    for kind, namespace, *name in step.removes():
        if kind == "link" and name[0] in made:
            gone.add(name[0])
        elif kind == "namespace":
            gone.update(link for link, (_, places) in made.items() if namespace in places)
    companions = {companion for link in gone for companion in made[link][0]}
    return {("link", place, companion) for companion in companions for place in made[companion][1]}


def _left(step: Step, ends: set[Hashable], moves: dict[Interface, str | None]) -> Step | None:
    if moves:
        for namespace, name in [interface for group in step.makes() for interface in group]:
            if (namespace, name) in moves:
                step = step.moved(name, namespace, moves[namespace, name])
    return None if step.depends() & ends else step


def needed(steps: Sequence[Step], before: Snapshot, effects: Sequence[Effect] | None = None) -> list[bool]:
    """
    For each step, whether it has work to do on a node that is as *before*; raise nothing, change nothing.

    A step whose claim holds already, or holds where later steps of the recipe leave it, has none, unless an
    earlier step with work to do ends what it claims. *effects* is what `adds_up` says of the steps, if that is known.
    """
    brought: set[Hashable] = set()  # facts that may have come with earlier steps unasked
    ended: dict[Hashable, int] = {}  # where in the recipe each fact was ended last
    done: dict[Step, int] = {}  # where each step was done last: the same step again has no work, unless it was undone since
    todo: list[bool] = []
    for position, (step, left) in enumerate(adds_up(steps) if effects is None else effects):
        since = done.get(step, -1)
        holds = since >= 0 or step.contradiction(before) is None or (left is not None and left.contradiction(before) is None)
        todo.append(not holds or any(ended.get(fact, -1) > since for fact in step.depends() | step.needs_links(before)))
        if not todo[-1] and not brought.isdisjoint(step.takes_away()):
            todo[-1] = step.contradiction(_predicted(before, steps, todo[:-1])) is not None
        if todo[-1]:
            brought.update(step.brings(before))
            ended.update(dict.fromkeys((*step.ends(), *(step.touches() if step.moves() else ())), position))
            done[step] = position
    return todo


def _predicted(before: Snapshot, steps: Sequence[Step], todo: Sequence[bool]) -> Snapshot:
    """What a node is once those of *steps* are done that have work *todo*, as far as that can be told."""
    from podnet_lab.recipes.predict import PredictedNode  # here: hardly any run needs it

    node = PredictedNode(before)
    for step in (step for step, does in zip(steps, todo, strict=False) if does):
        with suppress(OSError, AttributeError):  # one that will be refused; or one of nftables or of a daemon, which bring no such fact
            node.take(step)
    return node.snapshot()


def conflicts(steps: Sequence[Step], before: Snapshot, todo: Sequence[bool] | None = None) -> Iterator[tuple[Step, str]]:
    """
    The steps whose name is taken by something else, and what takes it; what earlier steps remove does not count.

    *todo* is what `needed` says of the steps, if that is known.
    """
    ended: set[Hashable] = set()
    for step, does in zip(steps, needed(steps, before) if todo is None else todo, strict=True):
        if does and not (step.depends() | step.needs_links(before)) & ended and (taken := step.conflict(before)) is not None:
            yield step, taken
        if does:
            ended.update(step.ends())
