"""
An interface of a kind that nobody has written, made again from what the kernel itself said of it.

Pure. Used on the way back alone (undo, reset, goto): a person makes such an interface with its own command.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from podnet_lab.devices.add_link import AddLink
from podnet_lab.model.snapshot import Snapshot
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, named, on, where


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
        return f"{begin}{lower}{there} type {quoted(self.kind)} # with the settings that it had"

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
