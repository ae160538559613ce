"""
Packets inside packets: a file for each way of putting one into another, found by its name. Pure.

Nobody else lists them: a new one is a new file.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from podnet_lab.model import Cluster
from podnet_lab.packets.encapsulations.base import Encapsulation
from podnet_lab.packets.frames import Frame


@cache
def encapsulations() -> tuple[Encapsulation, ...]:
    """One value for each file."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name != "base")
    return tuple(import_module(f"{__name__}.{name}").ENCAPSULATION for name in names)


class Opener:
    """Opens what is sent through the tunnels of a cluster, whatever ports they have been given."""

    def __init__(self, cluster: Cluster) -> None:
        every = [link for node in cluster.values() for space in node.spaces.values() for link in space.links.values()]
        self._ports = {
            way.kind: way.usual_ports | {link.setting("port") for link in every if link.kind == way.kind} for way in encapsulations()
        }

    def open(self, outer: Frame) -> Frame:
        """A frame with what is inside it, and inside that; of an error, also with what is inside the packet that it is about."""
        if outer.quoted is not None:
            return replace(outer, quoted=self.open(outer.quoted))
        for way in encapsulations():
            if (found := way.open(outer, self._ports[way.kind])) is not None:
                tunnel, inside = found
                return replace(outer, tunnel=tunnel, inside=self.open(inside))
        return outer
