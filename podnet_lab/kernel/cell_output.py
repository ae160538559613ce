"""
What a shell cell prints and does not show: files on its node, read by whoever wants to, and gone with goto and reset.

A job in the background has the cell's pipes still; without a reader it would end at the next line that it prints (SIGPIPE).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import threading

FOLDER = "/run/podnet-cells"

MOST_KEPT = 1 << 20
"""Bytes of a cell's file: where more comes, the older half goes."""

MOST_FILES = 20
"""Files of a node; the oldest goes."""

RATE = 4 << 20
"""Bytes a second that are read for a file: one that prints without end waits, rather than have the node do nothing else."""

CHUNK = 1 << 14


class CellOutput:
    """A new file in `FOLDER`, with the last `MOST_KEPT` bytes of what is written; where none can be made, that is dropped."""

    def __init__(self) -> None:
        self.path, self._descriptor = "", -1
        with contextlib.suppress(OSError):
            os.makedirs(FOLDER, exist_ok=True)
            numbers = sorted(int(name) for name in os.listdir(FOLDER) if name.isdecimal())
            for old in numbers[: -MOST_FILES + 1]:
                os.unlink(f"{FOLDER}/{old}")
            path = f"{FOLDER}/{numbers[-1] + 1 if numbers else 1}"
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            self.path = path

    def write(self, data: bytes) -> None:
        """Add *data*, as fast as `RATE` allows."""
        with contextlib.suppress(OSError):  # no room; or no file
            size = os.fstat(self._descriptor).st_size
            if size + len(data) > MOST_KEPT:
                half = os.pread(self._descriptor, MOST_KEPT // 2, max(size - MOST_KEPT // 2, 0))
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, half)
            os.write(self._descriptor, data)
        threading.Event().wait(len(data) / RATE)

    def close(self) -> None:
        """Write no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def follow(self, pipes: list) -> None:
        """Write what comes from *pipes*, on a thread of its own, until nobody has their other ends; then close them and the file."""
        threading.Thread(target=self._follow, args=[pipes], name="cell output", daemon=True).start()

    def _follow(self, pipes: list) -> None:
        poll = select.poll()
        left = {pipe.fileno() for pipe in pipes}
        for descriptor in left:
            poll.register(descriptor, select.POLLIN)
        try:
            while left:
                for descriptor, _ in poll.poll():
                    if data := os.read(descriptor, CHUNK):
                        self.write(data)
                    else:
                        poll.unregister(descriptor)
                        left.discard(descriptor)
        finally:
            self.close()
            for pipe in pipes:
                pipe.close()


def forget() -> None:
    """Remove all files, and what cells have kept (`podnet_lab.kernel.shell`)."""
    shutil.rmtree(FOLDER, ignore_errors=True)
