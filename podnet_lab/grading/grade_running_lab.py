"""One student's running lab, judged from another process."""

from __future__ import annotations

from podnet_lab.errors import NoLab
from podnet_lab.exercises import attempts
from podnet_lab.grading.judge import Known, judge, recorded
from podnet_lab.grading.marks import Paper
from podnet_lab.lab.lab import Lab


def running(known: Known, name: str | None = None) -> Paper:
    """
    Join a running lab and mark what was begun there: what it is at by its kernels, the rest by the student's own checks.

    Raises NoLab if there is none, or several and none was named, or if no exercise was begun in it.
    """
    lab = Lab.join(name)
    try:
        kept = attempts.read(lab)
        if not kept.records:
            raise NoLab(f"no exercise was begun in the lab {lab.name!r}: lab.exercise(…) begins one")
        marks = [
            judge(lab, known, lab.name, exercise, kept) if exercise == kept.at else recorded(lab.name, exercise, record)
            for exercise, record in kept.records.items()
        ]
        return Paper(lab.name, tuple(marks))
    finally:
        lab.close()
