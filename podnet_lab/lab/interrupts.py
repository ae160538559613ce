"""Stretches of work that Ctrl-C may not cut in the middle: the interrupt is kept, and raised at their end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def until_done() -> Iterator[Callable[[], None]]:
    """
    Work that an interrupt ends, until what the block got was called: what follows then belongs to work that is done.

    So what was done is there and written down, or it is neither; an interrupt after that is raised at the end of the block.
    """
    done: list[bool] = []
    with _interrupts_kept(done):
        yield lambda: done.append(True)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep SIGINT until the end of the block, then raise KeyboardInterrupt."""
    with _interrupts_kept([True]):
        yield


@contextmanager
def _interrupts_kept(keep: list[bool]) -> Iterator[None]:
    """
    Keep interrupts while *keep* holds anything; whoever had them before gets them at the end.

    A handler, not a mask: processes started inside would inherit a mask, and be deaf to Ctrl-C for good.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # only the main thread is interrupted, and only it may set handlers; and where nobody heeds interrupts, none comes
        return
    kept: list[FrameType | None] = []
    try:
        signal.signal(signal.SIGINT, lambda number, frame: kept.append(frame) if keep else before(number, frame))
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if kept:
            before(signal.SIGINT, kept[0])
