"""What a vxlan is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

from podnet_lab.devices.base import InterfaceKind, Unseen, Wire, Wires
from podnet_lab.devices.link_steps import ChangeLink
from podnet_lab.devices.vxlan.options import not_followed
from podnet_lab.devices.vxlan.steps import AddVxlan, AppendForwarding, RemoveForwarding
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
from podnet_lab.model.neighbour import FdbEntry
from podnet_lab.steps.base import Step

OF_ITS_OWN = "a forwarding entry with a port, a number, an interface or a group of hosts of its own"
"""In words, what is read of such an entry: that it is there (`podnet_lab.kernel.read.ELSEWHERE`)."""

NOBODY = "00:00:00:00:00:00"
"""The MAC whose entry says who gets what is found nowhere else."""


class Vxlan(InterfaceKind):
    """A tunnel's end (VTEP); its MAC is what the others' forwarding tables name, so it is kept."""

    agreed = ("vni", "port")
    picture = "tunnel"
    takes_longer = True  # vxlan_rcv looks at no MTU
    overhead = 50  # IPv4 20, UDP 8, VXLAN 8, Ethernet 14

    def words(self, link: Link) -> str:
        """Its number, and the port that its packets go to; one that is external is told a number by each packet."""
        if "external" in not_followed(link.setting("other") or ""):
            return f"external, port {link.setting('port')}"
        return f"VNI {link.setting('vni')}, port {link.setting('port')}"

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """With all its settings, those that no step gives included; not one that was moved, for no step moves one."""
        settings = dict(link.settings)
        if "made_in" in settings:
            return []
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
        # What was learnt goes by itself, but where it stands in the way of what was written.
        written = {entry.mac for entry in want} - {NOBODY}
        had += [entry for entry in now.fdb if entry.dev == dev and entry.remote and not entry.permanent and entry.mac in written]
        surplus = [RemoveForwarding(entry.mac, entry.remote, dev, namespace) for entry in had if entry not in want]
        return [*surplus, *(AppendForwarding(entry.mac, entry.remote, dev, namespace) for entry in want if entry not in had)]

    def other_ends(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterator[Wire]:
        """Every other vxlan interface of the cluster that says which address its packets come from."""
        for name, snapshot in wires.cluster.items():
            for space in snapshot.spaces.values():
                for other in space.links.values():
                    here = (name, space.name, other.name) == (node, namespace, link.name)
                    if other.kind == link.kind and not here and other.setting("local"):
                        yield Wire(name, space.name, other, IPv4Address(other.setting("local")))

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterator[Wire | Unseen]:
        """In a packet of its own to every other end that its settings and its forwarding table name, where that has the same number."""
        if doubt := _not_followed(Wire(node, namespace, link)):
            yield Unseen(doubt)
            return
        for host in _hosts(wires.cluster[node].spaces[namespace], link):
            there = list(_ends(wires, host, (node, namespace)))
            ends = [end for end in there if _same_tunnel(link, end.link) and not end.link.setting("made_in")]
            yield from (replace(end, tunnel=host) for end in ends)
            # One that is told its number packet by packet (external) may take what is sent there, and one that was moved does.
            yield from (Unseen(doubt) for end in there if end not in ends and (doubt := _not_followed(end)))
            if not int(host):
                yield Unseen(f"{namespace or node}'s {link.name} has {OF_ITS_OWN}, and where that leads is not followed")
            elif not ends and not _is_somewhere(wires, host) and not _would_be_seen(wires, node, namespace, host):
                words = (
                    f"{namespace or node}'s {link.name} is a vxlan tunnel ({self.words(link)}), and {host}, where it leads, is out of sight"
                )
                yield Unseen(words)


def _would_be_seen(wires: Wires, node: str, namespace: str | None, host: IPv4Address) -> bool:
    """Whether an address is on a link all of whose interfaces are seen: then nobody is there who has it."""
    space = wires.cluster[node].spaces[namespace]
    near = [one.dev for one in space.addresses if host in one.interface.network and one.interface.network.prefixlen < 32]
    links = [space.links[dev] for dev in near if not wires.kind_of(space.links[dev]).comes_with_namespace]
    return bool(links) and not any(isinstance(end, Unseen) for link in links for end in wires.transmit(node, namespace, link))


def _hosts(space: Namespace, link: Link) -> list[IPv4Address]:
    """The addresses that packets of the tunnel are sent to; its remote may be a multicast group, which is no host."""
    remotes = {entry.remote for entry in space.fdb if entry.dev == link.name and entry.remote}
    remotes |= {IPv4Address(link.setting("remote"))} if link.setting("remote") else set()
    return sorted(remotes)


def _ends(wires: Wires, host: IPv4Address, sender: tuple[str, str | None]) -> Iterator[Wire]:
    """
    The interfaces in every namespace that has the address *host*; one of a loopback is the sender's own.

    And those that were moved away, wherever on such a node they are: they hear by the namespace that they were made in.
    """
    for node, snapshot in wires.cluster.items():
        has = {name for name, space in snapshot.spaces.items() if any(own.interface.ip == host for own in space.addresses)}
        has = {name for name in has if not host.is_loopback or (node, name) == sender}
        for space in snapshot.spaces.values():
            tunnels = (link for link in space.links.values() if link.kind == "vxlan")
            yield from (Wire(node, space.name, link) for link in tunnels if (has if link.setting("made_in") else space.name in has))


def _is_somewhere(wires: Wires, host: IPv4Address) -> bool:
    spaces = (space for snapshot in wires.cluster.values() for space in snapshot.spaces.values())
    return any(address.interface.ip == host for space in spaces for address in space.addresses)


def _not_followed(end: Wire) -> str:
    """In words, what about an end is not followed; "" if all is."""
    is_one = f"{end.namespace or end.node}'s {end.link.name} is a vxlan tunnel"
    if end.link.setting("made_in"):
        return f"{is_one} that was made in another namespace, and sends and hears by that"
    words = not_followed(end.link.setting("other") or "")
    return f"{is_one} with settings that are not followed: {', '.join(words)}" if words else ""


def _same_tunnel(link: Link, end: Link) -> bool:
    return all(link.setting(name) == end.setting(name) for name in Vxlan.agreed)


def _entries(space: Namespace, dev: str) -> list[FdbEntry]:
    return [entry for entry in space.fdb if entry.dev == dev and entry.remote and int(entry.remote) and entry.permanent]


KIND = Vxlan("vxlan")
