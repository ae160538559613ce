"""Snapshots of several nodes, as a notebook shows them."""

from __future__ import annotations

from podnet_lab.model import Snapshot


class Snapshots(dict[str, Snapshot]):
    """Snapshots by node; as text, one line for each thing, the same on every machine."""

    def __repr__(self) -> str:
        from podnet_lab.show import snapshot_text  # here: most are looked through, and never shown

        return snapshot_text.cluster(self)
