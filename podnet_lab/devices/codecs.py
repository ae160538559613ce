"""
How the kernel takes and gives the settings of a kind of interface (IFLA_INFO_DATA): the codec in each kind's folder.

For the agent: it starts with the standard library alone, and loads a codec when it first meets its kind.

    encode(settings, lookup) -> bytes      settings as the steps give them; *lookup* has index(dev) and netns(name)
    decode(data, names) -> dict            what of it a snapshot keeps; *names* are interfaces by number

and, where they hold,

    PAIRED = True         it is one of two ends, and IFLA_LINK names the other; else that is what it sits on
    FORWARDS = True       it has forwarding entries of its own (``bridge fdb show dev NAME``)
    NAMES_LINKS = True    its settings name other interfaces, which have to be there before they are looked up
    BY_SOCKET = True      it sends by a socket of the namespace that it was made in, wherever it is moved: then its settings have
                          *made_in*, and it sits on nothing that is seen
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from podnet_lab import devices

_LOADED: dict[str, ModuleType | None] = {}


def codec(kind: str) -> ModuleType | None:
    """The codec of a kind of interface; None if it has no settings of its own, or no folder."""
    if kind not in _LOADED:
        _LOADED[kind] = import_module(f"podnet_lab.devices.{kind}.codec") if devices.has(kind, "codec") else None
    return _LOADED[kind]


def codec_flag(kind: str, what: str) -> bool:
    """Whether a kind's codec says *what* of it, one of the words above."""
    return getattr(codec(kind), what, False)


def decode(kind: str, data: bytes, names: dict[int, str]) -> dict[str, Any]:
    """The settings that a snapshot keeps; none where the kind has no codec, or one that gives none."""
    decoder = getattr(codec(kind), "decode", None)
    return decoder(data, names) if decoder else {}


def has_folder(kind: str) -> bool:
    """Whether the kind has a folder, so that its steps can make it again."""
    return devices.has(kind, "kind")
