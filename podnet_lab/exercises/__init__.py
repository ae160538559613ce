"""
Exercises: a task, the state that it starts from, a check that asks the kernels, hints, and the mistakes that people make.

    from podnet_lab.exercises import Check, Exercise, Mistake

is all that somebody needs who writes one (docs/teaching.md). Solutions are in `solutions`, which nothing here imports.

Names are loaded when they are first used, as those of `podnet_lab` are: every lab reads here whether it is at an exercise.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podnet_lab.checks.check import Check
    from podnet_lab.exercises.claims import Untested, answers, everyone, exam, reaches, unreached
    from podnet_lab.exercises.exercise import Assessment, Exercise, Mistake, assess

__all__ = ["Assessment", "Check", "Exercise", "Mistake", "Untested", "answers", "assess", "everyone", "exam", "reaches", "unreached"]

_CLAIMS = ("Untested", "answers", "everyone", "exam", "reaches", "unreached")


def __getattr__(name: str) -> object:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    if name == "Check":
        module = import_module("podnet_lab.checks.check")
    else:
        module = import_module("podnet_lab.exercises.claims" if name in _CLAIMS else "podnet_lab.exercises.exercise")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
