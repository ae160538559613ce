"""
The files that a sandbox sees: a root of its own, in memory, with what it is shown of the machine, read-only, and nothing else.

Only a process that is alone in its mount namespace may build one (sandbox.py): it goes when nobody is there any more.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable, Mapping

from podnet_lab.kernel.namespaces import MNT_DETACH, MS_BIND, MS_REC, _call, _libc, mount

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_NOATIME, MS_NODIRATIME = 1, 2, 4, 8, 32, 1024, 2048
MS_PRIVATE, MS_RELATIME = 1 << 18, 1 << 21

KEPT = {
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "noatime": MS_NOATIME,
    "nodiratime": MS_NODIRATIME,
    "relatime": MS_RELATIME,
}
"""What a mount that somebody with more rights has made keeps: without these it can't be made read-only."""

PLACES = ("/mnt", "/media", "/srv", "/opt", "/var/tmp", "/tmp", "/home")  # noqa: S108 - mounted over, where nobody else sees it
"""Folders of which one is where the new root is put together."""

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "net/tun")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"}


def build(show: Iterable[str], hide: Iterable[str], files: Mapping[str, str], folders: Mapping[str, int], owner: int, size: int) -> None:
    """
    Make a new root, and be in it.

    What is in *show* is there under its own path, and can't be written; a folder of these that is in *hide* is empty. *files*
    are by path their text, *folders* by path their mode: all of them are *owner*'s. All that can be written has *size* bytes.
    """
    shown = sorted({path for path in show if os.path.lexists(path)})
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    root = place(shown)
    mount("none", root, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},mode=755")
    for path in shown:
        _show(path, root)
    _read_only(root)
    for path in hide:
        if os.path.isdir(root + path):
            mount("none", root + path, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "size=4k,mode=755")
    for kind in ("/proc", "/sys"):  # whole, or no other may be mounted inside
        os.makedirs(root + kind)
        mount(kind, root + kind, flags=MS_BIND | MS_REC)
    _read_only(f"{root}/sys")  # what lies in it: a user may own cgroups there
    _devices(f"{root}/dev", size)
    for path, mode in folders.items():
        os.makedirs(root + path, exist_ok=True)
        os.chown(root + path, owner, owner)
        os.chmod(root + path, mode)
    for path, text in files.items():
        with open(root + path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(root + path, owner, owner)
    os.chdir(root)
    _call(_libc.pivot_root, b".", b".")
    _call(_libc.umount2, b".", ctypes.c_int(MNT_DETACH))  # the old one, which lies on top of the new one
    os.chdir("/")


def place(shown: Iterable[str]) -> str:
    """A folder to be mounted over that holds nothing of what is shown; OSError if there is none."""
    shown = {os.path.realpath(path) for path in shown} | set(shown)
    for path in PLACES:
        if os.path.isdir(path) and not os.path.islink(path) and not any(f"{one}/".startswith(f"{path}/") for one in shown):
            return path
    raise FileNotFoundError(2, f"none of these folders is free for a while: {' '.join(PLACES)}")


def _show(path: str, root: str) -> None:
    target = root + path
    if os.path.lexists(target):  # a folder above it is shown
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o444))
    mount(path, target, flags=MS_BIND | MS_REC)


def _read_only(root: str) -> None:
    """Make all mounts below the folder *root* read-only, but not itself."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        lines = [line.split() for line in file]
    for fields in lines:
        path = fields[4].encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1")
        if path.startswith(os.fsencode(f"{root}/")):
            kept = sum(KEPT[word] for word in fields[5].split(",") if word in KEPT)
            with contextlib.suppress(FileNotFoundError):  # it lies below another one
                mount("none", os.fsdecode(path), flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | kept)


def _devices(folder: str, size: int) -> None:
    os.makedirs(folder)
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            os.close(os.open(f"{folder}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
            mount(f"/dev/{name}", f"{folder}/{name}", flags=MS_BIND)
    for name, target in LINKS.items():
        os.symlink(target, f"{folder}/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"{folder}/{name}")
    mount("none", f"{folder}/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    mount("none", f"{folder}/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},mode=1777")
