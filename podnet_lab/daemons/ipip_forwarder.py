"""
What stands in for the kernel's module ipip, where a kernel has none: a program that forwards between a TUN device and protocol 4.

It holds a TUN device that is called tunl0, as the kernel's own interface is, and is told no other node: it asks the kernel's routes.
"""

from __future__ import annotations

import os
from functools import cache

from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.devices.ip_tunnel import TUNL0
from podnet_lab.model import Snapshot

NAME = "ipip-forwarder"

_PROGRAM = "forward_ipip.py"


@cache
def source() -> str:
    """The text of `programs/forward_ipip.py`."""
    with open(os.path.join(os.path.dirname(__file__), "programs", _PROGRAM)) as file:
        return file.read()


def forwarder() -> Daemon:
    """A node's forwarder. The TUN device has to be there; when it ends, that has no carrier, and what is sent there is lost."""
    ready = f"{folder(NAME)}/ready"
    return Daemon(NAME, ("python3", f"{folder(NAME)}/{_PROGRAM}", TUNL0, ready), ((_PROGRAM, source()),), creates=ready, package="python3")


def runs(node: Snapshot) -> bool:
    """Whether a node has one that runs."""
    return any(process.namespace is None and (process.daemon == NAME or _PROGRAM in process.command) for process in node.processes)
