"""Interfaces, as a kernel describes them; names of fields are iproute2's. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """
    An interface. *peer* is (namespace, name) of a veth's other end, None if there is none or it can't be seen.

    *port* is what is unusual about a bridge's port, though it is up: "blocking", "isolated", … (linux/if_bridge.h).
    *lower* is (namespace, name) of the interface that it sits on, as a macvlan does. *settings* are its kind's own, as (name,
    value), in order (`podnet_lab.devices`); of a kind that nobody has written, *info* is the kernel's own description in
    hexadecimal (IFLA_LINKINFO), from which it can be made again. *aliases* are other names and notes that somebody gave it
    (``ip link property add``, ``ip link set alias``). *hairpin*: its bridge sends frames back out of it that came in by it; of what
    *port* says, that alone has a step.
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
    lower: tuple[str | None, str] | None = None
    settings: tuple[tuple[str, object], ...] = ()
    info: str = field(default="", repr=False)
    aliases: tuple[str, ...] = field(default=(), compare=False)
    hairpin: bool = False

    def setting(self, name: str) -> object:
        """One of its kind's own settings; None if it has none of that name."""
        return dict(self.settings).get(name)
