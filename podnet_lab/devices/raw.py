"""
An interface of a kind that nobody has written, made again from what the kernel itself said of it.

Pure. Used on the way back (undo, reset, goto), and by `by_hand`, which says that the command does not say all: a person makes such
an interface with settings of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.link_steps import USUAL_MTU
from podnet_lab.devices.nlattr import attributes
from podnet_lab.model.snapshot import Snapshot
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, named, on, where

IFLA_INFO_DATA = 2
"""The settings of a kind among what the kernel says of an interface (linux/if_link.h); not every kind has some."""


@dataclass(frozen=True)
class AddRawLink(AddLink):
    """An interface of a *kind* whose settings, *info*, are the kernel's own bytes in hexadecimal; *lower* is what it sits on."""

    kind: str
    info: str = field(repr=False)
    mac: str = ""
    mtu: int = 1500
    lower: tuple[str | None, str] | None = None
    namespace: str | None = None

    @property
    def command(self) -> str:
        begin = f"ip {on(self.lower[0] if self.lower else self.namespace)}link add {named(self.name, 'name')}"
        lower = f" link {quoted(self.lower[1])}" if self.lower else ""
        there = f" netns {quoted(self.namespace)}" if self.lower and self.namespace != self.lower[0] and self.namespace else ""
        given = f" address {self.mac}" if len(self.mac) == len("02:00:00:00:00:00") else ""
        given += f" mtu {self.mtu}" if self.mtu != USUAL_MTU else ""
        settings = " # with the settings that it had" if self._has_settings else ""
        return f"{begin}{lower}{given}{there} type {quoted(self.kind)}{settings}"

    @property
    def unsaid(self) -> str:
        return f"the settings of {self.name}{where(self.namespace)}, a {self.kind}" if self._has_settings else ""

    @property
    def _has_settings(self) -> bool:
        return bool(attributes(bytes.fromhex(self.info)).get(IFLA_INFO_DATA))

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} is a {self.kind}"

    def requests(self) -> list[Request]:
        given = {"name": self.name, "info": self.info, "mac": self.mac, "mtu": self.mtu}
        if self.lower is None:
            return [("link_add_raw", self.namespace, given)]
        return [("link_add_raw", self.lower[0], given | {"lower": self.lower[1], "netns": self.namespace})]

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(self.namespace, self.name)
        return f"{self.name}{where(self.namespace)} is a {link.kind} interface" if link and link.kind != self.kind else None
