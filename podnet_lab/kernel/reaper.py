"""The first process of a PID namespace waits for those whose parents have ended; nobody else can."""

from __future__ import annotations

import os
import threading

AGAIN = 0.2
"""Seconds until it looks again where it has no child."""


def reap_orphans() -> None:
    """Wait for orphans as long as this process lives: it starts none itself whose end anybody asks for."""
    pause = threading.Event()
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:  # there is none, yet
            pause.wait(AGAIN)
