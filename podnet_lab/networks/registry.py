"""
The Pod networks that podnet_lab knows, found by their folders: a new one is a new folder. Pure.

A folder's network.py has a value NETWORK, of the folder's name; and VARIANTS, where the same network can be wired otherwise
(another backend, another mode), each with a name that begins with the folder's: "flannel-host-gw".
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import no_such
from podnet_lab.networks.base import Network

_FOLDER = os.path.dirname(__file__)

LESSON = "static_routes"
"""The lesson's own, and what a lab has if nobody asks for another."""


@cache
def folders() -> tuple[str, ...]:
    """The folders that have a network, the lesson's first."""
    names = sorted(name for name in os.listdir(_FOLDER) if os.path.exists(os.path.join(_FOLDER, name, "network.py")))
    return (LESSON, *(name for name in names if name != LESSON))


@cache
def _of_folder(folder: str) -> tuple[Network, ...]:
    module = import_module(f"podnet_lab.networks.{folder}.network")
    return (module.NETWORK, *getattr(module, "VARIANTS", ()))


def _named(name: str) -> Network | None:
    """The network of that name; only the folder that it would be in is loaded."""
    networks = (network for folder in folders() if name.startswith(folder) for network in _of_folder(folder))
    return next((network for network in networks if network.name == name), None)


def names() -> tuple[str, ...]:
    """The names of all networks, the lesson's first."""
    return tuple(network.name for folder in folders() for network in _of_folder(folder))


def find(network: str | Network | None = None) -> Network:
    """
    The network of that name, or the one that is given; None is the lesson's.

    BadInput if there is none, or if one is given that bears the name of another: by its name whoever joins the lab knows it.
    """
    if isinstance(network, Network):
        if _named(network.name) not in (None, network):
            raise BadInput(f"another network is called {network.name!r} already: give this one a name of its own")
        return network
    name = LESSON if network is None else network
    known = _named(name) if isinstance(name, str) else None
    if known is None:
        raise BadInput(no_such("network", network, names()))
    return known


def has_stage(name: str) -> bool:
    """Whether any network has a stage of that name; only those are loaded that come before the one that has it."""
    return any(name in network.stage_names for folder in folders() for network in _of_folder(folder))


def all_stages() -> tuple[str, ...]:
    """The names of the stages of all networks, each once."""
    return tuple(dict.fromkeys(stage for name in names() for stage in find(name).stage_names))
