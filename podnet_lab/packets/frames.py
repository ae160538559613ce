"""
Frames as they pass an interface, taken apart as far as a lesson needs: Ethernet, ARP, IPv4, ICMP, TCP, UDP. Pure.

Layouts: IEEE 802.3, RFC 826, RFC 791, RFC 792, RFC 9293, RFC 768.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

ARP, IPV4 = 0x0806, 0x0800
ICMP, TCP, UDP = 1, 6, 17
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
class Frame:
    """
    One frame. *kind* is "ARP request", "ARP reply", "echo request", "echo reply", "unreachable", …, "TCP" or "UDP".

    *mark* is what tells this packet from others, and stays on its whole way: of an echo its payload, of TCP its sequence
    number and flags. Of an ICMP error *quoted* is the packet that it is about.
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

    @property
    def words(self) -> str:
        """What it is, as `ping` or `tcpdump` would say."""
        if self.kind in ("TCP", "UDP") and self.ports:
            flags = "".join(f" {name}" for name, bit in _FLAGS.items() if self.flags & bit)
            return f"{self.kind} port {self.ports[0]} → {self.ports[1]}{flags}" if self.kind == "UDP" else f"TCP{flags}"
        return ERRORS.get((self.kind, self.code), self.kind)


def frame(data: bytes) -> Frame | None:
    """Take a frame apart; None if it is none of these, or cut short."""
    if len(data) < 14:
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
    ttl, protocol, source, target = struct.unpack_from("!8xBB2x4s4s", data)
    known = (source_mac, target_mac, IPv4Address(source), IPv4Address(target), ttl)
    body = data[length:]
    if protocol == ICMP:
        kind, code = body[0], body[1]
        if kind in (0, 8):
            return Frame(_ICMP[kind], *known, mark=body[4:24])
        return Frame(_ICMP.get(kind, f"ICMP {kind}"), *known, mark=body[8:36], code=code, quoted=_quoted(body[8:]))
    ports = struct.unpack_from("!HH", body)
    if protocol == TCP:
        flags = body[13]
        return Frame("TCP", *known, mark=body[4:12] + bytes([flags]), ports=ports, flags=flags)
    return Frame("UDP" if protocol == UDP else f"protocol {protocol}", *known, mark=body[8:28], ports=ports)


def _quoted(data: bytes) -> Frame | None:
    try:
        return _ipv4(data, "", "")
    except (struct.error, IndexError):
        return None
