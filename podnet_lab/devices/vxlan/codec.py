"""A vxlan's settings as the kernel takes and gives them (linux/if_link.h, IFLA_VXLAN_*; drivers/net/vxlan/vxlan_core.c)."""

from __future__ import annotations

import struct
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes, pack_ipv4, unpack_ipv4

FORWARDS = True
NAMES_LINKS = True
BY_SOCKET = True

VNI, REMOTE, LINK, LOCAL, LEARNING, PORT, TTL_INHERIT = 1, 2, 3, 4, 7, 15, 28
_USUAL = {8: struct.pack("=I", 300), 18: b"\1", 31: b"\1", 33: bytes.fromhex("f7ffffff000000ff")}
"""Ageing time, UDP checksums, the local bypass, and the reserved bits, where nobody has chosen others; of all else: zeros."""
_OURS = {VNI, REMOTE, LINK, LOCAL, LEARNING, PORT}
_U32, _PORT = struct.Struct("=I"), struct.Struct("!H")


def encode(settings: dict[str, Any], lookup: Any) -> bytes:
    """IFLA_INFO_DATA for *vni*, *port*, *learning*, and, where given, *local*, *remote*, *dev* and *other* attributes in hexadecimal."""
    data = attribute(VNI, _U32.pack(settings["vni"])) + attribute(PORT, _PORT.pack(settings["port"]))
    data += attribute(LEARNING, bytes([settings["learning"]]))
    if settings.get("local"):
        data += attribute(LOCAL, pack_ipv4(settings["local"]))
    if settings.get("remote"):
        data += attribute(REMOTE, pack_ipv4(settings["remote"]))
    if settings.get("dev"):
        data += attribute(LINK, _U32.pack(lookup.index(settings["dev"])))
    return data + bytes.fromhex(settings.get("other", ""))


def decode(data: bytes, names: dict[int, str]) -> dict[str, Any]:
    """The same settings from IFLA_INFO_DATA; *other*, if there are some, are attributes that no step gives."""
    given = attributes(data)
    settings: dict[str, Any] = {
        "vni": _U32.unpack(given[VNI])[0],
        "port": _PORT.unpack(given[PORT])[0],
        "learning": bool(given[LEARNING][0]),
    }
    settings |= {name: unpack_ipv4(given[kind]) for name, kind in (("local", LOCAL), ("remote", REMOTE)) if kind in given}
    if LINK in given:
        settings["dev"] = names.get(_U32.unpack(given[LINK])[0], "?")
    if TTL_INHERIT in given:  # given as a byte, and taken as a flag: there, or not there
        inherits = given.pop(TTL_INHERIT) != b"\0"
        given |= {TTL_INHERIT: b""} if inherits else {}
    unusual = {kind: value for kind, value in given.items() if kind not in _OURS and value != _USUAL.get(kind, bytes(len(value) or 1))}
    return settings | ({"other": b"".join(attribute(kind, unusual[kind]) for kind in sorted(unusual)).hex()} if unusual else {})
