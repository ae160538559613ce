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
    return f"{where}: {words}" if (where := place(error)) else words


def located(error: PodnetError) -> str:
    """What an error that was raised on purpose says, with the line of somebody's own lesson that led to it, if there is one."""
    where = "" if isinstance(error, LessonFailed) else place(error, ours=False)
    return f"{where}: {error}" if where else str(error)


def place(error: BaseException, ours: bool = True) -> str:
    """The last line of a lesson that led to an error, if there is one; without *ours*, of one that is not of this package."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_a_lessons(frame.filename)]
    kept = [frame for frame in frames if ours or not Path(frame.filename).resolve().is_relative_to(HERE)]
    return f"{Path(kept[-1].filename).name}, line {kept[-1].lineno}" if kept else ""


def _is_a_lessons(filename: str) -> bool:
    """Whether a line is of a lesson: of no library, and not of this package, but of an exercise that comes with it."""
    path = Path(filename)
    if filename.startswith("<") or {"site-packages", "dist-packages"} & set(path.parts):
        return False
    if not path.resolve().is_relative_to(HERE):
        return not path.resolve().is_relative_to(Path(traceback.__file__).resolve().parent)  # Python's own
    return path.name.endswith("_exercises.py")


def place_of(function: object, running: object) -> str:
    """The file and line where a lesson's generator *running* is at the moment; if it is none, where *function* begins."""
    place = ""
    while (frame := getattr(running, "gi_frame", None)) is not None:
        if not place or _is_a_lessons(frame.f_code.co_filename):
            place = f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
        running = running.gi_yieldfrom
    code = getattr(function, "__code__", None)
    return place or (f"{Path(code.co_filename).name}, line {code.co_firstlineno}" if code else "")


@contextmanager
def in_lesson(what: str) -> Iterator[None]:
    """
    What a lesson's own function raises, and does not mean, is LessonFailed; *what* says which function that is.

    So is what would end Python, as `sys.exit` does: a grader that has ended has marked nobody.
    """
    try:
        yield
    except (PodnetError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise LessonFailed(f"{what} failed: {told(error)}") from error
