"""What `podnet prove` plays now: told if somebody waits for it, and ended if it takes too long."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from podnet_lab.errors import LessonFailed
from podnet_lab.exercises.lesson_errors import place

AGAIN = 5.0
"""Seconds after which what was to end, and did not, is interrupted once more."""


@contextmanager
def playing(what: str, limit: float, tell: Callable[[str], None], after: float) -> Iterator[None]:
    """
    Tell *what* is played if that takes more than *after* seconds, and end it after *limit* seconds, with LessonFailed that says where.

    It is ended as Ctrl-C would, whose care labs know: what may not be cut in the middle is not. For the main thread.
    """
    end, late = time.monotonic() + limit, False

    def ring(*_: object) -> None:
        nonlocal late
        if (left := end - time.monotonic()) > 0:
            signal.setitimer(signal.ITIMER_REAL, left, AGAIN)
            tell(what)
        else:
            late = True
            signal.raise_signal(signal.SIGINT)

    # a program that a shell has started with `&` would not heed an interrupt
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler), signal.SIGALRM: signal.signal(signal.SIGALRM, ring)}
    try:
        if after <= 0:
            tell(what)
        signal.setitimer(signal.ITIMER_REAL, min(limit, after) if after > 0 else limit, AGAIN)
        yield
    except KeyboardInterrupt as interrupt:
        if not late:
            raise
        where = place(interrupt)
        raise LessonFailed(f"it did not end within {limit:g} s{where and f', and was at {where}'}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
