"""From what a lab remembers of its exercises to marks: what was solved, and is still there, is asked of the kernels again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from podnet_lab.errors import LabGone, LessonFailed, PodnetError
from podnet_lab.exercises import Exercise, assess
from podnet_lab.exercises.attempts import CHECKING, Record, Records
from podnet_lab.grading.marks import NOT_CHECKED, NOT_SOLVED, SOLVED, UNTESTED, Mark

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab

Known = Mapping[str, Exercise]

MOST, MOST_WORDS = 1_000_000, 500
"""Of what a record tells: how often at most something was done, and how many letters a reason has."""


def judge(lab: Lab, known: Known, student: str, name: str, kept: Records) -> Mark:
    """
    The mark of one exercise that a lab remembers.

    The record can only lower it: what the student's own check did not find solved is not solved, and what it did is judged
    here, by *known*, while the lab is still at that exercise.
    """
    record = kept.records[name]
    mark = _noted(student, name, NOT_SOLVED, record)
    if record.verdict != SOLVED or record.given_up:
        return _with(mark, _lower(record), mark.why)
    if name not in known:
        return _with(mark, UNTESTED, "nobody here knows this exercise: --lesson FILE names the file that has it")
    if kept.at != name:
        return _with(mark, UNTESTED, f"the lab went on to {kept.at!r} before it could be judged")
    return _judged(lab, known[name], mark)


def judge_now(lab: Lab, known: Known, student: str, name: str, kept: Records) -> Mark:
    """The mark of the exercise that a running lab is at: what the kernels say now, whatever the student's last check, if any, had said."""
    record = kept.records[name]
    if record.given_up or name not in known:
        return judge(lab, known, student, name, kept)
    return _judged(lab, known[name], _noted(student, name, NOT_SOLVED, record))


def _judged(lab: Lab, exercise: Exercise, mark: Mark) -> Mark:
    try:
        checks = assess(exercise, lab)
    except LabGone as gone:
        return _with(mark, UNTESTED, str(gone))
    except Exception as error:  # noqa: BLE001 - a check that somebody wrote: its bug is no reason to stop, or to pass
        words = str(error) if isinstance(error, PodnetError) else f"{type(error).__name__}: {error}"
        return _with(mark, UNTESTED, words if isinstance(error, LessonFailed) else f"the check itself failed: {words}")
    mistake = checks.mistake.name if checks.mistake else ""
    return replace(_with(mark, checks.verdict, checks.why, confirmed=True), mistake=mistake)


def recorded(student: str, name: str, record: Record) -> Mark:
    """What the student's own check had said: all that is left of an exercise that the lab is not at any more."""
    verdict = SOLVED if record.verdict == SOLVED and not record.given_up else _lower(record)
    return _noted(student, name, verdict, record)


def _noted(student: str, name: str, verdict: str, record: Record) -> Mark:
    """A mark with what a record has counted, and the mistake that the student's own check had recognised."""
    counts = {key: count(getattr(record, key)) for key in ("tries", "hints", "explanations")}
    return Mark(student, name, verdict, _short(record.why), mistake="" if verdict == SOLVED else _short(record.mistake), **counts)


def _lower(record: Record) -> str:
    return {"begun": NOT_CHECKED, CHECKING: UNTESTED, UNTESTED: UNTESTED}.get(str(record.verdict), NOT_SOLVED)


def _with(mark: Mark, verdict: str, why: str, confirmed: bool = False) -> Mark:
    return replace(mark, verdict=verdict, why=why, confirmed=confirmed)


def count(number: object) -> int:
    """A number of a record, if it can be one."""
    return number if isinstance(number, int) and 0 <= number < MOST else 0


def _short(words: object) -> str:
    text = str(words)
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}…"
