"""
Each Pod's own resolv.conf, for who is to ask a DNS server in the cluster.

`ip netns exec NAME` shows /etc/netns/NAME/resolv.conf as /etc/resolv.conf (ip-netns(8)); a node's /etc is its own.
"""

from __future__ import annotations

import contextlib
import os

from podnet_lab.kernel.own_etc import NETNS
from podnet_lab.printable_names import printable, raw_path

RESOLV = "resolv.conf"
HEAD = "# written by podnet_lab"
"""The first line of what is ours to take away again."""


def use(spaces: list[str], text: str) -> None:
    """Write each Pod's resolv.conf."""
    for name in spaces:
        folder = f"{NETNS}/{raw_path(name)}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/{RESOLV}", "w") as file:
            file.write(f"{HEAD}\n{text}")


def leave(namespace: str) -> None:
    """Take away what was written for a Pod; what somebody else wrote stays."""
    path = f"{NETNS}/{raw_path(namespace)}/{RESOLV}"
    with contextlib.suppress(OSError):
        with open(path) as file:
            if not file.readline().startswith(HEAD):
                return
        os.unlink(path)
        os.rmdir(os.path.dirname(path))


def end() -> None:
    """Take away all that was written."""
    with contextlib.suppress(OSError):
        for name in map(printable, os.listdir(os.fsencode(NETNS))):
            leave(name)
