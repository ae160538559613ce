"""
The sockets of this thread's network namespace that wait for somebody, as plain data (sock_diag(7), linux/inet_diag.h).
"""

from __future__ import annotations

import socket
import struct

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.netlink import Refused, Socket

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
TCP_LISTEN, UDP_UNCONNECTED = 10, 7
INET_DIAG_SKV6ONLY, MESSAGE_SIZE = 11, 72
_PORT, _INODE = struct.Struct("!4xH"), struct.Struct("=68xI")
PROTOCOLS = {"tcp": (socket.IPPROTO_TCP, TCP_LISTEN), "udp": (socket.IPPROTO_UDP, UDP_UNCONNECTED)}
_MAPPED = bytes(10) + b"\xff\xff"


def listeners(names: dict[int, str]) -> list[tuple[str, str, int, str]] | None:
    """(protocol, IPv4 address, port, interface or "") of each; None where the kernel does not tell (it has no inet_diag)."""
    waiting = _waiting()
    return None if waiting is None else [found for one in waiting for found in _at_ipv4(*one, names)]


def ports() -> dict[int, tuple[str, int]] | None:
    """The (protocol, port) of each, IPv6's too, by the number of its socket; None as above. /proc/net/tcp walks all of the machine's."""
    waiting = _waiting()
    if waiting is None:
        return None
    return {_INODE.unpack_from(body)[0]: (protocol, _PORT.unpack_from(body)[0]) for protocol, _, body in waiting}


def _waiting() -> list[tuple[str, int, bytes]] | None:
    """(protocol, family, message) of each socket that waits; None where the kernel does not tell."""
    try:
        sock = Socket(NETLINK_SOCK_DIAG)
    except OSError:
        return None
    try:
        return [
            (protocol, family, body)
            for protocol, (number, state) in PROTOCOLS.items()
            for family in (socket.AF_INET, socket.AF_INET6)
            for body in sock.dump(SOCK_DIAG_BY_FAMILY, struct.pack("=BBBBI48x", family, number, 0, 0, 1 << state))
        ]
    except Refused:
        return None
    finally:
        sock.close()


def _at_ipv4(protocol: str, family: int, body: bytes, names: dict[int, str]) -> list[tuple[str, str, int, str]]:
    (port,), (index,) = _PORT.unpack_from(body), struct.unpack_from("=I", body, 40)
    only6 = attributes(body, MESSAGE_SIZE).get(INET_DIAG_SKV6ONLY, b"\0")[0]
    address = _ipv4(body[8:24], family)
    return [] if address is None or only6 else [(protocol, address, port, names.get(index, "") if index else "")]


def _ipv4(data: bytes, family: int) -> str | None:
    """The IPv4 address that a socket waits at; None for an IPv6 address that is no IPv4 one."""
    if family == socket.AF_INET or data[:12] == _MAPPED:
        return socket.inet_ntoa(data[:4] if family == socket.AF_INET else data[12:])
    return "0.0.0.0" if data == bytes(16) else None  # noqa: S104 - told, not bound
