"""What the loopback is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterable

from podnet_lab.devices.base import InterfaceKind, Wire
from podnet_lab.model.link import Link
from podnet_lab.model.snapshot import Cluster


class Loopback(InterfaceKind):
    """``lo``: every namespace has one, and what goes out of it leads nowhere else."""

    comes_with_namespace = True
    keeps_mac = False
    picture = "none"

    def transmit(self, cluster: Cluster, node: str, namespace: str | None, link: Link) -> Iterable[Wire]:
        """To nobody."""
        return ()


KIND = Loopback("loopback")
