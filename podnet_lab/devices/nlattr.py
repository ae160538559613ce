"""Netlink attributes (linux/netlink.h, struct nlattr), encoded and decoded; nothing is sent here."""

from __future__ import annotations

import struct

_ATTRIBUTE = struct.Struct("=HH")


def attribute(kind: int, payload: bytes) -> bytes:
    """Encode one attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """Decode the attributes of *data* from *offset* on; the nested flag is taken off their kinds."""
    found, last, unpack = {}, len(data) - 4, _ATTRIBUTE.unpack_from
    while offset <= last:
        length, kind = unpack(data, offset)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def repeated(data: bytes) -> list[bytes]:
    """The attributes of a list in which the same kind comes again and again."""
    found, offset = [], 0
    while offset <= len(data) - 4:
        length, _ = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            break
        found.append(data[offset + 4 : offset + length])
        offset += (length + 3) & ~3
    return found


def pack_ipv4(address: str) -> bytes:
    """The four bytes of an address like 192.168.1.11."""
    return bytes(map(int, address.split(".")))


def unpack_ipv4(data: bytes) -> str:
    """The address that four bytes are."""
    return ".".join(map(str, data))
