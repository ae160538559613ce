"""The small files of a node that a snapshot has (`podnet_lab.node_file_paths`), read, written and removed; whoever made them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from podnet_lab.kernel import bounded_file
from podnet_lab.node_file_paths import DEPTH, FOLDERS, MOST_BYTES, MOST_FILES, is_file_path


def read() -> dict[str, str]:
    """What each of them has, by its path; not what is no small text file."""
    found: dict[str, str] = {}
    for path in _paths():
        content = bounded_file.read(path, MOST_BYTES) if len(found) < MOST_FILES else None
        if content is not None and content.isascii():
            found[path] = content.decode("ascii")
    return found


def _paths(folders: tuple[str, ...] = FOLDERS, depth: int = DEPTH) -> Iterator[str]:
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:  # mostly there is none
            for entry in entries:
                if depth > 1 and entry.is_dir(follow_symlinks=False):
                    yield from _paths((entry.path,), depth - 1)
                elif is_file_path(entry.path):
                    yield entry.path


def write(path: str, content: str) -> None:
    """Write a file, at once; its folders are made."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    new = f"{folder}/.{name}.new"
    with open(new, "w", newline="") as file:
        file.write(content)
    os.replace(new, path)


def remove(path: str) -> None:
    """``rm PATH``."""
    os.remove(path)
