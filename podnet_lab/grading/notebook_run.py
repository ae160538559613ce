"""One collected notebook, run cell by cell in a sandbox, and its lab looked at from outside after each cell."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace

from podnet_lab.errors import CannotRun
from podnet_lab.grading import sandbox
from podnet_lab.grading.judge import Known
from podnet_lab.grading.lab_looks import LabLooks
from podnet_lab.grading.looker import Looker, LookFailed
from podnet_lab.grading.marks import NOT_SOLVED, Mark, Paper, printable
from podnet_lab.grading.sandbox import Place, Run, Stopped

LEAST = 1.0
"""Seconds that a cell always has."""

START, LOOK, LEAST_LOOK = 60.0, 60.0, 10.0
"""Seconds in which a kernel starts, and in which a lab is looked at; that always has the least, however late it is."""

LESSONS = "that is the lesson's, and did not end"
"""What to say where a cell's time was over in a check."""

_NO_MODULE = re.compile(r"raised ModuleNotFoundError: No module named '(\w+)'")

GAVE_UP = "lab.give_up() was called: who was told what is broken has not found it"


class NotebookRun:
    """
    One notebook, *text*, of which the cells *code* have code: `run` it once, for *limit* seconds at most, *cell_limit* for each cell.

    What is kept is the worst of what was seen: a lab's record may be changed by whoever works there, and only once it was read
    is it beyond that.
    """

    def __init__(self, student: str, text: str, code: list[int], known: Known, place: Place, *, limit: float, cell_limit: float) -> None:
        self.who, self._text, self._code, self._known, self._place = student, text, code, known, place
        self._deadline, self._cell_limit = time.monotonic() + limit, cell_limit
        self._marks: dict[str, Mark] = {}
        self._help: dict[str, tuple[int, ...]] = {}
        self._given_up: set[str] = set()
        self._problem = self._doubt = ""
        self._late = False

    def run(self) -> Paper:
        """Run it, and give back its marks; whatever goes wrong is the paper's problem, not the caller's."""
        try:
            started = sandbox.start(self.who, self._text, self._place)
        except (CannotRun, OSError) as error:
            return Paper(self.who, problem=printable(f"it could not be run: {error}"))
        try:
            self._follow(started)
        finally:
            started.close()
        if not self._marks and (missing := _NO_MODULE.search(self._problem)) and f"{missing[1]}.py" not in self._place.lessons:
            self._problem += f" (did you mean --lesson {missing[1]}.py?)"
        if self._doubt and not self._problem:
            self._problem = f"its lab could not be looked at: {self._doubt}"
        return Paper(self.who, tuple(self._marks.values()), printable(self._problem))

    def _follow(self, started: Run) -> None:
        try:
            kernel = self._begun(started)
        except Stopped as stopped:
            self._problem = f"it could not be run: {stopped}"
            return
        looker = Looker(LabLooks(self._known, self.who, kernel, started.init).look)
        try:
            for problem in self._cells(started):
                self._problem = problem
                if not self._look(looker, started) or problem:
                    break
        except Stopped as stopped:
            self._problem = str(stopped)
        finally:
            looker.close()

    def _begun(self, started: Run) -> int:
        said = started.hear(min(time.monotonic() + START, self._deadline), "its kernel did not start in time")
        if not isinstance(said.get("kernel"), int):
            raise Stopped(str(said.get("failed") or said.get("cannot") or "its kernel did not start"))
        return said["kernel"]

    def _cells(self, started: Run) -> Iterator[str]:
        """For each cell that has run what stopped it, or nothing."""
        for index in self._code:
            if time.monotonic() > self._deadline:
                yield f"stopped before cell {index + 1}: its time was over"
                return
            started.go_on()
            seconds = max(LEAST, min(self._cell_limit, self._deadline - time.monotonic()))
            try:
                said = started.hear(time.monotonic() + seconds, f"cell {index + 1} took too long")
            except sandbox.Late as late:  # its lab is there still
                self._late = True
                yield str(late)
                return
            if said.get("cell") != index:
                raise Stopped(str(said.get("failed") or "it says what can't be understood")[: sandbox.LINE])
            yield str(said.get("problem") or "")

    def _look(self, looker: Looker, started: Run) -> bool:
        """Have judged what was checked since the last look, and keep what was solved at any; False if a lab does not answer at all."""
        seconds = min(LOOK, max(LEAST_LOOK, self._deadline - time.monotonic()))
        try:
            seen = looker.ask(seconds, started.refuse_too_much)
        except LookFailed as failed:
            self._doubt = str(failed)
            return not failed.over
        self._doubt = seen.get("doubt") or self._doubt
        if self._late and seen.get("checking") in self._known:
            self._problem += f", in the check of {seen['checking']}: {LESSONS}"
        for name, (hints, explanations, given_up) in seen["records"].items():
            self._help[name] = tuple(map(max, (hints, explanations), self._help.get(name, (0, 0))))
            if given_up:
                self._given_up.add(name)
        for mark in (Mark(**values) for values in seen["marks"]):
            if not self._marks.get(mark.exercise):
                self._marks[mark.exercise] = self._at_worst(mark)
        return True

    def _at_worst(self, mark: Mark) -> Mark:
        hints, explanations = map(max, (mark.hints, mark.explanations), self._help.get(mark.exercise, (0, 0)))
        mark = replace(mark, hints=hints, explanations=explanations)
        return replace(mark, verdict=NOT_SOLVED, why=GAVE_UP) if mark.exercise in self._given_up else mark
