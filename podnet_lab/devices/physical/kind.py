"""What a network card is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterable

from podnet_lab.devices.base import InterfaceKind, Wire, Wires
from podnet_lab.model.link import Link


class Physical(InterfaceKind):
    """A network card: on a VM, a node's way to the other nodes."""

    faces_outside = True
    driver_limits = True
    picture = "uplink"

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Wire]:
        """Over the external network to every other node."""
        return wires.outside_ends(node)


KIND = Physical("physical")
