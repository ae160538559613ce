"""
All settings of a network namespace, read time and again.

There are a thousand of them, and opening a file takes six times as long as reading it: their descriptors are kept.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress

from podnet_lab.kernel import namespaces
from podnet_lab.kernel.sysctl import ROOT
from podnet_lab.printable_names import printable

FOLDER, BOTH = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, os.O_RDWR | os.O_CLOEXEC
USUAL_BYTES, MOST_BYTES = 1 << 10, 1 << 16
"""What a setting is read into: the kernel makes room for all that might be read, and clears it."""

SHARE = 16
"""One in so many of the descriptors that a process may have is kept for settings."""


def descriptors_for_settings() -> int:
    """How many this process may keep open for settings, the root of their folders not counted."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] // SHARE


class AllSettings:
    """
    The settings of the namespace that the caller's thread is in, read from the second look on by descriptors that are kept.

    A descriptor says nothing any more once its interface is gone, whoever has the same name then (use_table in
    fs/proc/proc_sysctl.c); in another namespace than before, all are opened anew.
    """

    def __init__(self) -> None:
        self._here: namespaces.Identity | None = None
        self._open: dict[str, int] = {}

    def read(self) -> dict[str, str]:
        """Each one that can be read and written, by its path below /proc/sys/net."""
        room, here, values = descriptors_for_settings(), os.stat(namespaces.HERE), {}
        if (here.st_dev, here.st_ino) != self._here:
            room, self._here = 0, (here.st_dev, here.st_ino)
            self._close(set(self._open))
        for folder, prefix, names in _folders(os.open(ROOT, FOLDER), ""):
            for name in names:
                path = prefix + name
                try:
                    values[path] = read_open(self._open[path])
                except (KeyError, OSError):  # the interface whose it was is gone, and another has its name
                    with suppress(OSError):  # it can't be read and written, or went with an interface this moment
                        values[path] = self._opened(folder, path, name, room)
        self._close(self._open.keys() - values.keys())
        return values

    def _opened(self, folder: int, path: str, name: str, room: int) -> str:
        """By its name alone, which is quicker; for reading and writing, which says whether both are allowed."""
        self._close({path} & self._open.keys())
        descriptor = os.open(name, BOTH, dir_fd=folder)
        if len(self._open) < room:
            self._open[path] = descriptor
            return read_open(descriptor)
        try:
            return read_open(descriptor)
        finally:
            os.close(descriptor)

    def _close(self, paths: set[str]) -> None:
        for path in paths:
            os.close(self._open.pop(path))


def _folders(folder: int, prefix: str) -> Iterator[tuple[int, str, list[str]]]:
    """Each folder below an open one, which is closed: (descriptor, path, names of the settings in it)."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir()) for entry in entries]
        yield folder, prefix, [name for name, is_folder in found if not is_folder]
        for name, is_folder in found:
            if is_folder:
                with suppress(OSError):  # it went this moment
                    yield from _folders(os.open(name, FOLDER, dir_fd=folder), f"{prefix}{printable(os.fsencode(name))}/")
    finally:
        os.close(folder)


def read_open(descriptor: int) -> str:
    """What an open setting is. Python's files take three times as long."""
    value = os.pread(descriptor, USUAL_BYTES, 0)
    if len(value) == USUAL_BYTES:
        value = os.pread(descriptor, MOST_BYTES, 0)
    return value.decode(errors="replace").strip()
