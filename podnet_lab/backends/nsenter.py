"""Another process's way into all the namespaces of a node's agent."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from podnet_lab.errors import CannotRun


def command(pid: int, root: bool, words: Sequence[str]) -> list[str]:
    """nsenter's command line for the node whose agent is process *pid*."""
    user = [] if root else ["--user", "--preserve-credentials"]
    return ["nsenter", f"--target={pid}", *user, "--mount", "--uts", "--net", "--pid", "--", *words]


def refuse_without() -> None:
    """Raise CannotRun if the program is missing."""
    if shutil.which("nsenter") is None:
        raise CannotRun("the program nsenter was not found: sudo apt install util-linux")
