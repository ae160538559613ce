"""Where in somebody's own lesson something went wrong: the file and the line, in one line."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podnet_lab.errors import LessonFailed, PodnetError

HERE = Path(__file__).resolve().parents[1]
"""The package: lines of its own say nothing to whoever wrote a lesson."""


def told(error: BaseException) -> str:
    """What an error says, with the last line of a file outside of this package that led to it, if there is one."""
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_a_lessons(frame.filename)]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: {words}" if frames else words


def _is_a_lessons(filename: str) -> bool:
    """Whether a line is of a lesson: of no library, and not of this package, but of an exercise that comes with it."""
    path = Path(filename)
    if filename.startswith("<") or {"site-packages", "dist-packages"} & set(path.parts):
        return False
    if not path.resolve().is_relative_to(HERE):
        return not path.resolve().is_relative_to(Path(traceback.__file__).resolve().parent)  # Python's own
    return path.name.endswith("_exercises.py")


@contextmanager
def in_lesson(what: str) -> Iterator[None]:
    """What a lesson's own function raises, and does not mean, is LessonFailed; *what* says which function that is."""
    try:
        yield
    except PodnetError:
        raise
    except Exception as error:
        raise LessonFailed(f"{what} failed: {told(error)}") from error
