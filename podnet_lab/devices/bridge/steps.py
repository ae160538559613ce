"""
Stage 2: the bridge.

A bridge is a switch made of software. Every node has one, and every Pod of the node gets a cable to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Request, named
from podnet_lab.steps.pyroute2_calls import call
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
