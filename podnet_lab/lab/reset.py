"""Back to the baseline, whoever made what is there."""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.backends.backend import Backend
from podnet_lab.backends.baseline import Baseline
from podnet_lab.errors import LabError
from podnet_lab.lab.run_steps import bring_back
from podnet_lab.model import decode
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step

MOST_LINES = 30
"""Undone things that are printed; all of them are in `Reset.undone`."""


@dataclass(frozen=True)
class Reset:
    """What a reset did: *undone* are the commands that it took."""

    headline: str
    undone: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.headline, *self._lines()])

    def _lines(self) -> list[str]:
        more = [f"  … and {len(self.undone) - MOST_LINES} more"] if len(self.undone) > MOST_LINES else []
        return [*(f"  {line}" for line in self.undone[:MOST_LINES]), *more]

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class Goto(Reset):
    """What a goto did: *undone* are the commands that took away what no step of this lab had made; *result*, what was built."""

    result: Result | None = None

    def __str__(self) -> str:
        foreign = ["what no step of this lab had made was undone:"] if self.undone else []
        return "\n".join([self.headline, *foreign, *self._lines()])

    __repr__ = __str__


def reset(backend: Backend, baseline: Baseline, made: set[tuple[str, str]]) -> tuple[str, ...]:
    """Bring all nodes back to *baseline*; returns what that took beyond taking back what is in *made*, in words."""
    backend.refuse_reset()
    lines = [*_end_processes(backend, made), *_remove_broken_names(backend), *backend.mend(baseline)]
    done, left = bring_back(backend.agents, baseline.snapshots)
    for name, steps in left.items():
        raise LabError(f"{name} could not be brought back; still to do: {'; '.join(step.command for step in steps)}")
    for name, steps in done.items():
        lines += [f"{name}# {step.command}" for step in steps if not _made_here(name, step, made)]
    answers = [
        (name, agent.start("restore_unmanaged_state", then=baseline.unmanaged_state[name])) for name, agent in backend.agents.items()
    ]
    for name, answer in answers:
        lines += [f"{name}# {words}" for words in answer()]
    for answer in [agent.start("forget") for agent in backend.agents.values()]:
        answer()
    return tuple(line.encode(errors="backslashreplace").decode() for line in lines)  # a name may be no UTF-8


def _end_processes(backend: Backend, made: set[tuple[str, str]]) -> list[str]:
    """End what runs in the background, first of all: it would keep Pods alive, and may make again what is deleted."""
    answers = [(name, agent.start("end_processes")) for name, agent in backend.agents.items()]
    lines = []
    for name, answer in answers:
        for ended in answer():
            process = decode.process({key: value for key, value in ended.items() if key != "ended"})
            if not ended["ended"]:
                lines.append(f"{name}# (does not end: {process})")
            elif (name, repr(("daemon", process.namespace, process.daemon))) not in made:
                lines.append(f"{name}# (ended: {process})")
    return lines


def _remove_broken_names(backend: Backend) -> list[str]:
    answers = [(name, agent.start("remove_broken_names")) for name, agent in backend.agents.items()]
    return [f"{name}# rm /run/netns/{broken}" for name, answer in answers for broken in answer()]


def _made_here(node: str, step: Step, made: set[tuple[str, str]]) -> bool:
    return any((node, repr(key)) in made for key in step.touches())
