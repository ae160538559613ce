"""
Stage 2: the bridge.

A bridge is a switch made of software. Every node has one, and every Pod of the node gets a cable to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Request, Step, named, no_link
from podnet_lab.steps.pyroute2_calls import call, index_of
from podnet_lab.valid_names import interface_name, present_interface


@dataclass(frozen=True)
class AddBridge(AddLink):
    """See `add`."""

    @property
    def command(self) -> str:
        return f"ip link add {named(self.name, 'name')} type bridge"

    @property
    def pyroute2(self) -> str:
        return call(None, "link", "add", ifname=self.name, kind="bridge")

    @property
    def claim(self) -> str:
        return f"{self.name} is a bridge"

    def requests(self) -> list[Request]:
        return [("link_add", None, {"name": self.name, "kind": "bridge"})]

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(None, self.name)
        return f"{self.name} is a {link.kind} interface" if link and link.kind != "bridge" else None


@dataclass(frozen=True)
class SetHairpin(Step):
    """See `hairpin`."""

    name: str
    on: bool

    @property
    def command(self) -> str:
        return f"ip link set {named(self.name)} type bridge_slave hairpin {'on' if self.on else 'off'}"

    @property
    def pyroute2(self) -> str:
        return call(None, "link", "set", index=index_of(None, self.name), kind="bridge_slave", br_port_mode=int(self.on))

    @property
    def claim(self) -> str:
        return f"{self.name} is {'a hairpin' if self.on else 'no hairpin'}"

    def requests(self) -> list[Request]:
        return [("link_set", None, {"name": self.name, "hairpin": self.on})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_link(now, None, self.name)) is not None:
            return missing
        link = now.link(None, self.name)
        if not link.master:
            return f"{self.name} is not plugged into anything"
        return None if link.hairpin == self.on else f"{self.name} is {'a' if link.hairpin else 'no'} hairpin"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (SetHairpin(self.name, not self.on),)

    def touches(self) -> tuple:
        return (("hairpin", None, self.name),)

    def depends(self) -> set:
        return super().depends() | {("master", None, self.name)}

    def ends(self) -> tuple:
        return (("hairpin", None, self.name),)


def hairpin(name: str, on: bool = True) -> SetHairpin:
    """
    Let a bridge send a frame back out of the port that it came in by: a Pod that reaches itself by a Service needs that.

    By hand::

        ip link set veth-1-2-br type bridge_slave hairpin on
    """
    if not isinstance(on, bool):
        raise BadInput(f"hairpin is True or False, not {on!r}")
    return SetHairpin(present_interface(name), on)


def add(name: str) -> AddBridge:
    """
    Make a bridge; it is down, has no address, and nothing is plugged into it.

    By hand::

        ip link add v-net-0 type bridge
    """
    return AddBridge(interface_name(name))


def remove(name: str) -> RemoveLink:
    """
    Delete a bridge; cables that were plugged into it stay, unplugged.

    By hand::

        ip link del v-net-0
    """
    return RemoveLink(present_interface(name))
