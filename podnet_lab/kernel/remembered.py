"""What was decoded of a message of the kernel's before, so that the same message need not be decoded again."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

MOST = 4096
"""Messages that are remembered, at most; then all are forgotten."""


class Remembered:
    """
    *decode*, of which results are plain data, for messages that come again and again: each call returns data of its own.

    *what_matters* makes of a message what it is remembered by: all that *decode* reads of it.
    """

    def __init__(self, decode: Callable[[bytes], Any], what_matters: Callable[[bytes], bytes]) -> None:
        self._decode, self._what_matters = decode, what_matters
        self._known: dict[tuple[int, int], bytes] = {}

    def __call__(self, message: bytes) -> Any:
        matters = self._what_matters(message)
        key = len(matters), hash(matters)  # a fifth of the room of the message itself
        data = self._known.get(key)
        if data is None:
            if len(self._known) >= MOST:
                self._known.clear()
            data = self._known[key] = marshal.dumps(self._decode(message))
        return marshal.loads(data)  # noqa: S302 - this process wrote it
