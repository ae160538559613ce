"""Addresses on interfaces. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network

SCOPES = {"254": "host", "253": "link", "200": "site"}
"""What `ip` calls how far an address is told to others, by the kernel's numbers (rtnetlink(7))."""


LOOPBACK = IPv4Interface("127.0.0.1/8")
"""What a loopback gets by itself when it is switched on, if it has no address."""


@dataclass(frozen=True, slots=True)
class Address:
    """
    An IPv4 address on an interface, with its prefix length.

    *extra* is what no step of the lesson gives an address (a peer, a label), *raw* the kernel's own bytes for it.
    """

    dev: str
    interface: IPv4Interface
    extra: str = ""
    raw: str = field(default="", compare=False, repr=False)

    @property
    def network(self) -> IPv4Network:
        """Who is near by it: its subnet, or its one peer, if it has one; the kernel makes a route there."""
        peer = next((word.removeprefix("peer ") for word in self.extra.split(", ") if word.startswith("peer ")), None)
        return IPv4Interface(f"{peer}/{self.interface.network.prefixlen}").network if peer else self.interface.network

    @property
    def scope(self) -> str:
        """How far it is told to others, as `ip addr` says it: "global", if nobody said otherwise; of loopback's not asked."""
        said = next((word.removeprefix("scope ") for word in self.extra.split(", ") if word.startswith("scope ")), None)
        return "global" if said is None else SCOPES.get(said, said)
