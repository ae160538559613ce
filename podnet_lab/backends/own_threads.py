"""
Threads that have ended when the lab is closed, those of execnet too.

A thread that is still about to end when Python ends may crash it (SIGSEGV): then a program that has said all it had to say fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from execnet.gateway_base import ThreadExecModel


class JoinedThreads(ThreadExecModel):
    """execnet's model of threads, which keeps those that it starts: `join` waits for them."""

    def __init__(self) -> None:
        self._started: list[threading.Thread] = []

    def start(self, func: Callable, args: tuple = ()) -> None:
        """Run *func* on a thread of its own; RuntimeError if there may be no more."""
        self._started = [thread for thread in self._started if thread.is_alive()]
        thread = threading.Thread(target=func, args=args, name="podnet-execnet", daemon=True)
        thread.start()
        self._started.append(thread)

    def join(self, timeout: float) -> bool:
        """Wait for all that were started, *timeout* seconds at most; whether they have ended."""
        deadline = time.monotonic() + timeout
        for thread in self._started:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._started)


@contextmanager
def late(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Call *act* on a thread of its own if the block takes more than *seconds*; nothing is left of that thread behind the block."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
