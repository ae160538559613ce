"""Who is behind a link: neighbours (address to MAC) and forwarding tables of bridges (MAC to port). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class Neighbour:
    """
    What the kernel believes to be the MAC of an address on the same link; *state* as in ``ip neigh``.

    An *unasked* one is INCOMPLETE, and its kernel asks nobody: somebody wrote it so.
    """

    address: IPv4Address
    dev: str
    mac: str
    state: str
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """
    A line of a forwarding table: behind which port of a bridge a MAC lives, or, of a tunnel, at which *remote* address.

    A *permanent* one of a bridge is the bridge's own MAC, or written by hand; of a tunnel, written by hand.
    """

    mac: str
    dev: str
    permanent: bool
    remote: IPv4Address | None = None
