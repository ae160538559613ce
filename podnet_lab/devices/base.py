"""
What is particular to one kind of interface: the contract that each folder of `podnet_lab.devices` fulfils.

    devices/NAME/kind.py     KIND, a value of a class made from `InterfaceKind`
    devices/NAME/steps.py    the functions that a person calls, ``NAME.add(…)``; a kind that nobody can make has none
    devices/NAME/codec.py    its settings as the kernel takes and gives them; a kind without settings has none

The class itself stands for a kind that nobody has written: it is read and named, drawn as a box, made again from the
kernel's own bytes, and makes an explanation unsure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from typing import ClassVar

from podnet_lab.devices.link_steps import USUAL_MTU, ChangeLink
from podnet_lab.devices.raw import AddRawLink
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace
from podnet_lab.model.snapshot import Cluster
from podnet_lab.steps.base import Interface, Step


@dataclass(frozen=True)
class Wire:
    """
    Where a frame that goes out of an interface comes in: at *link*, in a namespace (None: the node's own) of a node.

    *tunnel* is the address that it is sent to inside another packet, whose own way is to be followed; None: there is no such packet.
    *below* are the interfaces of the sender's node (namespace, name) that it also goes out of, from the one that the sender sits on.
    *turned* is the one that a frame for one MAC comes in by before it gets to *link*; one that is for everybody gets there at once.
    """

    node: str
    namespace: str | None
    link: Link
    tunnel: IPv4Address | None = None
    below: tuple[Interface, ...] = ()
    turned: Interface | None = None


@dataclass(frozen=True)
class Unseen:
    """A frame goes where snapshots don't show it; *words* say what is in the way of knowing."""

    words: str


@dataclass(frozen=True)
class Wires:
    """The interfaces of a cluster, for a kind that says where its frames go; *kind_of* knows the kinds of the others."""

    cluster: Cluster
    kind_of: Callable[[Link], InterfaceKind]

    def link(self, node: str, place: Interface) -> Link:
        """The interface (namespace, name) of a node."""
        return self.cluster[node].link(*place)

    def transmit(self, node: str, namespace: str | None, link: Link) -> Iterable[Wire | Unseen]:
        """Where a frame that goes out of *link* comes in, whatever its kind."""
        return self.kind_of(link).transmit(self, node, namespace, link)

    def outside_ends(self, beside: str) -> Iterator[Wire]:
        """The interfaces of all nodes but *beside* whose other end lies in the external network."""
        for node, snapshot in self.cluster.items():
            for space in snapshot.spaces.values() if node != beside else ():
                for link in space.links.values():
                    if link.peer is None and self.kind_of(link).faces_outside:
                        yield Wire(node, space.name, link)

    def upper_devices(self, node: str, namespace: str | None, lower: Link) -> Sequence[Wire]:
        """The interfaces of a node, in any of its namespaces, that hear what comes in at *lower*, or may, being of an unknown kind."""
        return self._uppers.get((node, (namespace, lower.name)), ())

    @cached_property
    def _uppers(self) -> dict[tuple[str, Interface], list[Wire]]:
        uppers: dict[tuple[str, Interface], list[Wire]] = {}
        for node, snapshot in self.cluster.items():
            for space in snapshot.spaces.values():
                for link in space.links.values():
                    if link.lower is not None and (self.kind_of(link).hears_lower or self.kind_of(link).unknown):
                        uppers.setdefault((node, link.lower), []).append(Wire(node, space.name, link))
        return uppers


class InterfaceKind:
    """One kind of interface; *name* is what the kernel calls it (``ip -d link``)."""

    switches: ClassVar[bool] = False
    """Whether it passes frames on between the interfaces whose master it is: whether it is a bridge."""

    faces_outside: ClassVar[bool] = False
    """Whether it may be a node's way to the other nodes, where its other end can't be seen from the node."""

    driver_limits: ClassVar[bool] = False
    """Whether frames longer than its MTU that come in are its driver's to take or to drop; of other kinds the kernel drops them."""

    takes_longer: ClassVar[bool] = False
    """Whether it takes frames longer than its MTU that come in: that is the most that it sends, no more."""

    hears_lower: ClassVar[bool] = False
    """Whether what comes in at the interface that it sits on (its *lower*) comes in here, too."""

    paired: ClassVar[bool] = False
    """Whether it is one of two ends: what goes in at one comes out at the other."""

    agreed: ClassVar[tuple[str, ...]] = ()
    """Of a tunnel, the settings in which its ends have to be the same."""

    overhead: ClassVar[int] = 0
    """Of a tunnel, the bytes of headers that it puts before a packet, its own IPv4 header first, the packet's Ethernet header last."""

    by_gateway: ClassVar[bool] = False
    """Of a tunnel, whether it has no MACs and no table: to which host a packet goes, the gateway of the packet's route says."""

    comes_with_namespace: ClassVar[bool] = False
    """Whether every namespace has it from the beginning, and nobody makes or deletes it."""

    keeps_mac: ClassVar[bool] = True
    """Whether its MAC is its own, and not taken from others: put back where it was changed."""

    picture: ClassVar[str] = "box"
    """How it is drawn: as a "bridge", as a "cable", as an "uplink", as a "tunnel" or as a "box"; "none": not at all."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def unknown(self) -> bool:
        """Whether nobody has written this kind."""
        return type(self) is InterfaceKind

    def words(self, link: Link) -> str:
        """Its settings in a few words, for pictures and lists; empty where it has none."""
        return ""

    def same(self, link: Link, other: Link) -> bool:
        """Whether two interfaces of one name are the same thing, so that one need not be made again to be the other."""
        return link.kind == other.kind and link.settings == other.settings and link.lower == other.lower and link.info == other.info

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """The steps that make *link* again in *namespace*; empty where none can."""
        return [AddRawLink(link.name, link.kind, link.info, link.mac, link.mtu, link.lower, namespace)] if link.info else []

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """The steps that make of one that was just made by `remake` what *link* is: MTU, MAC, whether it answers ARP."""
        return []

    def restore_tables(self, namespace: str | None, dev: str, now: Namespace, then: Namespace) -> list[Step]:
        """The steps that bring what hangs on it (such as forwarding entries) from *now* to *then*."""
        return []

    def doubt(self, link: Link) -> str:
        """Why it is not known whether an interface takes in a frame that comes in at its lower one, in words; "" if it does."""
        return f"{link.name} is a {self.name}" if self.unknown else ""

    def takes_lower(self, link: Link) -> bool:
        """Whether nothing that comes in at its lower interface is left to that itself."""
        return False

    def other_ends(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Wire]:
        """Of a tunnel, all interfaces that may be another end of it, whether it knows them or not, each with its host's address."""
        return ()

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterable[Wire | Unseen]:
        """Where a frame that goes out of *link* comes in. Not asked of a kind that `switches`."""
        where = f"{node}'s" if namespace is None else f"{namespace}'s"
        return [Unseen(f"{where} {link.name} is a {self.name}, and where that leads is not seen")]


def adjust_ethernet(namespace: str | None, link: Link) -> list[Step]:
    """What is to be changed about an Ethernet interface that was just made, to be as *link* is: MTU and ARP, if they are unusual."""
    usual = link.mtu == USUAL_MTU and link.arp
    return [] if usual else [ChangeLink(link.name, namespace, mtu=link.mtu, arp=link.arp)]
