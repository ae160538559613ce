"""A TUN device's settings as the kernel gives them (linux/if_link.h, IFLA_TUN_*); it takes none: such a device is made by ioctl."""

from __future__ import annotations

from typing import Any

from podnet_lab.devices.nlattr import attributes

OWNER, GROUP, TYPE, PI, VNET_HDR, PERSIST, MULTI_QUEUE = 1, 2, 3, 4, 5, 6, 7
MODES = {1: "tun", 2: "tap"}
_WORDS = {PI: "pi", VNET_HDR: "vnet_hdr", MULTI_QUEUE: "multi_queue"}


def decode(data: bytes, names: dict[int, str]) -> dict[str, Any]:
    """*mode*, "tun" or "tap", whether it stays without a program (*persists*), and in *other* what is unusual, in words."""
    given = attributes(data)
    settings = {"mode": MODES.get(given[TYPE][0], "?"), "persists": bool(given.get(PERSIST, b"\0")[0])}
    unusual = [word for kind, word in _WORDS.items() if given.get(kind, b"\0")[0]]
    unusual += [word for kind, word in ((OWNER, "user"), (GROUP, "group")) if kind in given]
    return settings | ({"other": " ".join(unusual)} if unusual else {})
