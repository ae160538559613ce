"""The modules whose public functions are steps, by the names that notebooks call them by. Pure."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from podnet_lab.devices import link
from podnet_lab.devices.registry import kinds
from podnet_lab.steps import address, forwarding, namespace, neighbour, route
from podnet_lab.steps.nft import steps as nft

_OTHERS = {"address": address, "route": route, "forwarding": forwarding, "neighbour": neighbour, "nft": nft}


@cache
def step_modules() -> dict[str, ModuleType]:
    """``namespace``, ``link``, each kind of interface, ``address``, and so on: what a step's name begins with."""
    of_kinds = {name: import_module(f"podnet_lab.devices.{name}.steps") for name in kinds()}
    return {"namespace": namespace, "link": link, **of_kinds, **_OTHERS}
