"""
Runs a command for root as somebody to whom nothing on this machine belongs: what root's lab is started by.

    python -P -m podnet_lab.kernel.nobodys_id NUMBER PYTHON COMMAND…

PYTHON is another interpreter that the command needs besides this one.

A user namespace alone would not do: root inside of it, mapped to root outside, still owns /dev/vda, /proc/sys/vm and /etc.
It runs in a mount namespace of its own, in which that somebody is let to the interpreter, though that may lie in root's home.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from podnet_lab.kernel import namespaces

PR_SET_PDEATHSIG = 1
FIRST, COUNT = 0x70000000, 0x00FFFFFF
"""Numbers that no distribution gives to anybody; each lab has one of its own, so that labs can't end each other's processes."""


def free_id(number: int) -> int | None:
    """A user number of nobody's, drawn by *number*; None where there is none besides our own, as in a user namespace of one user."""
    with open("/proc/self/uid_map") as file:
        ranges = [(int(first), int(count)) for first, _, count in map(str.split, file)]
    for first, count in ranges:
        if first <= FIRST and first + count >= FIRST + COUNT:
            return FIRST + number % COUNT
    first, count = max(ranges, key=lambda one: one[0] + one[1])
    return first + count - 1 - number % (count // 2) if count >= 65536 else None


def for_root() -> int | None:
    """Whose root's lab is to be; None for anybody else, and where root is the only user."""
    return free_id(int.from_bytes(os.urandom(8), "big")) if os.geteuid() == 0 else None


def needed() -> list[str]:
    """The folders that a Python like this one is read from, the package's among them."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    places = [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)), package, *sys.path]
    return list(dict.fromkeys(path for path in places if path and os.path.isdir(path)))


def closed_to_others(path: str) -> str | None:
    """The topmost folder on the way to *path* that others may not pass; None if they may pass all."""
    parts = os.path.realpath(path).split("/")
    for depth in range(2, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if not _passable(folder):
            return folder
    return None


def _passable(folder: str) -> bool:
    return bool(os.stat(folder).st_mode & 0o001)


def let_in(paths: list[str]) -> None:
    """Show *paths* to everybody, and nothing else of closed folders on the way to them, in this mount namespace."""
    closed: dict[str, list[str]] = {}
    for path in map(os.path.realpath, paths):
        if (folder := closed_to_others(path)) is not None:
            closed.setdefault(folder, []).append(path)
    for folder, inside in closed.items():
        # A folder that is closed itself stays so wherever it is shown: what is in it is shown instead.
        shown = {path for one in inside for path in ([one] if _passable(one) else map(f"{one}/{{}}".format, os.listdir(one)))}
        opened = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in sorted(shown)}
        folders = {path for path in shown if os.path.isdir(path)}
        namespaces.mount("tmpfs", folder, "tmpfs", data="mode=755")
        for path, descriptor in opened.items():
            os.makedirs(path if path in folders else os.path.dirname(path), exist_ok=True)
            if path not in folders:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
            namespaces.mount(f"/proc/self/fd/{descriptor}", path, flags=namespaces.MS_BIND | namespaces.MS_REC)
            os.close(descriptor)


def become(number: int) -> None:
    """Be user *number*, of no group but its own, for good; and end with the parent, as before."""
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # the kernel has forgotten it with the change


def main() -> None:
    """Be somebody else, and then the command."""
    number, python, *command = sys.argv[1:]
    parent = os.getppid()
    let_in([*needed(), os.path.dirname(os.path.realpath(python))])
    os.chdir("/")
    become(int(number))
    if os.getppid() != parent:  # it ended before the kernel was told to look
        sys.exit(1)
    if not os.access(os.environ.get("HOME", ""), os.R_OK | os.X_OK):
        os.environ["HOME"] = "/"
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
