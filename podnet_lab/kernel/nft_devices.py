"""
The devices that nftables' chains at ingress and egress are for: `nft` 1.0.6 leaves them out of its JSON.

Layouts: linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel import unmanaged_state
from podnet_lab.kernel.netlink import Socket
from podnet_lab.printable_names import printable

GETCHAIN = 4
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK = 1, 3, 4
HOOK_DEV, HOOK_DEVS, DEVICE_NAME, DEVICE_PREFIX = 3, 4, 1, 2
FAMILIES = ("inet", "netdev")


def hook_devices(listing: str) -> list[tuple[str, str, str, list[str]]]:
    """(family, table, chain, devices) of each chain of devices in what nft lists; the kernel is asked only if there is one."""
    return _hook_devices() if '"ingress"' in listing or '"egress"' in listing else []


def _hook_devices() -> list[tuple[str, str, str, list[str]]]:
    sock = Socket(unmanaged_state.NETLINK_NETFILTER)
    try:
        bodies = sock.dump(unmanaged_state.NFT << 8 | GETCHAIN, struct.pack("!BBH", 0, 0, 0))
    finally:
        sock.close()
    found = []
    for body in bodies:
        has, family = attributes(body, 4), unmanaged_state.FAMILIES.get(body[0], "")
        hook = _nested(has.get(CHAIN_HOOK, b""))
        if family in FAMILIES and any(kind in (HOOK_DEV, HOOK_DEVS) for kind, _ in hook):
            found.append((family, _text(has[CHAIN_TABLE]), _text(has[CHAIN_NAME]), list(_devices(hook))))
    return found


def _nested(data: bytes) -> list[tuple[int, bytes]]:
    """(kind without its flags, value) of attributes of which there may be several of a kind."""
    found, at = [], 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found.append((kind & 0x3FFF, data[at + 4 : at + length]))
        at += max(length + 3 & ~3, 4)
    return found


def _devices(hook: list[tuple[int, bytes]]) -> Iterator[str]:
    for kind, value in hook:
        if kind == HOOK_DEV:
            yield _text(value)
        elif kind == HOOK_DEVS:
            yield from (_text(name) + "*" * (which == DEVICE_PREFIX) for which, name in _nested(value))


def _text(data: bytes) -> str:
    return printable(data.rstrip(b"\0"))
