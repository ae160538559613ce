"""A lock that is a folder, between processes: it goes with whoever holds it, and leaves no file (flock(2))."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MOMENT = 0.005
"""Seconds between two looks."""

_pause = threading.Event()


@contextmanager
def held(folder: str, patience: float) -> Iterator[bool]:
    """Hold the lock of *folder*; gives False, and goes on without, if it was not free for *patience* seconds or there is none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        yield _taken(descriptor, time.monotonic() + patience)
    finally:
        os.close(descriptor)  # and with it the lock


def _taken(descriptor: int, deadline: float) -> bool:
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        _pause.wait(MOMENT)
    return False
