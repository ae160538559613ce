"""Who holds the lab of VMs: one at a time, known by a locked file on node1 that is free again when its holder ends."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from contextlib import suppress

PATH = "/run/podnet-lease"
MADE = "/run/podnet-made"
"""What the lab's holders, one after the other, have made: one line of JSON each time. /run, and what was made, go with a restart."""

GRACE = 3.0
"""Seconds that a holder has to end: a notebook's kernel that is being restarted takes a moment."""


class Lease:
    """The lab's lease, as this agent holds it; it ends with the agent."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def take(self, holder: str, take_over: bool) -> str | None:
        """Hold the lab as *holder*; if somebody else does, end their agent (*take_over*), or return who it is."""
        self._descriptor = self._descriptor or os.open(PATH, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not self._lock(GRACE):
            current = self._read()
            if not take_over:
                return current.get("holder", "somebody")
            _end(current.get("pid", 0))
            if not self._lock(GRACE):
                return current.get("holder", "somebody")
        text = json.dumps({"holder": holder, "pid": os.getpid()}).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)
        return None

    def remember(self, made: list, anew: bool) -> None:
        """Store *made* for later holders, after what is stored, or (*anew*) instead of it."""
        with open(MADE, "w" if anew else "a") as file:
            file.write(json.dumps(made) + "\n")

    def recall(self) -> list:
        """Everything remembered, in order."""
        try:
            with open(MADE) as file:
                return [item for line in file for item in json.loads(line)]
        except FileNotFoundError:
            return []

    def _lock(self, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.02)
            else:
                return True

    def _read(self) -> dict:
        try:
            return json.loads(os.pread(self._descriptor, 4096, 0))
        except ValueError:  # taken this moment, and not written yet
            return {}


def _end(pid: int) -> None:
    """End the agent that holds the lease, if process *pid* is it: the file may still name the one before."""
    with suppress(OSError):  # it is ending by itself
        folder = f"/proc/{pid}/fd"
        if any(os.readlink(f"{folder}/{name}") == PATH for name in os.listdir(folder)):
            os.kill(pid, signal.SIGKILL)
