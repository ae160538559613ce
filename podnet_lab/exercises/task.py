"""An exercise that was begun in a lab: what a student holds in a notebook."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Check, Checks
from podnet_lab.daemons import registry
from podnet_lab.errors import BadInput, CannotRun, LabError
from podnet_lab.exercises import attempts, progress
from podnet_lab.exercises.exercise import LEVELS, Assessment, Exercise, assess
from podnet_lab.exercises.lesson_errors import in_lesson
from podnet_lab.networks import registry as networks

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

PACKAGES = {"nft": "nftables", **registry.packages()}
"""Debian's packages of programs that an exercise may need."""


class Task:
    """One exercise in one lab, at its start; `check` asks the kernels, `hint` helps. Begun by ``lab.exercise(name)``."""

    def __init__(self, lab: ExerciseLab, exercise: Exercise) -> None:
        refuse_without(exercise)
        self.lab, self.exercise = lab, exercise
        lab.goto(exercise.starts_at)
        with in_lesson(f"prepare of {exercise.name}"):
            self.note = (exercise.prepare(lab) if exercise.prepare else None) or ""
        self._fault, self._hints = lab.broken, 0
        known = attempts.read(lab)
        known.begin(exercise.name)
        attempts.write(lab, known)

    @property
    def title(self) -> str:
        """Its name and title, in one line."""
        return f"{self.exercise.name}: {self.exercise.title}"

    @property
    def text(self) -> str:
        """What is to be done."""
        return f"{self.exercise.task}\n{self.note}" if self.note else self.exercise.task

    def check(self) -> Assessment:
        """
        Ask the kernels whether it is solved: true if it is; else it says what is wrong, and a hint if it knows the mistake.

        Raises LabError if the lab has left it since, by another exercise, `goto` or `reset`.
        """
        known = self._known()
        given_up = self._fault is not None and self.lab.broken is not self._fault
        assessment = Assessment(self.exercise.name, Checks([self._given_up()])) if given_up else assess(self.exercise, self.lab)
        record = known.records[self.exercise.name]
        record.verdict, record.why, record.given_up = assessment.verdict, assessment.why, record.given_up or given_up
        record.mistake = assessment.mistake.name if assessment.mistake else ""
        record.tries += 1
        attempts.write(self.lab, known)
        progress.note(self.exercise.name, record)
        return assessment

    def hint(self, level: int | None = None) -> str:
        """A question (1), a place to look (2), or the command (3); without *level* the next one."""
        known = self._known()
        wanted = min(self._hints + 1, LEVELS[-1]) if level is None else level
        words = self.exercise.hint(self.lab, wanted)
        self._hints = max(self._hints, wanted)
        record = known.records[self.exercise.name]
        record.hints = max(self._hints, record.hints if isinstance(record.hints, int) else 0)
        attempts.write(self.lab, known)
        return words

    def leave(self) -> None:
        """The lab goes elsewhere: what was reached stays as it was checked."""
        known = attempts.read(self.lab)
        known.at = ""
        attempts.write(self.lab, known)

    def _known(self) -> attempts.Records:
        known = attempts.read(self.lab)
        if self.lab.task is not self or self.exercise.name not in known.records:
            at = f"is at {known.at!r} by now" if known.at else "has left this exercise"
            raise LabError(f"the lab {at}; lab.exercise({self.exercise.name!r}) begins it again")
        return known

    def _given_up(self) -> Check:
        again = f"lab.exercise({self.exercise.name!r}) begins again"
        return Check("what was broken is mended by hand", f"lab.give_up() has done it; {again}")

    def __str__(self) -> str:
        return f"{self.title}\n{self.text}"

    __repr__ = __str__


def begin(lab: ExerciseLab, exercise: Exercise) -> Task:
    """Bring *lab* to the start of an exercise."""
    if not isinstance(exercise, Exercise):
        raise BadInput(f"{exercise!r} is no exercise")
    wanted = networks.find(exercise.network)
    if lab.network is not wanted:
        fits = f"Lab.open(name='other', network={wanted.name!r}) opens a lab that has it"
        raise BadInput(f"{exercise.name} is about the network {wanted.name}, and this lab's is {lab.network.name}: {fits}")
    nodes, pods = len(lab.plan.nodes), lab.plan.pods_per_node
    if nodes < exercise.nodes or pods < exercise.pods:
        fits = f"Lab.open(nodes={max(nodes, exercise.nodes)}, pods={max(pods, exercise.pods)}, name='other') opens a lab that has them"
        needs = f"{exercise.nodes} nodes with {exercise.pods} Pods each"
        raise BadInput(f"{exercise.name} needs {needs}, and this lab was planned for {nodes} with {pods}: {fits}")
    return Task(lab, exercise)


def refuse_without(exercise: Exercise, more: tuple[str, ...] = ()) -> None:
    """Raise CannotRun if a program that an exercise needs, or one of *more*, is not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [program for program in (*exercise.needs, *more) if not shutil.which(program, path=path)]
    if missing:
        how = f": sudo apt install {' '.join(PACKAGES.get(program, program) for program in missing)}"
        raise CannotRun(f"{exercise.name} needs {' and '.join(missing)}, which was not found{how}")
