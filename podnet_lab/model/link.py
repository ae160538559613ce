"""Interfaces, as a kernel describes them; names of fields are iproute2's. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """
    An interface. *peer* is (namespace, name) of a veth's other end, None if there is none or it can't be seen.

    *port* is what is unusual about a bridge's port, though it is up: "blocking", "isolated", … (linux/if_bridge.h).
    """

    name: str
    kind: str
    up: bool
    mac: str = ""
    mtu: int = 1500
    arp: bool = True
    master: str | None = None
    peer: tuple[str | None, str] | None = None
    carrier: bool = False
    index: int = 0
    port: str = field(default="", compare=False)
