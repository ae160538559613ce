"""A macvlan's settings as the kernel takes and gives them (linux/if_link.h, IFLA_MACVLAN_*)."""

from __future__ import annotations

import struct
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes

MODE, FLAGS = 1, 2
MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}

_NUMBERS = {number: mode for mode, number in MODES.items()}
_U32, _U16 = struct.Struct("=I"), struct.Struct("=H")


def encode(settings: dict[str, Any], lookup: Any) -> bytes:
    """IFLA_INFO_DATA for *mode*, and *flags* where they are not 0."""
    flags = attribute(FLAGS, _U16.pack(settings["flags"])) if settings.get("flags") else b""
    return attribute(MODE, _U32.pack(MODES[settings["mode"]])) + flags


def decode(data: bytes, names: dict[int, str]) -> dict[str, Any]:
    """The same settings from IFLA_INFO_DATA; a mode that is newer than this file by its number."""
    given = attributes(data)
    (mode,) = _U32.unpack(given[MODE])
    flags = _U16.unpack(given[FLAGS])[0] if FLAGS in given else 0
    return {"mode": _NUMBERS.get(mode, str(mode))} | ({"flags": flags} if flags else {})
