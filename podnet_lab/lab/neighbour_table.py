"""
The kernel's table of IPv4 neighbours, which all namespaces of a machine share: labs take turns, and one that is full is told.

It holds net.ipv4.neigh.default.gc_thresh3 entries (1,024), whoever's; one more is refused, and the packet that needed it is
thrown away without a word where it is forwarded (net/core/neighbour.c, ___neigh_create).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from podnet_lab.backends import labs_folder
from podnet_lab.errors import LabError
from podnet_lab.kernel import folder_lock

COUNTS = "/proc/net/stat/arp_cache"
"""The table's own counts, a line for each processor, in hexadecimal; only the machine's first network namespace has it."""

PATIENCE = 10.0
"""Seconds after which a lab no longer waits for its turn: whoever has it may be stopped."""

FULL = (
    "the kernel's table of neighbours was full, which all namespaces of this machine share: close other labs, or as root: "
    "sysctl -w net.ipv4.neigh.default.gc_thresh3=8192 net.ipv4.neigh.default.gc_thresh2=4096"
)


def overflows() -> int:
    """How often this machine's table was full since it was switched on; 0 where that can't be read."""
    try:
        with open(COUNTS) as file:
            head, *lines = (line.split() for line in file)
        return sum(int(line[head.index("table_fulls")], 16) for line in lines)
    except (OSError, ValueError, IndexError):
        return 0


@contextmanager
def turn() -> Iterator[None]:
    """Be the only lab of this user that fills the table for a moment: each counts on half of it. Not for longer than `PATIENCE`."""
    try:
        folders = labs_folder.folders()
    except LabError:
        folders = []
    if not folders:  # no lab is listed: nobody else is there
        yield
        return
    with folder_lock.held(str(folders[0]), PATIENCE):
        yield
