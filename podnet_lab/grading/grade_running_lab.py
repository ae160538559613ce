"""One student's running lab, judged from another process."""

from __future__ import annotations

from dataclasses import asdict

from podnet_lab.errors import NoLab
from podnet_lab.exercises import attempts
from podnet_lab.grading.judge import Known, judge_now, recorded
from podnet_lab.grading.looker import Looker, LookFailed
from podnet_lab.grading.marks import Mark, Paper
from podnet_lab.lab.lab import Lab

SECONDS = 120.0
"""In which a running lab has to be marked."""


def in_time(known: Known, name: str | None = None) -> Paper:
    """The same as `running`, from a process of its own, whatever the lab does to that; NoLab if it does not answer."""
    looker = Looker(lambda: asdict(running(known, name)))
    try:
        seen = looker.ask(SECONDS)
    except LookFailed as failed:
        raise NoLab(str(failed)) from failed
    finally:
        looker.close()
    return Paper(seen["who"], tuple(Mark(**mark) for mark in seen["marks"]), seen["problem"])


def running(known: Known, name: str | None = None) -> Paper:
    """
    Join a running lab and mark what was begun there: what it is at by its kernels, the rest by the student's own checks.

    Raises NoLab if there is none, or several and none was named, or if no exercise was begun in it.
    """
    lab = Lab.join(name)
    lab.parts.unaided.for_teacher = True
    try:
        kept = attempts.read(lab)
        if not kept.records:
            raise NoLab(f"no exercise was begun in the lab {lab.name!r}: lab.exercise(…) begins one")
        marks = [
            judge_now(lab, known, lab.name, exercise, kept) if exercise == kept.at else recorded(lab.name, exercise, record)
            for exercise, record in kept.records.items()
        ]
        return Paper(lab.name, tuple(marks))
    finally:
        lab.close()
