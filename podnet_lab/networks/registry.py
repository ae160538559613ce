"""The Pod networks that podnet_lab knows, found by their folders: a new one is a new folder. Pure."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module

from podnet_lab.errors import BadInput
from podnet_lab.networks.base import Network

_FOLDER = os.path.dirname(__file__)

LESSON = "static_routes"
"""The lesson's own, and what a lab has if nobody asks for another."""


@cache
def names() -> tuple[str, ...]:
    """The names of all networks, the lesson's first."""
    folders = sorted(name for name in os.listdir(_FOLDER) if os.path.exists(os.path.join(_FOLDER, name, "network.py")))
    return (LESSON, *(name for name in folders if name != LESSON))


def find(network: str | Network | None = None) -> Network:
    """The network of that name, or the one that is given; None is the lesson's. BadInput if there is none."""
    if isinstance(network, Network):
        return network
    name = LESSON if network is None else network
    if not isinstance(name, str) or name not in names():
        raise BadInput(f"no network is called {network!r}; there are {', '.join(names())}")
    return import_module(f"podnet_lab.networks.{name}.network").NETWORK


def all_stages() -> tuple[str, ...]:
    """The names of the stages of all networks, each once."""
    return tuple(dict.fromkeys(stage for name in names() for stage in find(name).stage_names))
