"""
What a person would have typed to bring nodes from how they were to how they are, whoever did that, and with what.

Pure. The planner is that of the way back (`reconcile.restore`), asked for the way forth; where that looks at the kernel again, here
a prediction is looked at (`predict`), so that no command is left in which the kernel would refuse. What no step can say is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from podnet_lab.daemons import reconcile as daemons
from podnet_lab.model import Cluster, Snapshot
from podnet_lab.recipes.moved_links import moves
from podnet_lab.recipes.not_said import not_said
from podnet_lab.recipes.predict import predicted
from podnet_lab.recipes.reconcile import MOST_PASSES, restore
from podnet_lab.recipes.scripts import script
from podnet_lab.steps.base import Recipe, Step
from podnet_lab.steps.nft.dormant import SetDormant
from podnet_lab.steps.nft.restore import RestoreTable, restore_tables
from podnet_lab.steps.route import AddRoute


@dataclass(frozen=True)
class TypedStep:
    """A step that a person would type on a node; *undo* are those that take it back alone, None where only all of it can be."""

    node: str
    step: Step
    undo: tuple[Step, ...] | None = None

    def __str__(self) -> str:
        return f"{self.node}# {self.step.command}"


@dataclass(frozen=True)
class ByHand:
    """
    What a person would have typed, node by node, in an order in which it can be typed; true where that says all.

    *undo* brings the nodes back, as a recipe; *unsaid* names, in words, what changed and no step can say. `script` has it as a
    program for bash or in Python, `records` as plain data.
    """

    typed: tuple[TypedStep, ...]
    undo: Recipe = field(repr=False)
    unsaid: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.unsaid

    @property
    def steps(self) -> dict[str, list[Step]]:
        """The steps, node by node, as a recipe."""
        recipe: dict[str, list[Step]] = {}
        for typed in self.typed:
            recipe.setdefault(typed.node, []).append(typed.step)
        return recipe

    @property
    def records(self) -> list[dict[str, Any]]:
        """Each step as plain data: node, command, the same for pyroute2, what is true then, and the commands that take it back."""
        return [
            {
                "node": typed.node,
                "command": typed.step.command,
                "pyroute2": typed.step.pyroute2,
                "claim": typed.step.claim,
                "undo": None if typed.undo is None else [step.command for step in typed.undo],
            }
            for typed in self.typed
        ]

    def script(self, node: str | None = None, language: str = "shell") -> str:
        """The same as a script for one node, or for all by its first argument; also with ``language="pyroute2"``."""
        return script(self.steps, node, language)

    def __str__(self) -> str:
        lines = [*map(str, self.typed), *(["what no step says:"] if self.unsaid else []), *(f"  {words}" for words in self.unsaid)]
        return "\n".join(lines) or "nothing has changed"

    __repr__ = __str__


Listings = Mapping[tuple[str, str], str]
"""What `nft list table` prints, by family and name."""


def by_hand(
    before: Cluster, after: Cluster, beside: Mapping[str, Sequence[str]] | None = None, listings: Mapping[str, Listings] | None = None
) -> ByHand:
    """
    What brings the nodes *before* to *after*; of nodes that are in both.

    *beside* says for each node, in words, what else has changed that no snapshot holds; *listings* has its tables as people read them.
    """
    typed: list[TypedStep] = []
    undo: dict[str, list[Step]] = {}
    unsaid: list[str] = []
    for name in (name for name in after if name in before):
        way, words = _way(before[name], after[name], (listings or {}).get(name, {}))
        typed += [TypedStep(name, step, step.inverse(was, then) if then is not None else None) for step, was, then in way]
        undo[name] = [step for step, *_ in _way(after[name], before[name])[0]]
        unsaid += [f"{name}: {one}" for one in (*words, *(beside or {}).get(name, ()))]
    return ByHand(tuple(typed), {name: steps for name, steps in undo.items() if steps}, tuple(dict.fromkeys(unsaid)))


Way = list[tuple[Step, Snapshot, Snapshot | None]]
"""Steps, each with the node before and after it; None where that is not predicted."""


def changed_tables(before: Snapshot, after: Snapshot) -> list[tuple[str, str]]:
    """(family, name) of the tables of nftables that are there *after*, and were not the same *before*."""
    steps = restore_tables(before.own.rules, after.own.rules)
    return [(step.family, step.name) for step in steps if isinstance(step, RestoreTable) and step.then]


def _way(before: Snapshot, after: Snapshot, listings: Listings = MappingProxyType({})) -> tuple[Way, list[str]]:
    """The steps from one snapshot of a node to another, and what they don't say."""
    first, last = daemons.restore(before, after)
    tables = [_readable(step, before, listings) for step in restore_tables(before.own.rules, after.own.rules)]
    now = _with_tables_and_processes(before, after)
    way: Way = [(step, before, after) for step in first]
    for step in moves(now, after):
        way, now = _done(way, now, step)
    todo: list[Step] = []
    for _ in range(MOST_PASSES):
        earlier, todo = todo, restore(now, after)
        if todo == earlier:
            break  # nothing, or what won't come true
        for step in todo:
            way, now = _done(way, now, step)
    # Of a table that nft can't take, nothing is typed: it would be refused.
    way += [(step, before, after) for step in (*(table for table in tables if not table.unsaid), *last)]
    unsaid = [step.unsaid for step in (*(step for step, *_ in way), *tables) if step.unsaid]
    return way, [*unsaid, *not_said(before, now, after)]


def _readable(step: RestoreTable | SetDormant, before: Snapshot, listings: Listings) -> RestoreTable | SetDormant:
    """A table as a person writes it into a file, whole: in place of the one that is there, if one is."""
    table = (step.family, step.name)
    if not isinstance(step, RestoreTable) or table not in listings or step.unsaid:
        return step
    first = f"delete table {step.family} {step.name}\n" if table in before.own.rules.tables else ""
    return replace(step, text=first + listings[table])


def _done(way: Way, now: Snapshot, step: Step) -> tuple[Way, Snapshot]:
    try:
        then = predicted(now, step)
    except OSError:  # it went with something else, or what it needs comes later
        return way, now
    return [*way, (_shorter(step, now, then), now, then)], then


def _shorter(step: Step, now: Snapshot, then: Snapshot) -> Step:
    """A route without its interface, where the gateway says that: as people type it."""
    if not isinstance(step, AddRoute) or step.via is None or step.dev is None or step.onlink or step.extra:
        return step
    try:
        short = replace(step, dev=None, raw="")
        return short if predicted(now, short) == then else step
    except OSError:
        return step


def _with_tables_and_processes(now: Snapshot, then: Snapshot) -> Snapshot:
    """The node with the tables and the processes that it is to have: their steps need nothing predicted."""
    own = replace(now.own, rules=then.own.rules)
    return replace(now, spaces={**now.spaces, None: own}, processes=then.processes)
