"""
Frames as they pass an interface, taken apart as far as a lesson needs: Ethernet, ARP, IPv4, ICMP, TCP, UDP. Pure.

What a frame carries for a tunnel is taken apart by `podnet_lab.packets.encapsulations`.

Layouts: IEEE 802.3, RFC 826, RFC 791, RFC 792, RFC 9293, RFC 768.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

ARP, IPV4 = 0x0806, 0x0800
ETHERNET = 14
"""Bytes of an Ethernet header."""

BROADCAST = "ff:ff:ff:ff:ff:ff"
ICMP, TCP, UDP = 1, 6, 17
OFFSET, MORE = 0x1FFF, 0x2000
"""
Of a fragment, where it begins in its packet, in units of 8 bytes, and whether more follow.

Only the first one has the headers of what it carries.
"""

_ICMP = {0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded"}
SYN, RST, ACK = 0x02, 0x04, 0x10
_FLAGS = {"SYN": SYN, "RST": RST, "ACK": ACK}
ERRORS = {
    ("unreachable", 0): "network unreachable",
    ("unreachable", 1): "host unreachable",
    ("unreachable", 3): "port unreachable",
    ("unreachable", 4): "fragmentation needed",
    ("unreachable", 9): "network prohibited",
    ("unreachable", 10): "host prohibited",
    ("unreachable", 13): "communication prohibited",
}
"""ICMP errors in ping's words (RFC 792, RFC 1812)."""


@dataclass(frozen=True)
class Piece:
    """One piece of a packet that was cut on its way, from *offset* on (bytes); those of one packet have the same *identification*."""

    identification: int
    offset: int

    @property
    def words(self) -> str:
        """Which one of them."""
        return f"its rest from byte {self.offset} on" if self.offset else "its first piece"


@dataclass(frozen=True)
class Tunnel:
    """
    The header that says which tunnel a packet is in; *words* tell it from others: "UDP 8472, VNI 1".

    *decode_as* is what Wireshark has to be told (its option -d) to know it for what it is; "" where it knows by itself.
    """

    name: str
    words: str
    vni: int | None = None
    decode_as: str = ""


@dataclass(frozen=True)
class Frame:
    """
    One frame. *kind* is "ARP request", "ARP reply", "echo request", "echo reply", "unreachable", …, "TCP" or "UDP".

    *mark* is what tells this packet from others, and stays on its whole way: of an echo its payload, of TCP its sequence
    number and flags. Of an ICMP error *quoted* is the packet that it is about. *size* is what the IPv4 header says, in bytes,
    and *payload* what was kept of what follows the last header. A packet that was cut is in more than one *piece*, of which the later
    are of the kind "fragment". A packet in a *tunnel* has another frame *inside*.
    """

    kind: str
    source_mac: str
    target_mac: str
    source: IPv4Address | None = None
    target: IPv4Address | None = None
    ttl: int | None = None
    mark: bytes = b""
    ports: tuple[int, int] | None = None
    flags: int = 0
    code: int = 0
    quoted: Frame | None = None
    size: int = 0
    payload: bytes = field(default=b"", repr=False, compare=False)
    piece: Piece | None = None
    tunnel: Tunnel | None = None
    inside: Frame | None = None

    @property
    def layers(self) -> tuple[Frame, ...]:
        """This frame and those inside it, from the outside in."""
        return (self, *(self.inside.layers if self.inside is not None else ()))

    @property
    def innermost(self) -> Frame:
        """What is carried in the end: the frame itself, or what is in its tunnel, or in the tunnel in that."""
        return self.layers[-1]

    @property
    def bytes(self) -> int:
        """The bytes of an IPv4 packet's frame from its own headers on; where it is inside another, there are more on the wire."""
        return self.size + (ETHERNET if self.source_mac else 0)

    @property
    def words(self) -> str:
        """What it is, as `ping` or `tcpdump` would say."""
        if self.kind in ("TCP", "UDP") and self.ports:
            flags = "".join(f" {name}" for name, bit in _FLAGS.items() if self.flags & bit)
            return f"{self.kind} port {self.ports[0]} → {self.ports[1]}{flags}" if self.kind == "UDP" else f"TCP{flags}"
        about = f" about a packet in {self.quoted.tunnel.words}" if self.quoted is not None and self.quoted.tunnel is not None else ""
        return ERRORS.get((self.kind, self.code), self.kind) + about


def frame(data: bytes) -> Frame | None:
    """Take a frame apart; None if it is none of these, or cut short."""
    if len(data) < ETHERNET:
        return None
    target_mac, source_mac, kind = data[:6].hex(":"), data[6:12].hex(":"), int.from_bytes(data[12:14], "big")
    try:
        if kind == ARP:
            return _arp(data[14:], source_mac, target_mac)
        if kind == IPV4:
            return _ipv4(data[14:], source_mac, target_mac)
    except (struct.error, IndexError):
        return None
    return None


def _arp(data: bytes, source_mac: str, target_mac: str) -> Frame:
    operation, _, sender, _, asked = struct.unpack_from("!6xH6s4s6s4s", data)
    kind = "ARP request" if operation == 1 else "ARP reply"
    return Frame(kind, source_mac, target_mac, IPv4Address(sender), IPv4Address(asked), mark=sender + asked)


def _ipv4(data: bytes, source_mac: str, target_mac: str) -> Frame:
    length = (data[0] & 0xF) * 4
    size, identification, cut, ttl, protocol, source, target = struct.unpack_from("!2xHHHBB2x4s4s", data)
    known = (source_mac, target_mac, IPv4Address(source), IPv4Address(target), ttl)
    body = data[length:]
    piece = Piece(identification, (cut & OFFSET) * 8) if cut & (OFFSET | MORE) else None
    if piece is not None and piece.offset:
        return Frame("fragment", *known, size=size, piece=piece)
    if protocol == ICMP:
        kind, code = body[0], body[1]
        if kind in (0, 8):
            return Frame(_ICMP[kind], *known, mark=body[4:24], size=size)
        return Frame(_ICMP.get(kind, f"ICMP {kind}"), *known, mark=body[8:36], code=code, quoted=packet(body[8:]), size=size)
    if protocol not in (TCP, UDP):
        return Frame(f"protocol {protocol}", *known, size=size, payload=body, piece=piece)
    ports = struct.unpack_from("!HH", body)
    if protocol == TCP:
        flags = body[13]
        return Frame("TCP", *known, mark=body[4:12] + bytes([flags]), ports=ports, flags=flags, size=size)
    return Frame("UDP", *known, mark=body[8:28], ports=ports, size=size, payload=body[8:], piece=piece)


def packet(data: bytes) -> Frame | None:
    """Take an IPv4 packet apart that has no Ethernet header, and so no MACs; None if it is none, or cut short."""
    if data[:1] and data[0] >> 4 != 4:
        return None
    try:
        return _ipv4(data, "", "")
    except (struct.error, IndexError):
        return None
