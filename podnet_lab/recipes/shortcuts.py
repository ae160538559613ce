"""The same work in fewer steps: cables made where they belong, instead of moved there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podnet_lab.devices.link_steps import MoveLink
from podnet_lab.devices.veth.steps import AddVeth
from podnet_lab.steps.base import Step


def shortcut(steps: Iterable[Step]) -> list[Step]:
    """The same steps with each cable's end made in place, where it is moved later; the kernel ends up the same."""
    steps = list(steps)
    moves = {step.name: step for step in steps if isinstance(step, MoveLink) and step.namespace is None}
    made = {name for name, move in moves.items() if _made_to_move(steps, move)}
    short: list[Step] = []
    for step in steps:
        if isinstance(step, AddVeth) and step.name in made:
            continue
        if isinstance(step, MoveLink) and step.name in made:
            other = next(made.peer for made in steps if isinstance(made, AddVeth) and made.name == step.name)
            short.append(AddVeth(other, step.name, step.to))
        else:
            short.append(step)
    return short


def _made_to_move(steps: Sequence[Step], move: MoveLink) -> bool:
    """Whether the cable is made by these steps, and neither end is used before it is moved."""
    until = steps[: steps.index(move)]
    made = next((step for step in until if isinstance(step, AddVeth) and (step.name, step.peer_namespace) == (move.name, None)), None)
    if made is None:
        return False
    between = until[until.index(made) + 1 :]
    return not {key[2] for step in between for key in step.touches() if len(key) > 2 and key[1] is None} & {made.name, made.peer}
