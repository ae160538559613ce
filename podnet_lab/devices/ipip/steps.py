"""
Packets in packets: what goes out of such an interface travels as all that another packet carries.

Nobody has to make one: with the module ipip every namespace has tunl0, which is to be addressed and switched on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.ip_tunnel import TUNL0
from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.model import Snapshot
from podnet_lab.plan import ip_address
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, on, where
from podnet_lab.steps.pyroute2_calls import call
from podnet_lab.valid_names import interface_name, present_interface, within

MODULE = "ipip"


@dataclass(frozen=True)
class LoadModule(Step):
    """See `load`."""

    module: str = MODULE

    @property
    def command(self) -> str:
        return f"modprobe {self.module}"

    @property
    def claim(self) -> str:
        return f"the kernel knows IPIP: {TUNL0} is there"

    def requests(self) -> list[Request]:
        return [("module_load", None, {"name": self.module})]

    def contradiction(self, now: Snapshot) -> str | None:
        link = now.link(None, TUNL0)
        return None if link is not None and link.kind == "ipip" else f"no {TUNL0} is there"

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(None, TUNL0)
        return f"{TUNL0} is a {link.kind} interface" if link is not None else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (UnloadModule(),)

    def touches(self) -> tuple:
        return (("link", None, TUNL0),)

    def makes(self) -> tuple:
        return (((None, TUNL0),),)


@dataclass(frozen=True)
class UnloadModule(Step):
    """See `unload`."""

    module: str = MODULE

    @property
    def command(self) -> str:
        return f"modprobe -r {self.module}"

    @property
    def claim(self) -> str:
        return f"no {TUNL0} is there"

    def requests(self) -> list[Request]:
        return [("module_unload", None, {"name": self.module})]

    def contradiction(self, now: Snapshot) -> str | None:
        return f"{TUNL0} is still there" if now.link(None, TUNL0) else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (LoadModule(),)

    def touches(self) -> tuple:
        return (("link", None, TUNL0),)

    def removes(self) -> tuple:
        return (("link", None, TUNL0),)


@dataclass(frozen=True)
class AddIpip(AddLink):
    """See `add`. *other* are settings that no step gives, in the kernel's own bytes: what one that was deleted had."""

    local: IPv4Address | None = None
    remote: IPv4Address | None = None
    namespace: str | None = None
    other: str = field(default="", compare=False, repr=False)

    @property
    def _settings(self) -> dict[str, str]:
        return {name: str(end) for name, end in (("local", self.local), ("remote", self.remote)) if end is not None}

    @property
    def command(self) -> str:
        given = "".join(f" {name} {end}" for name, end in self._settings.items())
        return f"ip {on(self.namespace)}link add {quoted(self.name)} type ipip{given}"

    @property
    def pyroute2(self) -> str:
        given = {f"ipip_{name}": end for name, end in self._settings.items()}
        return call(self.namespace, "link", "add", ifname=self.name, kind="ipip", **given)

    @property
    def unsaid(self) -> str:
        return f"some settings of {self.name}{where(self.namespace)}" if self.other else ""

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} is an ipip tunnel"

    def requests(self) -> list[Request]:
        settings = self._settings | ({"other": self.other} if self.other else {})
        return [("link_add", self.namespace, {"name": self.name, "kind": "ipip", "settings": settings})]

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(self.namespace, self.name)
        if link is None:
            return None
        if link.kind != "ipip":
            return f"{self.name}{where(self.namespace)} is a {link.kind} interface"
        has = {name: link.setting(name) for name in ("local", "remote") if link.setting(name)}
        ends = " and ".join(f"{name} {end}" for name, end in has.items()) or "no ends"
        return f"{self.name}{where(self.namespace)} has {ends}" if has != self._settings else None


def add(name: str, local: str, remote: str, namespace: str | None = None) -> AddIpip:
    """
    Make a tunnel to one other host alone: packets go in others from *local* to *remote*.

    By hand::

        ip link add ipip0 type ipip local 192.168.1.11 remote 192.168.1.12
    """
    return AddIpip(interface_name(name), ip_address(local), ip_address(remote), within(namespace))


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete a tunnel that somebody has made; the kernel's own, tunl0, stays as long as its module does.

    By hand::

        ip link del ipip0
    """
    return RemoveLink(present_interface(name), within(namespace))


def load() -> LoadModule:
    """
    Have the kernel know IPIP: from then on every namespace has tunl0. It needs the machine's own root.

    By hand::

        modprobe ipip
    """
    return LoadModule()


def unload() -> UnloadModule:
    """
    Have the kernel forget it, with all such interfaces.

    By hand::

        modprobe -r ipip
    """
    return UnloadModule()
