"""A lock that is a file, between processes and threads, as other programs take it, too (flock(2))."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1

F_OFD_SETLKW = 38
"""linux/fcntl.h: a lock that is an open file's, and so keeps threads apart, too (fcntl(2), open file description locks)."""


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock of the file *path*, which is made if there is none, and stays; waits for as long as somebody else holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


@contextmanager
def locked_for(path: str, what: str) -> Iterator[None]:
    """
    Hold the lock of *what* alone, of a file that all share: each has a byte of it, and no file of its own is left.

    Two different ones may have the same byte, one in 2⁵⁶: then one waits for the other.
    """
    byte = int.from_bytes(sha1(what.encode(), usedforsecurity=False).digest()[:7])
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(descriptor, F_OFD_SETLKW, struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
        yield
    finally:
        os.close(descriptor)  # and with it the lock
