"""What the loopback is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterable

from podnet_lab.devices.base import InterfaceKind, Wire, Wires
from podnet_lab.model.link import Link


class Loopback(InterfaceKind):
    """``lo``: every namespace has one, and what goes out of it leads nowhere else."""

    comes_with_namespace = True
    keeps_mac = False
    picture = "none"

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Wire]:
        """To nobody."""
        return ()


KIND = Loopback("loopback")
