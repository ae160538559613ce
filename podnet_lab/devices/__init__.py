"""
Interfaces: a folder for each kind, found by its name, and what is the same for all of them.

Light, since an agent imports it: what a kind is to the rest of the house is asked of `podnet_lab.devices.registry`.
"""

from __future__ import annotations

import os
from functools import cache

_FOLDER = os.path.dirname(__file__)


def kinds() -> tuple[str, ...]:
    """The names of all kinds that have a folder, as the kernel calls them (``ip -d link``)."""
    return tuple(sorted(name for name in os.listdir(_FOLDER) if has(name, "kind")))


@cache
def has(name: str, part: str) -> bool:
    """Whether a kind's folder has a file for *part*: "kind", "steps" or "codec"."""
    return os.path.exists(os.path.join(_FOLDER, name, f"{part}.py"))
