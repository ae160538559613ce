"""
The outcome of running steps: the command, the evidence, the verdict. Pure values; `show` draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from podnet_lab.model import Snapshot
from podnet_lab.plan import Pod
from podnet_lab.steps.base import Step


@dataclass(frozen=True)
class Outcome:
    """
    One step on one node.

    *changed* is False where its claim held before, and nothing was asked of the kernel; *stands* is False where a later
    step of the same run ended what this one did.
    """

    node: str
    step: Step
    changed: bool
    stands: bool = True

    @property
    def said(self) -> str:
        """The step's claim, which is true now, in words; or that a later step ended it."""
        if not self.stands:
            return "done, and ended by a later step"
        return self.step.claim if self.changed else f"already so: {self.step.claim}"

    def __str__(self) -> str:
        return f"ok    {self.node}# {self.step.brief}    ({self.said})"


@dataclass(frozen=True)
class Result:
    """The outcomes of a run of steps, in order, and the snapshots before and after; true, or it would have raised."""

    outcomes: tuple[Outcome, ...]
    before: Mapping[str, Snapshot] = field(repr=False, compare=False)
    after: Mapping[str, Snapshot] = field(repr=False, compare=False)
    headline: str = ""
    pod: Pod | None = None
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any kernel is different now."""
        return any(outcome.changed for outcome in self.outcomes)

    @property
    def steps(self) -> dict[str, list[Step]]:
        """The steps, node by node, as a recipe."""
        recipe: dict[str, list[Step]] = {}
        for outcome in self.outcomes:
            recipe.setdefault(outcome.node, []).append(outcome.step)
        return recipe

    def __str__(self) -> str:
        lines = [str(outcome) for outcome in self.outcomes]
        return "\n".join([*([self.headline] if self.headline else []), *lines, *self.notes]) or "nothing to do"

    __repr__ = __str__
