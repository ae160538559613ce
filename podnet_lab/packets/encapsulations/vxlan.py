"""VXLAN: a whole Ethernet frame in a UDP packet, behind eight bytes that name the network (RFC 7348, section 5)."""

from __future__ import annotations

from collections.abc import Collection

from podnet_lab.packets.encapsulations.base import Encapsulation
from podnet_lab.packets.frames import Frame, Tunnel, frame

HEADER = 8
VNI_IS_VALID = 0x08
"""The flag I. The others are reserved: a receiver does not look at them."""

KNOWN_TO_WIRESHARK = 4789
"""The port at which Wireshark 4.0 looks for VXLAN unasked (``tshark -G decodes``)."""


class Vxlan(Encapsulation):
    """Flags, three bytes, the VXLAN network identifier (VNI) in three more, a byte; then the frame."""

    kind = "vxlan"
    usual_ports = frozenset({4789, 8472})
    """IANA's, and Linux's, which is older."""

    def open(self, outer: Frame, ports: Collection[int]) -> tuple[Tunnel, Frame] | None:
        """The frame in a UDP packet to one of the tunnels' ports; None if it has not the flag, or what follows is no frame."""
        header = outer.payload[:HEADER]
        if outer.kind != "UDP" or outer.ports is None or outer.ports[1] not in ports:
            return None
        if len(header) < HEADER or not header[0] & VNI_IS_VALID:
            return None
        inside = frame(outer.payload[HEADER:])
        vni = int.from_bytes(header[4:7], "big")
        return None if inside is None else (_tunnel(outer.ports[1], vni), inside)


def _tunnel(port: int, vni: int) -> Tunnel:
    return Tunnel("VXLAN", f"UDP {port}, VNI {vni}", vni, "" if port == KNOWN_TO_WIRESHARK else f"udp.port=={port},vxlan")


ENCAPSULATION = Vxlan()
