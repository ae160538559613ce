"""What a macvlan is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from podnet_lab.devices.base import InterfaceKind, Unseen, Wire, Wires
from podnet_lab.devices.link_steps import ChangeLink
from podnet_lab.devices.macvlan.steps import AddMacvlan
from podnet_lab.model.link import Link
from podnet_lab.steps.base import Step


class Macvlan(InterfaceKind):
    """A second interface on a wire; its MAC is its own."""

    hears_lower = True

    def words(self, link: Link) -> str:
        """Its mode, and what it sits on."""
        return f"{link.setting('mode')}, on {link.lower[1] if link.lower else 'something out of sight'}"

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """On the same lower interface, if that can be seen."""
        if link.lower is None:
            return []
        settings = dict(link.settings)
        return [AddMacvlan(link.name, link.lower[1], settings["mode"], namespace, link.lower[0], settings.get("flags", 0))]

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """Its MAC, which others know it by, and its MTU."""
        return [ChangeLink(link.name, namespace, mtu=link.mtu, mac=link.mac, arp=None if link.arp else False)]

    def doubt(self, link: Link) -> str:
        """In mode "source" it hears those on a list, which is not read."""
        return f"{link.name} is a macvlan of mode source, which hears those on a list" if link.setting("mode") == "source" else ""

    def takes_lower(self, link: Link) -> bool:
        """In mode "passthru" it is the interface, also while it is down (macvlan_handle_frame)."""
        return link.setting("mode") == "passthru"

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterator[Wire | Unseen]:
        """
        To those on the same lower interface, in mode "bridge", and out of that to the wire; never to the lower's own node.

        What is for the MAC of one of those comes in by the lower interface on its way (macvlan_queue_xmit, dev_forward_skb).
        """
        if link.lower is None:
            yield Unseen(f"{namespace or node}'s {link.name} is a macvlan on something out of sight")
            return
        lower = wires.link(node, link.lower)
        if link.setting("mode") == "bridge":
            for tap in wires.upper_devices(node, link.lower[0], lower):
                if (tap.namespace, tap.link.name) != (namespace, link.name) and tap.link.setting("mode") == "bridge":
                    yield replace(tap, turned=link.lower)
        for wire in wires.transmit(node, link.lower[0], lower):
            yield wire if isinstance(wire, Unseen) else replace(wire, below=(link.lower, *wire.below))


KIND = Macvlan("macvlan")
