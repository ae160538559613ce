"""
How many neighbours this machine's kernel has ever made: one that is asked for and has not answered yet is told nobody.

The kernel counts for all its namespaces together. Layouts: linux/neighbour.h (ndtmsg, ndt_stats).
"""

from __future__ import annotations

import socket
import struct

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.encode import RTM_GETNEIGH
from podnet_lab.kernel.netlink import NLM_F_DUMP, NLM_F_REQUEST, Refused, Socket, messages

RTM_NEWNEIGHTBL, RTM_GETNEIGHTBL, NDTA_STATS = 64, 66, 7
_HEADER = struct.Struct("=IHHIIBxxx")
FIRST_PART = 1 << 14
"""The table itself comes first; what follows is of each interface, and is left unread."""


def neighbours_made() -> int | None:
    """How many IPv4 neighbours were made since this machine started; None where the kernel does not say."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as sock:
        sock.send(_HEADER.pack(_HEADER.size, RTM_GETNEIGHTBL, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, socket.AF_INET))
        for kind, _, _, body in messages(sock.recv(FIRST_PART)):
            has = attributes(body, 4) if kind == RTM_NEWNEIGHTBL else {}
            if NDTA_STATS in has:
                return struct.unpack_from("=Q", has[NDTA_STATS])[0]
    return None


def has_neighbours() -> bool:
    """Whether there is any IPv4 neighbour in this thread's namespace, whatever its state; True where the kernel does not say."""
    sock = Socket()
    try:
        return bool(sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, 0, 0)))
    except Refused:
        return True
    finally:
        sock.close()
