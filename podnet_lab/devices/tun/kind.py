"""What a TUN device is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterable

from podnet_lab.devices import ip_tunnel
from podnet_lab.devices.base import InterfaceKind, Unseen, Wire, Wires
from podnet_lab.devices.link_steps import USUAL_MTU, ChangeLink
from podnet_lab.devices.tun.steps import AddTun
from podnet_lab.model.link import Link
from podnet_lab.steps.base import Step


class Tun(InterfaceKind):
    """A program is at its other end: where that leads is known of one alone, which stands in for the kernel's tunl0."""

    by_gateway = True
    takes_longer = True  # tun_get_user looks at no MTU
    picture = "tunnel"
    overhead = ip_tunnel.OVERHEAD

    def words(self, link: Link) -> str:
        """What it stands in for, or its mode, where that is the other one."""
        return "instead of ipip" if ip_tunnel.stands_in(link) else "mode tap" if link.setting("mode") == "tap" else ""

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """If it stays by itself; one that a program has made for itself only that can make again."""
        plain = link.setting("persists") and not link.setting("other")
        return [AddTun(link.name, link.setting("mode"), namespace)] if plain else []

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """Its MTU, if it is unusual."""
        return [] if link.mtu == USUAL_MTU else [ChangeLink(link.name, namespace, mtu=link.mtu)]

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Wire | Unseen]:
        """Of the one that stands in for tunl0, as of that; of others nobody knows."""
        if ip_tunnel.stands_in(link):
            return ip_tunnel.transmit(wires, node, namespace, link)
        return [Unseen(f"{namespace or node}'s {link.name} is a TUN device, and what the program does that holds it is not seen")]


KIND = Tun("tun")
