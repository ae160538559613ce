"""What a packet may have for a match, and where it is judged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from podnet_lab.explain.firewall.numbers import number

CONNTRACK = -200
"""NF_IP_PRI_CONNTRACK: at prerouting and output, chains with a smaller priority see no connection yet."""

SIZES = (28, 200)
"""Bytes of a packet whose size nobody asked for, at least and at most."""

CLIENTS, ANY_CLIENT = (32768, 60999), (1024, 65535)
"""Ports that a kernel gives those who ask (net.ipv4.ip_local_port_range's default); after a translation it may be any of the second."""

ALL_32 = (1 << 32) - 1


@dataclass(frozen=True)
class Number:
    """A number of a kind (an address, a port …) from *low* to *high*: which of these is not known."""

    kind: str
    low: int
    high: int

    @property
    def exact(self) -> int | None:
        """The number itself; None where it may be another."""
        return self.low if self.low == self.high else None


@dataclass(frozen=True)
class Name:
    """The name of an interface, "" where there is none."""

    text: str


@dataclass(frozen=True)
class Flags:
    """Bits of a kind that are *set*; of those that are not *known* it is not."""

    kind: str
    set: int
    known: int = ALL_32


@dataclass(frozen=True)
class Place:
    """Where a packet is judged: the hook, and the family and priority of the base chain."""

    hook: str
    family: str
    priority: int


def exactly(kind: str, found: Any) -> Any:
    """A Number from a number, a name or an address; None stays None."""
    if found is None:
        return None
    found = int(found) if isinstance(found, IPv4Address) else number(found, kind)
    return None if found is None else Number(kind, found, found)
