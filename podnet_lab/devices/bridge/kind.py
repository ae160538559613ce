"""What a bridge is to the rest of the house."""

from __future__ import annotations

from podnet_lab.devices.base import InterfaceKind, adjust_ethernet
from podnet_lab.devices.bridge.steps import AddBridge
from podnet_lab.model.link import Link
from podnet_lab.steps.base import Step


class Bridge(InterfaceKind):
    """A switch made of software; it takes its MAC from its ports (net/bridge/br_stp_if.c)."""

    switches = True
    keeps_mac = False
    picture = "bridge"

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """On a node alone: no step makes a bridge in a Pod."""
        return [AddBridge(link.name)] if namespace is None else []

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """MTU and ARP where they are not as at first; its MAC comes from its ports."""
        return adjust_ethernet(namespace, link)


KIND = Bridge("bridge")
