"""
The kinds of interfaces that podnet_lab knows, found by their folders: whoever wants one asks here, by the kernel's name for it.
"""

from __future__ import annotations

import os
from functools import cache

_FOLDER = os.path.dirname(__file__)


@cache
def kinds() -> tuple[str, ...]:
    """The names of all kinds that have a folder, as ``ip link add … type NAME`` takes them."""
    return tuple(sorted(name for name in os.listdir(_FOLDER) if os.path.exists(os.path.join(_FOLDER, name, "__init__.py"))))
