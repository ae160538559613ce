"""Threads that begin, or don't: where memory is short, Python would wait for ever for one that could not."""

from __future__ import annotations

import threading

BEGINS = 10.0
"""Seconds in which a thread has begun."""


class _Begun(threading.Event):
    """What a thread tells as it begins: one that finds no memory for its first words ends, and Thread.start would wait for ever."""

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it has begun; MemoryError if it has not in time."""
        if not super().wait(BEGINS if timeout is None else timeout) and timeout is None:
            raise MemoryError("a thread ended before it had begun")
        return True


def begin(thread: threading.Thread) -> None:
    """Start a thread; RuntimeError if there may be no more of them, MemoryError if it found no memory to begin."""
    thread._started = _Begun()  # nothing else tells
    thread.start()
