"""What is known of one exercise of one student, and of all: as CSV and as JSON (the table for a terminal is in marks_table.py). Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

SOLVED, NOT_SOLVED, UNTESTED, NOT_CHECKED, NOT_BEGUN = "solved", "not solved", "could not test", "not checked", "not begun"
VERDICTS = (SOLVED, NOT_SOLVED, UNTESTED, NOT_CHECKED, NOT_BEGUN)

WHY = {NOT_BEGUN: "lab.exercise({0!r}) was never called", NOT_CHECKED: "it was begun, but task.check() was never called"}
"""What to say of an exercise that nobody was asked about, if nothing else is known."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With one of these in front a spreadsheet takes a cell for a formula, and runs it."""


@dataclass(frozen=True)
class Mark:
    """
    One exercise of one student: one of `VERDICTS`, *why*, how often it was checked, and how many hints were asked for.

    *confirmed* says that the kernels were asked for this mark; else it is what the student's own check had said. *explanations*
    is how often the reason of a failure was asked for, *mistake* the one that was recognised, by its name.
    """

    who: str
    exercise: str
    verdict: str = NOT_BEGUN
    why: str = ""
    tries: int = 0
    hints: int = 0
    confirmed: bool = False
    explanations: int = 0
    mistake: str = ""

    def __bool__(self) -> bool:
        return self.verdict == SOLVED


@dataclass(frozen=True)
class Paper:
    """What one student has handed in: marks, and the *problem* that stopped its run, if one did."""

    who: str
    marks: tuple[Mark, ...] = ()
    problem: str = ""

    def __bool__(self) -> bool:
        return bool(self.marks) and all(self.marks) and not self.problem

    def of(self, exercises: Sequence[str]) -> Paper:
        """The same with a mark for each of *exercises* (none: as it is); what was not begun or not checked says so, and why."""
        known = {mark.exercise: mark for mark in self.marks}
        marks = {name: known.get(name, Mark(self.who, name)) for name in exercises or known}
        return replace(self, marks=tuple(self._explained(mark) for mark in marks.values()))

    def _explained(self, mark: Mark) -> Mark:
        known = mark or mark.why
        return mark if known else replace(mark, why=self.problem or WHY.get(mark.verdict, "").format(mark.exercise))


def printable(text: str) -> str:
    """A text from somebody else as one line that does nothing to a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def harmless(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = printable(str(cell))
    return f"'{text}" if str(cell).startswith(FORMULA) or text.startswith(FORMULA) else text


def as_csv(papers: Sequence[Paper]) -> str:
    """One line for each mark; of a paper without any, one with its problem."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow([*(field.name for field in fields(Mark)), "stopped"])
    for paper in papers:
        for mark in paper.marks or (Mark(paper.who, "", verdict=""),):  # nothing was begun, and nothing expected
            values = asdict(mark) | {"confirmed": "yes" if mark.confirmed else "no"}
            lines.writerow([*map(harmless, values.values()), harmless(paper.problem)])
    return out.getvalue()


def as_json(papers: Sequence[Paper]) -> str:
    """The same as one JSON object."""
    return json.dumps({"ok": bool(papers) and all(papers), "papers": [asdict(paper) | {"ok": bool(paper)} for paper in papers]}, indent=1)
