"""Who is behind a link: neighbours (address to MAC) and forwarding tables of bridges (MAC to port). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the kernel believes to be the MAC of an address on the same link; *state* as in ``ip neigh``."""

    address: IPv4Address
    dev: str
    mac: str
    state: str


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """A line of a bridge's forwarding table: behind which port a MAC lives; a *permanent* one is the bridge's own."""

    mac: str
    dev: str
    permanent: bool
