"""
What connection tracking remembers: which flows there are, and how their addresses were rewritten.

Numbers: linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.unmanaged_state import NETLINK_NETFILTER

GET, DELETE = 1 << 8 | 1, 1 << 8 | 2
TUPLE_ORIG, TUPLE_REPLY, STATUS, PROTOINFO, TUPLE_IP, TUPLE_PROTO = 1, 2, 3, 4, 1, 2
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
FRAME = struct.pack("!BBH", socket.AF_INET, 0, 0)


def _tuple(data: bytes) -> tuple[str, str, int, str, int]:
    """(protocol, source, source port, destination, destination port) of one direction of a flow."""
    fields = attributes(data)
    ip, proto = attributes(fields[TUPLE_IP]), attributes(fields[TUPLE_PROTO])
    ports = [struct.unpack("!H", proto[kind])[0] if kind in proto else 0 for kind in (2, 3)]
    number = proto[1][0]
    return PROTOCOLS.get(number, str(number)), socket.inet_ntoa(ip[1]), ports[0], socket.inet_ntoa(ip[2]), ports[1]


COUNT = "/proc/sys/net/netfilter/nf_conntrack_count"
"""How many flows the reader's own namespace has: a dump looks through a table of 262,144 places that all namespaces share, in 9 ms."""


def _is_empty() -> bool:
    try:
        with open(COUNT, encoding="ascii") as file:
            return int(file.read()) == 0
    except OSError:
        return False


def _dump(sock: Socket) -> list[bytes]:
    if _is_empty():
        return []
    try:
        return sock.dump(GET, FRAME)
    except OSError as error:  # a kernel without it remembers nothing
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOENT):
            return []
        raise


def flows() -> list[dict[str, Any]]:
    """Every IPv4 flow of this thread's namespace: ``sent`` is its original tuple, ``answer`` its reply tuple."""
    try:
        sock = Socket(NETLINK_NETFILTER)
    except OSError:
        return []
    try:
        entries = [attributes(body, 4) for body in _dump(sock)]
        return [{"sent": _tuple(entry[TUPLE_ORIG]), "answer": _tuple(entry[TUPLE_REPLY])} for entry in entries]
    finally:
        sock.close()


def forget(answering: str | None = None) -> int:
    """Delete the flows whose replies come from address *answering*, or all; returns how many."""
    try:
        sock = Socket(NETLINK_NETFILTER)
    except OSError:
        return 0
    count = 0
    try:
        for body in _dump(sock):
            fields = attributes(body, 4)
            if answering in (None, _tuple(fields[TUPLE_REPLY])[1]):
                try:
                    sock.request([(DELETE, 0, FRAME + _nested(TUPLE_ORIG, fields[TUPLE_ORIG]))])
                    count += 1
                except Refused:
                    continue  # it ended this moment
    finally:
        sock.close()
    return count


def _nested(kind: int, payload: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(payload), kind | 0x8000) + payload + bytes(-len(payload) % 4)
