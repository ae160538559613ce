"""
The folder that lists a user's running labs: in XDG_RUNTIME_DIR, or, where there is none, among everybody's temporary files.

There anybody may take a name before its user does. Then the list is in a folder with the same name and a random end, which only this
user can have made: it is found again by its owner.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from podnet_lab.backends.limits import why
from podnet_lab.errors import LabError

FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""The number of a machine's own PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h)."""

NODE_FOLDER = "/run/podnet-node"
"""What a one-machine lab's node, and a Pod on it, has on its own /run (`podnet_lab.kernel.own_etc`, `podnet_lab.kernel.wrappers`)."""

MODE = 0o700


def folder_name(user: int, process: int | str = "self") -> str:
    """One for each user and PID namespace: a process's number says nothing in another, and its entries would be swept there."""
    space = os.stat(f"/proc/{process}/ns/pid").st_ino
    return f"podnet_lab-{user}{'' if space == FIRST_PID_NAMESPACE else f'-pid-{space}'}"


def folder() -> Path:
    """
    The user's own folder for running labs, mode 0700, which is made if it is not there.

    LabError if it is open to others, or no folder, or on a node of a lab.
    """
    try:
        if there := folders():
            return there[0]
        return make(_base() / folder_name(os.geteuid()))
    except OSError as error:
        raise LabError(f"the list of running labs can't be kept: {why(error)}") from error


def folders() -> list[Path]:
    """All folders of this user that list labs, none of which is made: one, but where somebody took its name for a while."""
    if os.path.isdir(NODE_FOLDER):
        raise LabError("this is a node of a lab, where podnet has nothing to do: type `exit`, or use another terminal, and say it there")
    base, name = _base(), folder_name(os.geteuid())
    others = sorted(path for path in base.glob(f"{name}.*") if _is_own_folder(path))
    return [path for path in (base / name, *others) if _is_usable(path)]


def _base() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    return Path(base if base and os.access(base, os.W_OK) else tempfile.gettempdir())


def make(path: Path) -> Path:
    """Make such a folder, whatever this process's umask is; another one beside it where somebody else has taken the name."""
    try:
        path.mkdir(mode=MODE)
    except FileExistsError:
        if _is_usable(path):  # another process of ours has made it this moment
            return path
        path = Path(tempfile.mkdtemp(prefix=f"{path.name}.", dir=path.parent))
    path.chmod(MODE)
    return path


def _is_usable(path: Path) -> bool:
    """Whether it is a folder of ours; False if it is somebody else's, or not there. LabError if it is ours, and not for this."""
    try:
        there = path.lstat()
    except OSError:
        return False
    if there.st_uid != os.geteuid():
        return False
    if not stat.S_ISDIR(there.st_mode) or there.st_mode & 0o077:
        raise LabError(f"{path} is not this user's own folder with mode 0700: remove it, or say where with XDG_RUNTIME_DIR")
    if there.st_mode & MODE != MODE:  # a umask took it; nobody but this user has ever had it
        with suppress(OSError):
            path.chmod(MODE)
    return True


def _is_own_folder(path: Path) -> bool:
    try:
        there = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid() and not there.st_mode & 0o077
