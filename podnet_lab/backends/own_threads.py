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

from podnet_lab.backends.thread_start import begin


class JoinedThreads(ThreadExecModel):
    """execnet's model of threads, which keeps those that it starts: `join` waits for them."""

    def __init__(self) -> None:
        self._started: list[threading.Thread] = []
        self._lock = threading.Lock()  # execnet starts threads on threads

    def start(self, func: Callable, args: tuple = ()) -> None:
        """Run *func* on a thread of its own; RuntimeError if there may be no more, MemoryError if it could not begin."""
        thread = threading.Thread(target=func, args=args, name="podnet-execnet", daemon=True)
        with self._lock:
            self._started = [other for other in self._started if other.is_alive()]
            begin(thread)
            self._started.append(thread)

    def join(self, timeout: float) -> bool:
        """Wait for all that were started, *timeout* seconds at most; whether they have ended."""
        deadline = time.monotonic() + timeout
        while left := self._alive():  # a thread that ends may have started another
            if (seconds := deadline - time.monotonic()) <= 0:
                return False
            left[0].join(seconds)
        return True

    def _alive(self) -> list[threading.Thread]:
        with self._lock:
            return [thread for thread in self._started if thread.is_alive()]


@contextmanager
def late(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Call *act* on a thread of its own if the block takes more than *seconds*; nothing is left of that thread behind the block."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    begin(timer)
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
