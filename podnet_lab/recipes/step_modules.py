"""The modules whose public functions are steps, by the names that notebooks call them by. Pure."""

from __future__ import annotations

from types import ModuleType

from podnet_lab.daemons import steps as daemon
from podnet_lab.devices import link, registry
from podnet_lab.steps import address, bridge_netfilter, file, forwarding, namespace, neighbour, route
from podnet_lab.steps.nft import steps as nft


def step_modules() -> dict[str, ModuleType]:
    """``namespace``, ``link``, each kind of interface, ``address``, and so on: what a step's name begins with."""
    others = {
        "daemon": daemon,
        "address": address,
        "route": route,
        "forwarding": forwarding,
        "neighbour": neighbour,
        "bridge_netfilter": bridge_netfilter,
        "nft": nft,
        "file": file,
    }
    return {"namespace": namespace, "link": link, **registry.step_modules(), **others}
