"""Where interfaces lead, whatever their kind: over the external network, and up to those that share one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from podnet_lab.devices.base import Wire
from podnet_lab.devices.registry import kind_of
from podnet_lab.model.link import Link
from podnet_lab.model.snapshot import Cluster, Snapshot


def outside_ends(cluster: Cluster, beside: str) -> Iterator[Wire]:
    """The interfaces of all nodes but *beside* whose other end lies in the external network."""
    for node, snapshot in cluster.items():
        for space in snapshot.spaces.values() if node != beside else ():
            yield from (Wire(node, space.name, link) for link in space.links.values() if kind_of(link).faces_outside and link.peer is None)


def taps(node: Snapshot, namespace: str | None, lower: Link) -> Iterator[Wire]:
    """The interfaces of a node, in any of its namespaces, that hear what comes in at *lower*, which is in *namespace*."""
    for space in node.spaces.values():
        for link in space.links.values():
            if link.lower == (namespace, lower.name) and kind_of(link).taps_lower:
                yield Wire(node.node, space.name, link)
