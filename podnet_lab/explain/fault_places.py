"""
Where a fault can be made: two Pods of one node and a Pod of another, read off the kernels, whatever they are called. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.checks.reachability import endpoints
from podnet_lab.devices.roles import bridge_of, cable, pod_addresses, uplink
from podnet_lab.model import Snapshot


@dataclass(frozen=True)
class Side:
    """A node: its bridge, the *gateway* address on it, its *uplink* to the others and the address there."""

    name: str
    bridge: str
    gateway: IPv4Interface
    uplink: str
    external: IPv4Interface

    @property
    def subnet(self) -> IPv4Network:
        """The Pods' subnet."""
        return self.gateway.network

    @property
    def free(self) -> IPv4Address:
        """An address of the Pods' subnet that is not the bridge's, nor probably a Pod's: they come from below."""
        last = self.subnet.broadcast_address - 1
        return last if last != self.gateway.ip else last - 1


@dataclass(frozen=True)
class Spot:
    """A Pod: its *label* as `Lab.ping` takes it, its address, its interface *dev*, and its cable's *end* on the bridge."""

    name: str
    label: str
    address: IPv4Interface
    dev: str
    end: str

    @property
    def ip(self) -> str:
        """Its address, without the prefix length."""
        return str(self.address.ip)


@dataclass(frozen=True)
class Where:
    """
    The places of one fault: a Pod and its node, a Pod on another node, and a neighbour of the first.

    *outside* is a host on the external network that is no node: its name and address, if there is one.
    """

    node: Side
    pod: Spot
    neighbour: Spot
    other_node: Side
    other: Spot
    outside: tuple[str, str] | None = None

    @property
    def across(self) -> tuple[str, str]:
        """From the Pod to the one on another node."""
        return self.pod.label, self.other.label

    @property
    def beside(self) -> tuple[str, str]:
        """From the Pod to its neighbour."""
        return self.pod.label, self.neighbour.label

    @property
    def astray(self) -> str:
        """An address of the external network that nobody has."""
        return str(self.node.external.network.broadcast_address - 1)

    @property
    def wide(self) -> int:
        """The length of the longest prefix that takes in the Pod and the one on another node."""
        one, other = int(self.pod.address.ip), int(self.other.address.ip)
        return 32 - (one ^ other).bit_length()


def sides(cluster: Mapping[str, Snapshot]) -> dict[str, Side]:
    """The nodes that are wired: a bridge with an address, and an uplink with one."""
    found = {}
    for name, node in cluster.items():
        bridge, up = bridge_of(node), uplink(node)
        if bridge is not None and up is not None and node.own.addresses_of(bridge.name) and node.own.addresses_of(up.name):
            found[name] = Side(name, bridge.name, node.own.addresses_of(bridge.name)[0], up.name, node.own.addresses_of(up.name)[0])
    return found


def spots(cluster: Mapping[str, Snapshot], node: str) -> list[Spot]:
    """The node's Pods that are wired: a cable with an address, whose other end is on the node."""
    found, labels = [], {(place.node, place.namespace): label for label, place in endpoints(cluster).items()}
    for pod in cluster[node].pods:
        link, has = cable(pod), pod_addresses(pod)
        if link is not None and has and link.peer is not None and link.peer[0] is None:
            found.append(Spot(pod.name, labels[node, pod.name], has[0], link.name, link.peer[1]))
    return found


def where(cluster: Mapping[str, Snapshot], node: int, pod: int, step: int) -> Where | None:
    """
    The places of a fault at Pod number *pod* of node number *node*, with the node *step* further as the other one.

    None if there are too few: two Pods on a node, and a second node with one.
    """
    wired = sides(cluster)
    if len(wired) < 2:
        return None
    names = list(wired)
    here, there = names[node % len(names)], names[(node + step) % len(names)]
    pods, others = spots(cluster, here), spots(cluster, there)
    if here == there or len(pods) < 2 or not others:
        return None
    beside = pods[pod % len(pods)], pods[(pod + 1) % len(pods)]
    return Where(wired[here], *beside, wired[there], others[pod % len(others)], _outside(cluster, wired[here]))


def _outside(cluster: Mapping[str, Snapshot], node: Side) -> tuple[str, str] | None:
    for name, one in cluster.items():
        near = [has.interface for has in one.own.addresses if has.interface.network == node.external.network]
        if near and bridge_of(one) is None and not one.own.forwarding:
            return name, str(near[0].ip)
    return None
