"""The sockets of this thread's network namespace that wait for somebody, as plain data (proc(5), /proc/net/tcp)."""

from __future__ import annotations

import contextlib
import socket
import struct

TCP_LISTEN, UDP_UNCONNECTED = "0A", "07"
_FILES = (("tcp", "tcp", TCP_LISTEN), ("tcp", "tcp6", TCP_LISTEN), ("udp", "udp", UDP_UNCONNECTED), ("udp", "udp6", UDP_UNCONNECTED))
_MAPPED = bytes(10) + b"\xff\xff"


def listeners() -> list[tuple[str, str, int]]:
    """(protocol, IPv4 address, port) of each; an IPv6 socket that takes IPv4 as well has 0.0.0.0 for its address."""
    waiting = []
    for protocol, name, state in _FILES:
        with contextlib.suppress(FileNotFoundError), open(f"/proc/thread-self/net/{name}") as file:
            for line in file.read().splitlines()[1:]:
                fields = line.split()
                address, _, port = fields[1].partition(":")
                if fields[3] == state and (ip := _ipv4(address)) is not None:
                    waiting.append((protocol, ip, int(port, 16)))
    return waiting


def _ipv4(text: str) -> str | None:
    """The IPv4 address that a socket's hexadecimal one stands for; None for an IPv6 address that is no IPv4 one."""
    data = b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    if len(data) == 4:
        return socket.inet_ntoa(data)
    if data == bytes(16):
        return "0.0.0.0"  # noqa: S104 - whether it takes IPv4, too (IPV6_V6ONLY), /proc does not say
    return socket.inet_ntoa(data[12:]) if data[:12] == _MAPPED else None
