"""Snapshots as text: one line for each thing, by name, the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.model import Snapshot
from podnet_lab.show.changes import facts, running


def node(snapshot: Snapshot) -> str:
    """A node and its Pods."""
    lines = [snapshot.node, *(f"  {line}" for line in [*facts(snapshot.own), *running(snapshot, None), *running(snapshot, "")])]
    for pod in snapshot.pods:
        lines += [f"  namespace {pod.name}", *(f"    {line}" for line in [*facts(pod), *running(snapshot, pod.name)])]
    return "\n".join(lines)


def cluster(snapshots: Mapping[str, Snapshot]) -> str:
    """All nodes, one after the other."""
    return "\n".join(node(snapshot) for snapshot in snapshots.values())
