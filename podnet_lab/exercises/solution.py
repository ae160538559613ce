"""
What a solution is, and a run of all that proves an exercise: unsolved it fails, solved it holds, a mistake is recognised.

The solutions themselves are elsewhere: in `solutions` for this lesson, in a file that stays with the teacher for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Check
from podnet_lab.errors import BadInput, CannotRun, LabGone, PodnetError
from podnet_lab.exercises.claims import Untested
from podnet_lab.exercises.exercise import Assessment, Exercise, Mistake
from podnet_lab.exercises.lesson_errors import in_lesson, located
from podnet_lab.exercises.task import Task, refuse_without

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

Work = Mapping[str, str] | Callable[[Task], Mapping[str, str]]
"""What is typed on each node, or how that follows from a task that was begun."""


Problem = Callable[[Assessment], str | None]
"""What contradicts a claim, in what came of an answer."""

Around = Callable[[str], AbstractContextManager[object]]
"""What is done around each answer that is played, such as to end one that takes too long; it is given the claim."""


@dataclass(frozen=True)
class Solution:
    """Answers to an exercise: *right* ones by a name of their own, *wrong* ones by the name of the mistake that they are."""

    right: Mapping[str, Work]
    wrong: Mapping[str, Work] = field(default_factory=dict)


def prove(lab: ExerciseLab, exercise: Exercise, solution: Solution, around: Around = nullcontext) -> Iterator[Check]:
    """
    Play an exercise in *lab*, each time from its start: untouched, with every right answer, with every wrong one.

    What goes wrong while one is played is that claim's problem, and stops none of the others.

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
    yield _claimed(f"{exercise.name}: unsolved, it fails, and nothing is taken for a mistake", lab, exercise, {}, _fails, around)
    for name, work in solution.right.items():
        yield _claimed(f"{exercise.name}: {name!r} solves it", lab, exercise, work, _solves, around)
    for name, work in solution.wrong.items():
        yield _recognised(lab, exercise, mistakes[name], work, around)


def _claimed(claim: str, lab: ExerciseLab, exercise: Exercise, work: Work, problem: Problem, around: Around) -> Check:
    """What playing *work* says of a claim; an error of the exercise, or of the answer, is told in its place."""
    try:
        with around(claim):
            return Check(claim, problem(played(lab, exercise, work)))
    except LabGone:
        raise
    except PodnetError as error:
        return Check(claim, located(error))


def played(lab: ExerciseLab, exercise: Exercise, work: Work) -> Assessment:
    """What comes of an answer that is typed into a lab at the exercise's start."""
    task = lab.exercise(exercise)
    task.counts = False
    for node, script in _typed(task, work).items():
        lab[node].shell(script)
    return task.check()


def _typed(task: Task, work: Work) -> Mapping[str, str]:
    if not callable(work):
        return work
    with in_lesson("the answer"):
        return work(task)


def _solves(assessment: Assessment) -> str | None:
    return None if assessment else assessment.why


def _fails(assessment: Assessment) -> str | None:
    if assessment.verdict != "not solved":
        return assessment.verdict + (f": {assessment.why}" if assessment.why else "")
    return f"{assessment.mistake.name!r} was recognised" if assessment.mistake else None


def _recognised(lab: ExerciseLab, exercise: Exercise, mistake: Mistake, work: Work, around: Around) -> Check:
    claim = f"{exercise.name}: the mistake {mistake.name!r} is recognised"
    try:
        refuse_without(exercise, mistake.needs)
    except CannotRun as missing:
        return Untested(claim, str(missing))

    def problem(assessment: Assessment) -> str | None:
        if assessment.verdict != "not solved":
            return f"{assessment.verdict} {assessment.why}".strip()
        seen = assessment.mistake
        if seen is not None:
            return None if seen.name == mistake.name else f"it is taken for {seen.name!r}"
        return "; ".join(["nothing was recognised", *filter(None, [assessment.raised.get(mistake.name)])])

    return _claimed(claim, lab, exercise, work, problem, around)
