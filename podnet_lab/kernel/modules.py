"""Modules of the kernel, loaded and taken out by modprobe(8): only the machine's own root may."""

from __future__ import annotations

import errno
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from podnet_lab.kernel import programs, read_links
from podnet_lab.kernel.netlink import Socket

if TYPE_CHECKING:
    from collections.abc import Iterator

FALLBACKS = "/proc/sys/net/core/fb_tunnels_only_for_init_net"
"""Which namespaces get the interfaces that tunnels' modules bring: all (0), a machine's own (1), none (2, as vm/provision has it)."""


def load(name: str) -> None:
    """
    ``modprobe NAME``; OSError with modprobe's own words if it is refused.

    Where a machine keeps such interfaces out of all namespaces, its own gets them: the module is loaded anew meanwhile.
    """
    with _in_its_own_namespace() as kept_out:
        if kept_out and not _has_links(name):
            with suppress(OSError):  # it is not loaded, or something needs it
                _modprobe("-r", name)
        _modprobe(name)


def unload(name: str) -> None:
    """``modprobe -r NAME``: interfaces of that module go along."""
    _modprobe("-r", name)


def _has_links(kind: str) -> bool:
    sock = Socket()
    try:
        return any(link["kind"] == kind for link in read_links.links(sock))
    finally:
        sock.close()


@contextmanager
def _in_its_own_namespace() -> Iterator[bool]:
    """Let a machine's own namespace have what modules bring, if no namespace has; gives whether that was so."""
    try:
        with open(FALLBACKS) as file:
            kept_out = file.read().strip() == "2"
        if kept_out:
            _write("1")
    except OSError:  # no such setting, or another namespace's to write
        kept_out = False
    try:
        yield kept_out
    finally:
        if kept_out:
            _write("2")


def _write(value: str) -> None:
    with open(FALLBACKS, "w") as file:
        file.write(value)


def _modprobe(*words: str) -> None:
    done = programs.run("modprobe", *words)
    if done.returncode:
        said = (done.stderr or done.stdout or "").strip().splitlines()
        refused = OSError(errno.EPERM, "modprobe")
        refused.detail = said[-1] if said else ""
        raise refused
