"""IPIP: an IPv4 packet that is all that another one carries, with nothing between the two headers (RFC 2003)."""

from __future__ import annotations

from collections.abc import Collection

from podnet_lab.packets.encapsulations.base import Encapsulation
from podnet_lab.packets.frames import Frame, Tunnel, packet

PROTOCOL = 4
"""Its number among the protocols in an IPv4 header."""

TUNNEL = Tunnel("IPIP", f"IP in IP (protocol {PROTOCOL})")


class Ipip(Encapsulation):
    """No header of its own, and no number: which tunnel it is, the two addresses outside say."""

    kind = "ipip"

    def open(self, outer: Frame, ports: Collection[int]) -> tuple[Tunnel, Frame] | None:
        """The packet in a packet of protocol 4; None if what follows the first header is no IPv4 packet."""
        inside = packet(outer.payload) if outer.kind == f"protocol {PROTOCOL}" else None
        return None if inside is None else (TUNNEL, inside)


ENCAPSULATION = Ipip()
