"""A teacher's own files: exercises that are handed out, and solutions that are not."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.exercises.exercise import Exercise
from podnet_lab.exercises.solution import Solution


def exercises(files: Iterable[Path]) -> dict[str, Exercise]:
    """The exercises that each file has in its EXERCISES; BadInput if it has none, or two have the same name."""
    exercises: dict[str, Exercise] = {}
    for file in files:
        listed = _attribute(file, "EXERCISES")
        mine = list(listed) if isinstance(listed, Iterable) else []
        if not mine or not all(isinstance(exercise, Exercise) for exercise in mine):
            raise BadInput(f"{file}: EXERCISES is a list of one Exercise or more")
        for exercise in mine:
            if exercise.name in exercises:
                raise BadInput(f"{file}: there are two exercises called {exercise.name!r}")
            exercises[exercise.name] = exercise
    return exercises


def solutions(file: Path) -> dict[str, Solution]:
    """The solutions that a file has in its SOLUTIONS, by the exercise's name; BadInput if it has none."""
    solutions = _attribute(file, "SOLUTIONS")
    if not isinstance(solutions, dict) or not all(isinstance(solution, Solution) for solution in solutions.values()):
        raise BadInput(f"{file}: SOLUTIONS is a dict of a Solution for each exercise's name")
    return solutions


def _attribute(file: Path, name: str) -> Any:
    module = _load(file)
    if not hasattr(module, name):
        raise BadInput(f"{file} has no {name}")
    return getattr(module, name)


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise BadInput(f"{file} is no Python file")
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))  # solutions may import their lesson
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{file} can't be read: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module
