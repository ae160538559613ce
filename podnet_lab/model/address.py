"""Addresses on interfaces. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Interface


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
