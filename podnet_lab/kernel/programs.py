"""Programs that an agent starts for what no kernel interface does; a machine may lack any of them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import CompletedProcess

PACKAGES = {"nft": "nftables"}
"""Debian's package of each program that an agent itself needs."""

SECONDS = 60
"""After which a program that does not end is taken for one that never will."""


class Missing(Exception):
    """A program is not installed here; the message says how to get it."""

    def __init__(self, program: str, package: str = "") -> None:
        super().__init__(f"{program} is not installed here: sudo apt install {package or PACKAGES.get(program, program)}")


def missing(program: str) -> bool:
    """Whether *program* is not installed here."""
    from podnet_lab.kernel.shell import environment

    return not any(os.access(os.path.join(folder, program), os.X_OK) for folder in environment()["PATH"].split(":"))


def run(*words: str, given: str | None = None, seconds: float = SECONDS) -> CompletedProcess:
    """Run a program to its end, with *given* on its standard input; Missing where it is not installed, OSError after *seconds*."""
    import subprocess  # here: most agents start no program, and are to start fast

    from podnet_lab.kernel.shell import environment

    try:
        return subprocess.run(
            words,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            errors="replace",  # a name or comment that somebody made may be no UTF-8
            env=environment(),
            timeout=seconds,
            check=False,
        )
    except (FileNotFoundError, PermissionError):
        if missing(words[0]):  # or it lies in a folder on the PATH that is closed to us, and so for us nowhere
            raise Missing(words[0]) from None
        raise
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, f"{words[0]} did not end within {seconds:g} seconds") from None
