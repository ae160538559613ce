"""Which daemons there are: whoever wants to know asks here; each file in this folder that has a PACKAGE is one. Pure."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType

from podnet_lab.daemons.base import Daemon

_FOLDER = os.path.dirname(__file__)


@cache
def modules() -> dict[str, ModuleType]:
    """Each daemon's module, by its name, which is the program's."""
    names = sorted(name.removesuffix(".py") for name in os.listdir(_FOLDER) if name.endswith(".py") and not name.startswith("_"))
    files = {name: import_module(f"podnet_lab.daemons.{name}") for name in names}
    return {name: module for name, module in files.items() if hasattr(module, "PACKAGE")}


def packages() -> dict[str, str]:
    """Debian's package of each program."""
    return {name: module.PACKAGE for name, module in modules().items()}


def makers() -> dict[str, Callable[..., Daemon]]:
    """The functions that give daemons, by the names that one types: ``dnsmasq.server``."""
    return {
        f"{name}.{called}": function
        for name, module in modules().items()
        for called, function in vars(module).items()
        if not called.startswith("_") and getattr(function, "__annotations__", {}).get("return") == Daemon.__name__
    }
