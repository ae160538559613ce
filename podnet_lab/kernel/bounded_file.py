"""A file that somebody else may have made: whatever it is, reading it neither waits nor fills the memory."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read(path: str, most: int, folder: int | None = None) -> bytes | None:
    """
    What a file has in it, if it is a regular file, no link, and of *most* bytes at most; else None.

    *folder* is a descriptor of the folder that *path* begins in.
    """
    try:
        descriptor = os.open(path, FLAGS, dir_fd=folder)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = b""
        while len(content) <= most and (more := os.read(descriptor, most + 1 - len(content))):
            content += more
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content if len(content) <= most else None


@contextlib.contextmanager
def folder(start: str, *names: str) -> Iterator[int]:
    """A descriptor of the folder *names* below *start*, none of which may be a link; OSError if there is none."""
    descriptor = os.open(start, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
