"""The first process of a PID namespace waits for those whose parents have ended; nobody else can."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Container

from podnet_lab.kernel import processes

AGAIN = 0.2
"""Seconds until it looks again, where the end of one of its own children hides others' from it."""


def reap_orphans(own: Container[int]) -> None:
    """Wait for orphans as long as this process lives; *own* children are left to whoever started them, in this process."""
    pause = threading.Event()
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # there is none, yet
            pause.wait(AGAIN)
            continue
        if ended.si_pid not in own:
            _reap(ended.si_pid)
            continue
        for pid in _zombies():
            if pid not in own:
                _reap(pid)
        pause.wait(AGAIN)


def _zombies() -> list[int]:
    mine = os.getpid()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if (found := processes.stat(pid)) is not None and found.state == "Z" and found.parent == mine]


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # somebody has waited for it
        os.waitpid(pid, os.WNOHANG)
