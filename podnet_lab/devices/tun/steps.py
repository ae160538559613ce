"""
A cable between the kernel and a program: what is sent out of the interface the program reads, what it writes comes in.

In the mode "tun" those are bare IP packets, in "tap" Ethernet frames. Until a program holds it, the interface has no carrier.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, on, where
from podnet_lab.steps.pyroute2_calls import call
from podnet_lab.valid_names import interface_name, present_interface, within

MODES = ("tun", "tap")


@dataclass(frozen=True)
class AddTun(AddLink):
    """See `add`."""

    mode: str = "tun"
    namespace: str | None = None

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}tuntap add dev {quoted(self.name)} mode {self.mode}"

    @property
    def pyroute2(self) -> str:
        return super().pyroute2 if self.namespace else call(None, "link", "add", ifname=self.name, kind="tuntap", mode=self.mode)

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} is a {self.mode.upper()} device"

    def requests(self) -> list[Request]:
        return [("tun_add", self.namespace, {"name": self.name, "mode": self.mode})]

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(self.namespace, self.name)
        if link is None:
            return None
        if link.kind != "tun":
            return f"{self.name}{where(self.namespace)} is a {link.kind} interface"
        mode = link.setting("mode")
        return f"{self.name}{where(self.namespace)} is a {mode.upper()} device" if mode != self.mode else None


def add(name: str, mode: str = "tun", namespace: str | None = None) -> AddTun:
    """
    Make a TUN device that stays, whether a program holds it or not. It needs /dev/net/tun.

    By hand::

        ip tuntap add dev tunl0 mode tun
    """
    if mode not in MODES:
        raise BadInput(f"the mode is tun or tap, not {mode!r}{did_you_mean(mode, MODES)}")
    return AddTun(interface_name(name), mode, within(namespace))


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete a TUN device; a program that holds it reads nothing more.

    By hand::

        ip link del tunl0
    """
    return RemoveLink(present_interface(name), within(namespace))
