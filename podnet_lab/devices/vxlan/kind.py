"""What a vxlan is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from podnet_lab.devices.base import InterfaceKind, Unseen, Wires
from podnet_lab.devices.link_steps import ChangeLink
from podnet_lab.devices.vxlan.steps import AddVxlan, AppendForwarding, RemoveForwarding
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
from podnet_lab.model.neighbour import FdbEntry
from podnet_lab.steps.base import Step

NOBODY = "00:00:00:00:00:00"
"""The MAC whose entry says who gets what is found nowhere else."""


class Vxlan(InterfaceKind):
    """A tunnel's end (VTEP); its MAC is what the others' forwarding tables name, so it is kept."""

    def words(self, link: Link) -> str:
        """Its number, and the port that its packets go to."""
        return f"VNI {link.setting('vni')}, port {link.setting('port')}"

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """With all its settings, those that no step gives included."""
        settings = dict(link.settings)
        local, remote = (IPv4Address(settings[name]) if name in settings else None for name in ("local", "remote"))
        made = AddVxlan(
            link.name,
            settings["vni"],
            settings["port"],
            local,
            settings.get("dev"),
            remote,
            settings["learning"],
            namespace,
            settings.get("other", ""),
        )
        return [made]

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """Its MTU and MAC, which others know it by."""
        return [ChangeLink(link.name, namespace, mtu=link.mtu, mac=link.mac, arp=None if link.arp else False)]

    def restore_tables(self, namespace: str | None, dev: str, now: Namespace, then: Namespace) -> list[Step]:
        """Its forwarding entries, but for those that it learns by itself."""
        had, want = _entries(now, dev), _entries(then, dev)
        if dev not in now.links:  # the entry for its one other host comes with it
            want = [entry for entry in want if (entry.mac, str(entry.remote)) != (NOBODY, then.links[dev].setting("remote"))]
        surplus = [RemoveForwarding(entry.mac, entry.remote, dev, namespace) for entry in had if entry not in want]
        return [*surplus, *(AppendForwarding(entry.mac, entry.remote, dev, namespace) for entry in want if entry not in had)]

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Unseen]:
        """Into a packet of its own, which nobody here follows."""
        where = namespace or node
        space = wires.cluster[node].spaces[namespace]
        hosts = sorted({str(entry.remote) for entry in space.fdb if entry.dev == link.name and entry.remote})
        to = f", to {', '.join(hosts)}" if hosts else ""
        return [Unseen(f"{where}'s {link.name} is a vxlan tunnel ({self.words(link)}{to}), and what happens inside it is not followed")]


def _entries(space: Namespace, dev: str) -> list[FdbEntry]:
    return [entry for entry in space.fdb if entry.dev == dev and entry.remote is not None and entry.permanent]


KIND = Vxlan("vxlan")
