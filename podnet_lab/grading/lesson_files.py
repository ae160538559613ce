"""A teacher's own files: exercises that are handed out, and solutions that are not."""

from __future__ import annotations

import importlib.util
import re
import sys
import tokenize
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import podnet_lab
from podnet_lab.errors import BadInput
from podnet_lab.exercises import catalogue
from podnet_lab.exercises.exercise import Exercise
from podnet_lab.exercises.lesson_errors import told
from podnet_lab.exercises.solution import Solution

_CODING = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+")
"""How a file says in its first two lines how it is written (Python's reference, "Encoding declarations")."""

PACKAGE = Path(podnet_lab.__file__).resolve().parent


def exercises(files: Iterable[Path]) -> dict[str, Exercise]:
    """The exercises that each file has in its EXERCISES; BadInput if it has none, or two have the same name, or one has one of ours."""
    exercises: dict[str, Exercise] = {}
    found_in: dict[str, Path] = {}
    for file in files:
        listed = _attribute(file, "EXERCISES")
        mine = list(listed) if isinstance(listed, Iterable) else []
        if not mine or not all(isinstance(exercise, Exercise) for exercise in mine):
            raise BadInput(f"{file}: EXERCISES is a list of one Exercise or more")
        for exercise in mine:
            if exercise.name in catalogue.EXERCISES:
                raise BadInput(f"{file}: podnet_lab has an exercise called {exercise.name!r} itself: call yours another name")
            if (other := found_in.setdefault(exercise.name, file)) is not file or exercise.name in exercises:
                raise BadInput(
                    f"{file}: there are two exercises called {exercise.name!r}{'' if other is file else f', the other in {other}'}"
                )
            exercises[exercise.name] = exercise
    return exercises


def sources(files: Iterable[Path]) -> dict[str, str]:
    """
    The files that lessons are made of, by their paths below the lesson's folder: each lesson, and what it imports from there.

    Call it when the lessons were read: what they had imported then is what they need. Nothing else that lies beside them is in it.
    """
    sources: dict[str, str] = {}
    for file in files:
        folder = file.resolve().parent
        needed = [Path(path).resolve() for module in list(sys.modules.values()) if (path := getattr(module, "__file__", None))]
        for path in (file.resolve(), *(path for path in needed if path.suffix == ".py" and path.is_relative_to(folder))):
            if not {"site-packages", "dist-packages"} & set(path.parts) and not path.is_relative_to(PACKAGE):
                sources[path.relative_to(folder).as_posix()] = _text(path)
    return sources


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


def refuse_taken(name: str, file: Path) -> None:
    """Raise BadInput if a lesson's *file* can't be called *name*, since Python, or what is installed, has a module of that name."""
    if name in _loaded and sys.modules.get(name) is _loaded[name]:
        return
    try:
        spec = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        spec = None
    origin = Path(spec.origin).resolve() if spec and spec.origin and spec.origin not in ("built-in", "frozen") else None
    if name in (*sys.stdlib_module_names, "__main__") or (origin is not None and origin != file.resolve()):
        raise BadInput(f"{file}: Python has a module {name!r} of its own, which a lesson of that name would hide: call it another name")


_loaded: dict[str, ModuleType] = {}
"""The files that were read here, as modules by their names: one that is read again may take its own place."""


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise BadInput(f"{file} is no Python file")
    refuse_taken(file.stem, file)
    module = _loaded[file.stem] = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))  # solutions may import their lesson
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit(0) would end whoever reads it, and say that all is well
        raise BadInput(f"{file} can't be read: {told(error)}") from error
    finally:
        sys.path.pop(0)
    return module


def _text(path: Path) -> str:
    """A Python file's text, which says that it is UTF-8, as it is when it is written again."""
    try:
        with tokenize.open(path) as file:
            first, second, *rest = [*file.read().split("\n"), ""]
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} can't be read: {error}") from error
    return "\n".join([*(_CODING.sub(r"\1utf-8", line) for line in (first, second)), *rest]).removesuffix("\n")
