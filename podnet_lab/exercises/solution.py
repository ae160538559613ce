"""
What a solution is, and a run of all that proves an exercise: unsolved it fails, solved it holds, a mistake is recognised.

The solutions themselves are elsewhere: in `solutions` for this lesson, in a file that stays with the teacher for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Check
from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.exercises.claims import Untested
from podnet_lab.exercises.exercise import Assessment, Exercise
from podnet_lab.exercises.task import Task, refuse_without

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

Work = Mapping[str, str] | Callable[[Task], Mapping[str, str]]
"""What is typed on each node, or how that follows from a task that was begun."""


@dataclass(frozen=True)
class Solution:
    """Answers to an exercise: *right* ones by a name of their own, *wrong* ones by the name of the mistake that they are."""

    right: Mapping[str, Work]
    wrong: Mapping[str, Work] = field(default_factory=dict)


def prove(lab: ExerciseLab, exercise: Exercise, solution: Solution) -> Iterator[Check]:
    """
    Play an exercise in *lab*, each time from its start: untouched, with every right answer, with every wrong one.

    Raises BadInput if there is no right answer, or if wrong answers and known mistakes are not the same.
    """
    mistakes = {mistake.name: mistake for mistake in exercise.mistakes}
    if not solution.right or set(solution.wrong) != set(mistakes):
        odd = sorted(set(solution.wrong) ^ set(mistakes))
        raise BadInput(f"{exercise.name}: {f'no wrong answer and no mistake of this name: {odd}' if odd else 'there is no right answer'}")
    try:
        refuse_without(exercise)
    except CannotRun as missing:
        yield Untested(f"{exercise.name} can be played", str(missing))
        return
    yield _fails(exercise, played(lab, exercise, {}))
    for name, work in solution.right.items():
        assessment = played(lab, exercise, work)
        yield Check(f"{exercise.name}: {name!r} solves it", None if assessment else assessment.why)
    for name, work in solution.wrong.items():
        yield _recognised(lab, exercise, name, work, mistakes[name].needs)


def played(lab: ExerciseLab, exercise: Exercise, work: Work) -> Assessment:
    """What comes of an answer that is typed into a lab at the exercise's start."""
    task = lab.exercise(exercise)
    for node, script in (work(task) if callable(work) else work).items():
        lab[node].shell(script)
    return task.check()


def _fails(exercise: Exercise, assessment: Assessment) -> Check:
    claim = f"{exercise.name}: unsolved, it fails, and nothing is taken for a mistake"
    if assessment.verdict != "not solved":
        return Check(claim, assessment.verdict + (f": {assessment.why}" if assessment.why else ""))
    return Check(claim, f"{assessment.mistake.name!r} was recognised" if assessment.mistake else None)


def _recognised(lab: ExerciseLab, exercise: Exercise, name: str, work: Work, needs: tuple[str, ...]) -> Check:
    claim = f"{exercise.name}: the mistake {name!r} is recognised"
    try:
        refuse_without(exercise, needs)
    except CannotRun as missing:
        return Untested(claim, str(missing))
    assessment = played(lab, exercise, work)
    if assessment.verdict != "not solved":
        return Check(claim, f"{assessment.verdict} {assessment.why}".strip())
    mistake = assessment.mistake
    return Check(claim, None if mistake and mistake.name == name else f"it is taken for {mistake and mistake.name!r}")
