"""
Small files by which the programs of a Pod network tell each other something: what flanneld found out, which address is whose.

Only in the folders that a snapshot has (`podnet_lab.node_file_paths`): so they are judged and taken back as all else is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from shlex import quote

from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.node_file_paths import DEPTH, FOLDERS, MOST_BYTES, is_file_path
from podnet_lab.steps.base import Request, Step


@dataclass(frozen=True)
class _File(Step):
    path: str

    def touches(self) -> tuple:
        return (("file", None, self.path),)


@dataclass(frozen=True)
class WriteFile(_File):
    """See `write`."""

    content: str
    replace: bool = False

    @property
    def command(self) -> str:
        folder = quote(os.path.dirname(self.path))
        return f"mkdir -p {folder} && printf {_printf(self.content)} > {quote(self.path)}"

    @property
    def claim(self) -> str:
        return f"{self.path} is written"

    def requests(self) -> list[Request]:
        return [("file_write", None, {"path": self.path, "content": self.content})]

    def contradiction(self, now: Snapshot) -> str | None:
        if self.path not in now.files:
            return f"there is no {self.path}"
        return None if now.files[self.path] == self.content else f"{self.path} has {now.files[self.path]!r}"

    def conflict(self, before: Snapshot) -> str | None:
        return None if self.replace or self.path not in before.files else self.contradiction(before)

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        was = before.files.get(self.path)
        return (RemoveFile(self.path) if was is None else WriteFile(self.path, was, replace=True),)


@dataclass(frozen=True)
class RemoveFile(_File):
    """See `remove`."""

    @property
    def command(self) -> str:
        return f"rm {quote(self.path)}"

    @property
    def claim(self) -> str:
        return f"there is no {self.path}"

    def requests(self) -> list[Request]:
        return [("file_remove", None, {"path": self.path})]

    def contradiction(self, now: Snapshot) -> str | None:
        return f"{self.path} is still there" if self.path in now.files else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (WriteFile(self.path, before.files[self.path]),)


def _printf(content: str) -> str:
    """A format for printf(1) that gives just that."""
    for character, written in (("\\", "\\\\"), ("%", "%%"), ("\r", "\\r"), ("\n", "\\n"), ("\t", "\\t")):
        content = content.replace(character, written)
    return f"-- {quote(content)}" if content.startswith("-") else quote(content)


def _path(path: str) -> str:
    if not is_file_path(path):
        raise BadInput(f"a file that steps write lies in {' or '.join(FOLDERS)}, {DEPTH} names deep at most, not at {path!r}")
    return path


def _content(content: str) -> str:
    if not isinstance(content, str) or not content.isascii() or "\0" in content or len(content) > MOST_BYTES:
        raise BadInput(f"what a file is to have is plain ASCII text, of {MOST_BYTES} characters at most")
    return content


def write(path: str, content: str, replace: bool = False) -> WriteFile:
    """
    Write a small file; if it is there already and has something else, that is a conflict, unless it is to be replaced.

    By hand::

        mkdir -p /var/lib/cni/networks/cbr0 && printf 'pod-1-2\\r\\neth0' > /var/lib/cni/networks/cbr0/10.244.1.2
    """
    return WriteFile(_path(path), _content(content), bool(replace))


def remove(path: str) -> RemoveFile:
    """
    Remove a small file.

    By hand::

        rm /var/lib/cni/networks/cbr0/10.244.1.2
    """
    return RemoveFile(_path(path))
