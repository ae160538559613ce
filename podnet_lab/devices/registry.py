"""
The kinds of interfaces: whoever has to do with one asks here, by the kernel's name for it. Pure.

What a kind is, its folder says; nobody else lists them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

from podnet_lab import devices
from podnet_lab.devices.base import InterfaceKind, Wires
from podnet_lab.model.link import Link
from podnet_lab.model.snapshot import Cluster


@cache
def kind_named(name: str) -> InterfaceKind:
    """What its folder says of a kind; of one that nobody has written, what holds for any."""
    return import_module(f"podnet_lab.devices.{name}.kind").KIND if name in devices.kinds() else InterfaceKind(name)


def kind_of(link: Link) -> InterfaceKind:
    """The kind of an interface."""
    return kind_named(link.kind)


def wires(cluster: Cluster) -> Wires:
    """A cluster's interfaces, to be asked where frames go."""
    return Wires(cluster, kind_of)


@cache
def step_modules() -> dict[str, ModuleType]:
    """The modules with the steps of each kind that a person can make: ``bridge``, ``veth``, …"""
    return {name: import_module(f"podnet_lab.devices.{name}.steps") for name in devices.kinds() if devices.has(name, "steps")}
