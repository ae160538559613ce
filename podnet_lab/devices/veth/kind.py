"""What a veth's end is to the rest of the house."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface

from podnet_lab.devices.base import InterfaceKind, Unseen, Wire, Wires, adjust_ethernet
from podnet_lab.devices.veth.steps import AddVeth, AddVethInside
from podnet_lab.model.link import Link
from podnet_lab.steps.base import Step


class Veth(InterfaceKind):
    """One end of a virtual cable. In the one-machine lab a node's way to the others is one, too, whose other end is out of sight."""

    paired = True
    faces_outside = True
    picture = "cable"

    def same(self, link: Link, other: Link) -> bool:
        """An end of the same cable; where *other*'s end can't be seen, any."""
        return link.kind == other.kind and (link.peer == other.peer or other.peer is None)

    def remake(self, namespace: str | None, link: Link) -> list[Step]:
        """The whole cable, if both its ends can be seen."""
        if link.peer is None:
            return []
        there, peer = link.peer
        if namespace is None:
            return [AddVeth(link.name, peer, there)]
        if there is None:
            return [AddVeth(peer, link.name, namespace)]
        return [AddVethInside(link.name, peer, there, namespace)]

    def adjust(self, namespace: str | None, link: Link) -> list[Step]:
        """MTU and ARP where they are not as at first; its MAC is a new one, as from the hands of a person."""
        return adjust_ethernet(namespace, link)

    def transmit(self, wires: Wires, node: str, namespace: str | None, link: Link) -> Iterator[Wire | Unseen]:
        """To its other end; where that is out of sight, over the external network to every other node, or nobody knows where to."""
        if link.peer is not None:
            yield Wire(node, link.peer[0], wires.link(node, link.peer))
            return
        yield from wires.outside_ends(node)
        if not _is_uplink(wires, node, namespace, link):
            yield Unseen(f"{namespace or node}'s {link.name} is a cable whose other end is out of sight, in a namespace without a name")


def _is_uplink(wires: Wires, node: str, namespace: str | None, link: Link) -> bool:
    """Whether a cable whose other end is out of sight is the node's way to the others: the only one, or in a subnet with theirs."""
    space = wires.cluster[node].spaces[namespace]
    if namespace is not None or not [other for other in wires.outside_ends("") if other.node == node and other.link.name != link.name]:
        return namespace is None
    others = {own.network for end in wires.outside_ends(node) for own in _addresses(wires, end)}
    return bool(others & {own.network for own in space.addresses_of(link.name)})


def _addresses(wires: Wires, end: Wire) -> tuple[IPv4Interface, ...]:
    return wires.cluster[end.node].spaces[end.namespace].addresses_of(end.link.name)


KIND = Veth("veth")
