"""What an ipip tunnel is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from podnet_lab.devices import ip_tunnel
from podnet_lab.devices.base import InterfaceKind, Unseen, Wire, Wires
from podnet_lab.devices.ipip.steps import AddIpip
from podnet_lab.devices.link_steps import ChangeLink
from podnet_lab.model.link import Link
from podnet_lab.steps.base import Step


class Ipip(InterfaceKind):
    """An end of a tunnel that carries IPv4 packets in IPv4 packets; which host a packet goes to, its route says."""

    by_gateway = True
    takes_longer = True  # ipip_rcv looks at no MTU
    picture = "tunnel"
    overhead = ip_tunnel.OVERHEAD

    def words(self, link: Link) -> str:
        """The hosts between which it goes, if it is told any."""
        ends = [f"{name} {link.setting(name)}" for name in ("local", "remote") if link.setting(name)]
        return ", ".join(ends) or "from any host to any"

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """One that somebody has made; the kernel's own is there by itself."""
        local, remote = (IPv4Address(link.setting(name)) if link.setting(name) else None for name in ("local", "remote"))
        made = AddIpip(link.name, local, remote, namespace, link.setting("other") or "")
        return [made] if link.name != ip_tunnel.TUNL0 else []

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """Its MTU."""
        return [ChangeLink(link.name, namespace, mtu=link.mtu)]

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Wire | Unseen]:
        """To the end of each host that a route through it names."""
        return ip_tunnel.transmit(wires, node, namespace, link)


KIND = Ipip("ipip")
