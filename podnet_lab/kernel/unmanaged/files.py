"""What network scripts write into files, and names in /run/netns that are no namespaces of their own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from podnet_lab.kernel import bounded_file, namespaces, processes, resolv_conf
from podnet_lab.kernel.own_etc import ETC, NETNS, OWNED
from podnet_lab.kernel.unmanaged.base import Kind, Look
from podnet_lab.printable_names import printable, raw_path

MOST = 1 << 20
"""Bytes of a file that is looked into; of a longer one it is known that it is there."""


class Told(Kind):
    """A kind that a reset does not bring back by itself: it is named where somebody asks what has changed."""

    def restore(self, look: Look, now: Any, then: Any) -> list[str]:
        return []

    def left(self, now: Any, then: Any) -> list[str]:
        return []

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return super().left(now, then)


class Files(Told):
    """
    The files below /etc by which hosts and names are found, and a namespace's own (/etc/netns), by what they have in them.

    On a VM its own programs write some of them, too, as DHCP does: a reset leaves them alone.
    """

    name = "the file"

    def read(self, look: Look) -> dict[str, Any]:
        return {path: _digest(path) for path in [*_below_etc(), *(path for path in _below(NETNS, 2) if not _is_ours(path))]}


def _below_etc() -> Iterator[str]:
    for name in OWNED:
        path = f"{ETC}/{name}"
        if os.path.isdir(path):
            yield from _below(path, 1)
        elif os.path.lexists(path):
            yield path


def _below(folder: str, depth: int) -> Iterator[str]:
    """The files in a folder, and in those in it, as deep as is said."""
    with suppress(OSError), os.scandir(os.fsencode(raw_path(folder))) as entries:
        for entry in entries:
            path = f"{folder}/{printable(entry.name)}"
            if not entry.is_dir(follow_symlinks=False):
                yield path
            elif depth > 1:
                yield from _below(path, depth - 1)


def _is_ours(path: str) -> bool:
    """Whether it is a Pod's resolv.conf that this package wrote, and takes away again."""
    return (bounded_file.read(raw_path(path), resolv_conf.MOST) or b"").startswith(resolv_conf.HEAD.encode())


def _digest(path: str) -> str:
    return hashlib.sha256(bounded_file.read(raw_path(path), MOST) or b"").hexdigest()


class NamesOfNamespaces(Told):
    """
    Names in /run/netns that are no namespaces of their own, and so in no snapshot.

    A reset takes them away before all else (`podnet_lab.kernel.namespaces.remove_broken`).
    """

    name = "a name without a namespace of its own, /run/netns/"

    def read(self, look: Look) -> dict[str, Any]:
        return dict.fromkeys(namespaces.broken(processes.agents_networks()), "")

    def words(self, key: str, value: Any) -> str:
        return f"{self.name}{key},"
