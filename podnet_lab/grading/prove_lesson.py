"""A whole lesson's proof, in a lab of its own for each Pod network that its exercises are about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from podnet_lab.backends import running_labs
from podnet_lab.checks.check import Check
from podnet_lab.errors import BadInput
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.solution import Around, prove
from podnet_lab.grading import lesson_files
from podnet_lab.lab.lab import Lab


def proved(lesson: Path | None = None, solutions: Path | None = None, around: Around = nullcontext) -> Iterator[Check]:
    """What playing each exercise says: of a lesson in a file, or of the one that comes with the package; *around* each answer."""
    exercises, answers = _own(lesson, solutions) if lesson and solutions else _ours()
    if missing := sorted(set(exercises) ^ set(answers)):
        raise BadInput(f"exercises and solutions are not the same: {', '.join(missing)} is among one of them alone")
    for network in dict.fromkeys(exercise.network for exercise in exercises.values()):
        with Lab.open(name=f"{running_labs.APART}prove-{os.getpid()}", network=network) as lab:
            for name, exercise in exercises.items():
                if exercise.network == network:
                    yield from prove(lab, exercise, answers[name], around)


def _own(lesson: Path, solutions: Path) -> tuple[dict, dict]:
    exercises = lesson_files.exercises([lesson])
    return exercises, lesson_files.solutions(solutions)


def _ours() -> tuple[dict, dict]:
    try:
        from podnet_lab.exercises.solutions import SOLUTIONS
    except ImportError:
        raise BadInput("the solutions are not installed with the package: they are in its source, which `git clone` brings") from None
    return EXERCISES, SOLUTIONS
