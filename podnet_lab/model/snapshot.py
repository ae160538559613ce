"""
A node at one moment: its own network namespace, and its Pods'.

Pure and frozen. A namespace of ``None`` is the node's own, a text is the name of a Pod's. Lines of ``show()`` leave out what
differs from run to run (indexes, MACs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from podnet_lab.model.bgp import BgpSpeaker
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
from podnet_lab.model.process import Process


def in_order(name: str) -> list:
    """A sorting key that takes numbers inside names for numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    A node at one moment: its own namespace under None, the named ones (its Pods) under their names; and what runs in the background.

    *files* are small ones by which a network's programs tell each other something, by path (`podnet_lab.node_file_paths`). *bgp* is
    what its BIRD says, None where none runs.
    """

    node: str
    spaces: Mapping[str | None, Namespace]
    processes: tuple[Process, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    bgp: BgpSpeaker | None = field(default=None, compare=False)

    @property
    def own(self) -> Namespace:
        """The node's own network namespace."""
        return self.spaces[None]

    @property
    def pods(self) -> Iterator[Namespace]:
        """The named namespaces, by name; pod-1-2 comes before pod-1-10."""
        return (self.spaces[name] for name in sorted((name for name in self.spaces if name is not None), key=in_order))

    def link(self, namespace: str | None, name: str) -> Link | None:
        """The interface *name* in *namespace*, or None."""
        space = self.spaces.get(namespace)
        return space.links.get(name) if space else None


Cluster = Mapping[str, Snapshot]
"""Nodes by name, each at the same moment, or nearly."""
