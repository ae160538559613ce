"""
Exercises: a task, the state that it starts from, a check that asks the kernels, hints, and the mistakes that people make.

    from podnet_lab.exercises import Check, Exercise, Mistake

is all that somebody needs who writes one (docs/teaching.md). Solutions are in `solutions`, which nothing here imports.
"""

from podnet_lab.checks.check import Check
from podnet_lab.exercises.claims import Untested, answers, everyone, exam, reaches, unreached
from podnet_lab.exercises.exercise import Assessment, Exercise, Mistake, assess

__all__ = ["Assessment", "Check", "Exercise", "Mistake", "Untested", "answers", "assess", "everyone", "exam", "reaches", "unreached"]
