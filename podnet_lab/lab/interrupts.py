"""
Stretches of work that no signal's handler may cut in the middle: Ctrl-C's, or any that raises, such as one for SIGTERM.

What comes meanwhile is kept, and handled at their end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

_NUMBERS = tuple(map(int, signal.valid_signals()))

Handlers = Mapping[int, Callable[[int, FrameType | None], object]]


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
    """Keep signals until the end of the block; then their handlers are called, of which SIGINT's raises KeyboardInterrupt."""
    with _interrupts_kept([True]):
        yield


@contextmanager
def _interrupts_kept(keep: list[bool]) -> Iterator[None]:
    """
    Keep signals while *keep* holds anything; whoever had them before gets them at the end.

    Handlers, not a mask: processes started inside would inherit a mask, and be deaf to Ctrl-C for good.
    """
    before = _handlers()
    if not before:
        yield
        return
    kept: dict[int, FrameType | None] = {}

    def heard(number: int, frame: FrameType | None) -> None:
        if keep:
            kept[number] = frame
        else:
            before[number](number, frame)

    try:
        for number in before:
            signal.signal(number, heard)
        yield
    finally:
        try:
            _give_back(before)
        finally:
            _handle(kept, before)


def _handlers() -> Handlers:
    """The handlers of this process: only its main thread is interrupted by them, and may set others."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: handler for number in _NUMBERS if callable(handler := signal.getsignal(number))}


def _give_back(before: Handlers) -> None:
    """Set handlers as they were: all of them, though one that has its signal again may raise before the last has."""
    try:
        for number, handler in before.items():
            signal.signal(number, handler)
    except BaseException:
        _give_back(before)
        raise


def _handle(kept: dict[int, FrameType | None], before: Handlers) -> None:
    """Have all signals that were *kept* handled, whatever a handler raises."""
    if kept:
        number, frame = kept.popitem()
        try:
            before[number](number, frame)
        finally:
            _handle(kept, before)
