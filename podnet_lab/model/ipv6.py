"""What somebody has given an interface of IPv6, as far as it is to be brought back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ipv6Entry:
    """
    An IPv6 address or route that somebody made by hand: no step of the lesson makes one, and many take one along.

    *kind* is "addr" or "route", *words* are what `ip -6` takes after "add"; *dev* is its interface, "" for a route of none.
    *raw* is the kernel's own bytes for it (`podnet_lab.kernel.replay`).
    """

    kind: str
    dev: str
    words: str
    raw: str = field(default="", compare=False, repr=False)
