"""What the lab's steps changed, so that the last of it can be taken back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podnet_lab.errors import UndoRefused
from podnet_lab.model import Snapshot
from podnet_lab.recipes.reconcile import restore
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step
from podnet_lab.steps.facts import difference, facts


@dataclass(frozen=True)
class Entry:
    """One run that changed something: its steps, and the nodes around it."""

    steps: Mapping[str, Sequence[Step]]
    before: Mapping[str, Snapshot]
    after: Mapping[str, Snapshot]

    @classmethod
    def of(cls, result: Result) -> Entry | None:
        """The entry for a run's result; None if it changed nothing."""
        changed: dict[str, list[Step]] = {}
        for outcome in result.outcomes:
            if outcome.changed:
                changed.setdefault(outcome.node, []).append(outcome.step)
        return cls(changed, result.before, result.after) if changed else None

    def keys(self, node: str) -> list[tuple]:
        """The facts that it changed on *node*."""
        return list(dict.fromkeys(key for step in self.steps[node] for key in step.touches()))

    def inverse(self) -> dict[str, list[Step]]:
        """The steps that take it back."""
        return {node: self._inverse(node, steps) for node, steps in self.steps.items()}

    def _inverse(self, node: str, steps: Sequence[Step]) -> list[Step]:
        before, after = self.before[node], self.after[node]
        inverse = steps[0].inverse(before, after) if len(steps) == 1 else None
        return restore(after, before) if inverse is None else list(inverse)

    def refuse_if_changed(self, now: Mapping[str, Snapshot]) -> None:
        """Raise UndoRefused if an object is not what the run left: taking it back might take somebody's work along."""
        for node in self.steps:
            for key in self.keys(node):
                left, seen = facts(self.after[node], key), facts(now[node], key)
                if left != seen or self._takes_more(node, key, now[node]):
                    raise UndoRefused(f"{node}: {difference(key, left, seen)}; nothing was changed. `lab.goto(STAGE)` starts afresh")

    def _takes_more(self, node: str, key: tuple, now: Snapshot) -> bool:
        """Whether taking back a table of nft would take along what somebody else has put into it since."""
        if key[:3] != ("nft", None, "table") or facts(self.before[node], key) is not None:
            return False
        return now.own.rules.table(*key[3:]) != self.after[node].own.rules.table(*key[3:])

    def refuse_if_left(self, now: Mapping[str, Snapshot]) -> None:
        """Raise UndoRefused if, after the inverse, an object is not what it was before the run."""
        for node in self.steps:
            for key in self.keys(node):
                before, seen = facts(self.before[node], key), facts(now[node], key)
                if before != seen:
                    raise UndoRefused(f"{node}: taken back, but {difference(key, before, seen)}")
