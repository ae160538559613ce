"""
Captures as a file that Wireshark and tcpdump open: pcapng, with one interface for each place of capture. Pure.

Format: draft-ietf-opsawg-pcapng; block types 0x0A0D0D0A (section), 1 (interface), 6 (packet), nanoseconds by if_tsresol.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable

ETHERNET, IP_ALONE = 1, 101
"""What a frame begins with (LINKTYPE_ETHERNET, LINKTYPE_RAW): the second are packets of an interface that has no Ethernet header."""

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
COMMENT, IF_NAME, IF_TSRESOL, USER_APPLICATION = 1, 2, 9, 4
_END = struct.pack("<HH", 0, 0)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(packets: Iterable[tuple[str, int, bytes, int, str]], bare: Collection[str] = ()) -> bytes:
    """
    The file's bytes for packets of (interface, nanoseconds since 1970, bytes kept, length on the wire, comment).

    What passes the interfaces *bare* has no Ethernet header.
    """
    parts = [_block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(USER_APPLICATION, b"podnet_lab") + _END)]
    numbers: dict[str, int] = {}
    for interface, time, data, length, comment in packets:
        if interface not in numbers:
            numbers[interface] = len(numbers)
            name = _option(IF_NAME, interface.encode()) + _option(IF_TSRESOL, b"\x09") + _END
            parts.append(_block(INTERFACE, struct.pack("<HHI", IP_ALONE if interface in bare else ETHERNET, 0, 0) + name))
        body = struct.pack("<IIIII", numbers[interface], time >> 32, time & 0xFFFFFFFF, len(data), length) + data
        body += bytes(-len(body) % 4)
        parts.append(_block(PACKET, body + (_option(COMMENT, comment.encode()) + _END if comment else b"")))
    return b"".join(parts)
