"""
Each Pod's own resolv.conf, for who is to ask a DNS server in the cluster.

`ip netns exec NAME` shows /etc/netns/NAME/resolv.conf as /etc/resolv.conf (ip-netns(8)); a node's /etc is its own.
"""

from __future__ import annotations

import contextlib
import os

from podnet_lab.kernel import bounded_file
from podnet_lab.kernel.own_etc import NETNS
from podnet_lab.printable_names import printable, raw_path

RESOLV = "resolv.conf"
MOST = 1 << 16
"""Bytes that one of ours may have."""

HEAD = "# written by podnet_lab"
"""The first line of what is ours to take away again."""


def use(spaces: list[str], text: str) -> None:
    """Write each Pod's resolv.conf."""
    for name in spaces:
        folder = f"{NETNS}/{raw_path(name)}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{RESOLV}.new", "w") as file:
            file.write(f"{HEAD}\n{text}")
        os.replace(f"{folder}/{RESOLV}.new", f"{folder}/{RESOLV}")  # whatever is there: to write into a pipe would wait for ever


def leave(namespace: str) -> None:
    """Take away what was written for a Pod; what somebody else wrote stays."""
    path = f"{NETNS}/{raw_path(namespace)}/{RESOLV}"
    with contextlib.suppress(OSError):
        if not (bounded_file.read(path, MOST) or b"").startswith(HEAD.encode()):
            return
        os.unlink(path)
        os.rmdir(os.path.dirname(path))


def end() -> None:
    """Take away all that was written."""
    with contextlib.suppress(OSError):
        for name in map(printable, os.listdir(os.fsencode(NETNS))):
            leave(name)
