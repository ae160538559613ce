"""Stretches of work that Ctrl-C may not cut in the middle: the interrupt is kept, and raised at their end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """
    Keep SIGINT until the end of the block, then raise KeyboardInterrupt.

    A handler, not a mask: processes started inside would inherit a mask, and be deaf to Ctrl-C for good.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted, and only it may set handlers
        return
    interrupts = []
    handler = signal.signal(signal.SIGINT, lambda *_: interrupts.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if interrupts:
            raise KeyboardInterrupt
