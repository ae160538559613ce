"""Another process's way into all the namespaces of a node's agent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from podnet_lab.errors import CannotRun


def command(pid: int, owner: int, words: Sequence[str]) -> list[str]:
    """nsenter's command line for the node whose agent is process *pid*, of user *owner*: 0 in a privileged lab of root's alone."""
    user = ["--user", "--preserve-credentials"] if owner else []
    enter = ["nsenter", f"--target={pid}", *user, "--mount", "--uts", "--net", "--pid", "--", *words]
    if owner in (0, os.geteuid()):
        return ["setpriv", "--pdeathsig", "KILL", *enter]
    # Root's own lab: whoever enters is whose it is, for root would be nobody there.
    return ["setpriv", f"--reuid={owner}", f"--regid={owner}", "--clear-groups", "--pdeathsig", "KILL", *enter]


def owner_of(pid: int) -> int:
    """The user whose process *pid* is; OSError if it is gone."""
    return os.stat(f"/proc/{pid}").st_uid


def refuse_without() -> None:
    """Raise CannotRun if the program is missing."""
    if shutil.which("nsenter") is None:
        raise CannotRun("the program nsenter was not found: sudo apt install util-linux")
