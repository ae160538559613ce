"""Limits of this process, and room on disks: what a lab needs of them, and which one was reached."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from podnet_lab.errors import CannotRun

LEAST_ROOM = 1 << 20
"""Bytes on the disk that has the list of running labs; a lab of 330 Pods writes some 300 KB there."""

OF_FILES = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP)
"""Errors that are about one file's name or mode: no limit has to do with them."""


class Limit(NamedTuple):
    """One limit of processes (getrlimit(2)): its *flag* for `ulimit`, the *unit* that this counts in, and what a lab needs of it."""

    number: int
    flag: str
    what: str
    unit: int
    least: int
    words: tuple[str, ...]


LIMITS = (
    Limit(resource.RLIMIT_NOFILE, "-n", "open files", 1, 256, ("Too many open files",)),
    Limit(resource.RLIMIT_FSIZE, "-f", "the size of a file", 1024, LEAST_ROOM, ("File too large",)),
    Limit(resource.RLIMIT_NPROC, "-u", "processes", 1, 256, ("can't start new thread", "Resource temporarily unavailable", "fork failed")),
    Limit(resource.RLIMIT_AS, "-v", "memory", 1024, 1 << 30, ("MemoryError", "Cannot allocate memory", "can't start new thread")),
    Limit(resource.RLIMIT_DATA, "-d", "memory", 1024, 1 << 29, ("MemoryError", "Cannot allocate memory", "can't start new thread")),
)
"""*least* is where `podnet doctor` begins to speak of it; *words* are how reaching it shows."""


def low() -> list[tuple[str, str, str]]:
    """(what, what holds, what helps) of each limit that is too low for a lab, and of a full disk."""
    found = [_described(limit) for limit in LIMITS if _soft(limit) < limit.least]
    try:
        place = _place()
        room = os.statvfs(place)
        if room.f_bavail * room.f_frsize < LEAST_ROOM:
            found.append((f"room in {place}", "the disk is full", "make room there, or set XDG_RUNTIME_DIR to another folder of yours"))
    except OSError:
        found.append(("a folder for the list of running labs", "none can be written", "set XDG_RUNTIME_DIR to a folder of yours"))
    return found


def _place() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())


def _soft(limit: Limit) -> float:
    soft = resource.getrlimit(limit.number)[0]
    return float("inf") if soft == resource.RLIM_INFINITY else soft


def _described(limit: Limit) -> tuple[str, str, str]:
    more = max(4 * limit.least, 2 * int(_soft(limit))) // limit.unit
    allows = f"`ulimit {limit.flag}` allows {int(_soft(limit)):,}{' bytes' if limit.unit > 1 else ''}"
    return f"limit of {limit.what}", allows, f"`ulimit {limit.flag} {more}`, in the shell before, raises it"


def reached(error: BaseException | str) -> str:
    """Which limit an error comes from, and what helps, in words; "" if it speaks of none."""
    text = f"{type(error).__name__}: {error}"
    hit = [limit for limit in LIMITS if any(word in text for word in limit.words) and _soft(limit) != float("inf")]
    hit = [limit for limit in hit if _soft(limit) < limit.least] or hit
    if hit:
        return "; or ".join(f"the {what} is reached: {holds}; {helps}" for what, holds, helps in map(_described, hit))
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if getattr(error, "filename", None) else ""
        return f"there is no room left on the disk{where}: make room, or set XDG_RUNTIME_DIR to a folder elsewhere"
    return ""


def why(error: BaseException) -> str:
    """Why a lab did not start: the limit that was reached, or the error, and, where they may have to do with it, which limits are low."""
    if words := reached(error):
        return words
    if getattr(error, "errno", None) in OF_FILES:
        return str(error)
    return "; ".join([str(error) or type(error).__name__, *(f"{what}: {holds}; {helps}" for what, holds, helps in low())])


@contextmanager
def named(what: str) -> Iterator[None]:
    """Raise CannotRun, which says which limit it was, where *what* is to be done and this process, or this machine, has too little."""
    try:
        yield
    except (MemoryError, OSError) as error:
        raise CannotRun(f"{what}: {why(error)}") from error
    except RuntimeError as error:  # that of a thread that can't be started; any other is a bug, and no limit
        if not (words := reached(error)):
            raise
        raise CannotRun(f"{what}: {words}") from error
