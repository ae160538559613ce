"""An exercise that was begun in a lab: what a student holds in a notebook."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Check, Checks
from podnet_lab.daemons import registry
from podnet_lab.errors import BadInput, CannotRun, LabError, LabGone, LessonFailed, PodnetError
from podnet_lab.exercises import attempts, progress
from podnet_lab.exercises.exercise import LEVELS, Assessment, Exercise, assess, mistake_now
from podnet_lab.exercises.lesson_errors import in_lesson, located
from podnet_lab.networks import registry as networks

if TYPE_CHECKING:
    from podnet_lab.exercises.exercise_lab import ExerciseLab

PACKAGES = {"nft": "nftables", **registry.packages()}
"""Debian's packages of programs that an exercise may need."""

NO_MORE = "there are no more hints: task.hint(3) says the command again, and task.check() what is still wrong"


class Task:
    """
    One exercise in one lab, at its start; `check` asks the kernels, `hint` helps. Begun by ``lab.exercise(name)``.

    *counts* says whether `podnet progress` is to know of it: not where solutions are played.
    """

    counts = True

    def __init__(self, lab: ExerciseLab, exercise: Exercise) -> None:
        refuse_without(exercise)
        self.lab, self.exercise = lab, exercise
        lab.goto(exercise.starts_at)
        self.note = self._prepared() or ""
        self._fault, self._hints, self._last = lab.broken, 0, ""
        known = attempts.read(lab)
        known.begin(exercise.name)
        attempts.write(lab, known)

    def _prepared(self) -> str | None:
        """Set the scene; what refuses that, other than this machine, is the lesson's mistake, and not of whoever begins the exercise."""
        if self.exercise.prepare is None:
            return None
        what = f"prepare of {self.exercise.name}"
        try:
            with in_lesson(what):
                return self.exercise.prepare(self.lab)
        except (CannotRun, LabGone, LessonFailed):
            raise
        except PodnetError as error:
            raise LessonFailed(f"{what} failed: {located(error)}") from error

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

        Raises LabError if the lab has left it since, by another exercise, `goto` or `reset`; where it was begun again, that is meant.
        LessonFailed if the check has a mistake.
        """
        if (newer := self._begun_again()) is not None:
            return newer.check()
        known = self._known()
        given_up = self._fault is not None and self.lab.broken is not self._fault
        assessment = Assessment(self.exercise.name, Checks([self._given_up()])) if given_up else self._assessed(known)
        record = known.records[self.exercise.name]
        record.verdict, record.why, record.given_up = assessment.verdict, assessment.why, record.given_up or given_up
        record.mistake = assessment.mistake.name if assessment.mistake else ""
        record.tries += 1
        attempts.write(self.lab, known)
        if self.counts:
            progress.note(self.exercise.name, record)
        return assessment

    def _assessed(self, known: attempts.Records) -> Assessment:
        """What the kernels say; meanwhile the record tells that they are asked: who grades sees whose check it is that never ends."""
        record = known.records[self.exercise.name]
        known.records[self.exercise.name] = replace(record, verdict=attempts.CHECKING, why=attempts.NO_END)
        attempts.write(self.lab, known)
        try:
            return assess(self.exercise, self.lab)
        except BaseException as error:
            if isinstance(error, LessonFailed):
                record = replace(record, verdict="could not test", why=str(error), mistake="", tries=record.tries + 1)
            known.records[self.exercise.name] = record
            with suppress(PodnetError):  # the lab may be what is gone
                attempts.write(self.lab, known)
            raise
        finally:
            known.records[self.exercise.name] = record

    def hint(self, level: int | None = None) -> str:
        """
        A question (1), a place to look (2), or the command (3); without *level* the next one, and there is no fourth.

        The third says what is in the command's way, if an answer was checked, was wrong, and its mistake is still there. Where a third
        hint has changed since, as with something broken that was half mended, the next one is the first of the new ones.
        """
        if (newer := self._begun_again()) is not None:
            return newer.hint(level)
        known = self._known()
        record = known.records[self.exercise.name]
        wanted = min(self._hints + 1, LEVELS[-1]) if level is None else level
        words = self.exercise.hint(self.lab, wanted)
        if level is None and self._last:
            if words == self._last:
                return NO_MORE
            wanted, self._hints = LEVELS[0], 0
            words = self.exercise.hint(self.lab, wanted)
        self._hints, self._last = max(self._hints, wanted), words if wanted == LEVELS[-1] else ""
        record.hints = max(self._hints, record.hints if isinstance(record.hints, int) else 0)
        attempts.write(self.lab, known)
        tried_wrong = wanted == LEVELS[-1] and record.tries and record.verdict == "not solved"
        mistake = mistake_now(self.exercise, self.lab) if tried_wrong else None
        return f"{words}\nFirst, what is there now: {mistake.hint}" if mistake else words

    def leave(self) -> None:
        """The lab goes elsewhere: what was reached stays as it was checked."""
        known = attempts.read(self.lab)
        known.at = ""
        attempts.write(self.lab, known)

    def _begun_again(self) -> Task | None:
        """The same exercise, begun again in this lab: it need not be kept under the same name."""
        newer = self.lab.task
        return newer if newer is not None and newer is not self and newer.exercise == self.exercise else None

    def _known(self) -> attempts.Records:
        known = attempts.read(self.lab)
        if self.lab.task is not self or self.exercise.name not in known.records:
            at = f"is at {known.at!r} by now" if known.at else "has left this exercise"
            raise LabError(f"the lab {at}; task = lab.exercise({self.exercise.name!r}) begins it again")
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
