"""
Where a fault can be made: two Pods of one node and a Pod of another, read off the kernels, whatever they are called. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.checks.reachability import endpoints
from podnet_lab.devices.roles import bridge_of, cable, pod_addresses, uplink
from podnet_lab.model import Cluster


@dataclass(frozen=True)
class WiredNode:
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
class WiredPod:
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
class FaultPlaces:
    """
    The places of one fault: a Pod and its node, a Pod on another node, and a neighbour of the first.

    *outside* is a host on the external network that is no node: its name and address, if there is one.
    """

    node: WiredNode
    pod: WiredPod
    neighbour: WiredPod
    other_node: WiredNode
    other: WiredPod
    outside: tuple[str, str] | None = None

    @property
    def remote_pair(self) -> tuple[str, str]:
        """The labels of the Pod and of the Pod on another node."""
        return self.pod.label, self.other.label

    @property
    def local_pair(self) -> tuple[str, str]:
        """The labels of the Pod and of its neighbour."""
        return self.pod.label, self.neighbour.label

    @property
    def unused_ip(self) -> str:
        """An address of the external network that nobody has."""
        return str(self.node.external.network.broadcast_address - 1)

    @property
    def common_prefix(self) -> int:
        """The length of the longest prefix that both the Pod and the Pod on another node are in."""
        pod, remote = int(self.pod.address.ip), int(self.other.address.ip)
        return 32 - (pod ^ remote).bit_length()


def wired_nodes(cluster: Cluster) -> dict[str, WiredNode]:
    """The nodes that are wired: a bridge with an address, and an uplink with one."""
    wired = {}
    for name, node in cluster.items():
        bridge, up = bridge_of(node), uplink(node)
        if bridge is not None and up is not None and node.own.addresses_of(bridge.name) and node.own.addresses_of(up.name):
            wired[name] = WiredNode(name, bridge.name, node.own.addresses_of(bridge.name)[0], up.name, node.own.addresses_of(up.name)[0])
    return wired


def wired_pods(cluster: Cluster, node: str) -> list[WiredPod]:
    """The node's Pods that are wired: a cable with an address, whose other end is on the node."""
    wired, labels = [], {(place.node, place.namespace): label for label, place in endpoints(cluster).items()}
    for pod in cluster[node].pods:
        link, addresses = cable(pod), pod_addresses(pod)
        if link is not None and addresses and link.peer is not None and link.peer[0] is None:
            wired.append(WiredPod(pod.name, labels[node, pod.name], addresses[0], link.name, link.peer[1]))
    return wired


def fault_places(cluster: Cluster, node: int, pod: int, step: int) -> FaultPlaces | None:
    """
    The places of a fault at Pod number *pod* of node number *node*, with the node *step* further as the other one.

    None if there are too few: two Pods on a node, and a second node with one.
    """
    wired = wired_nodes(cluster)
    if len(wired) < 2:
        return None
    names = list(wired)
    here, there = names[node % len(names)], names[(node + step) % len(names)]
    pods, remote = wired_pods(cluster, here), wired_pods(cluster, there)
    if here == there or len(pods) < 2 or not remote:
        return None
    local_pair = pods[pod % len(pods)], pods[(pod + 1) % len(pods)]
    return FaultPlaces(wired[here], *local_pair, wired[there], remote[pod % len(remote)], _outside(cluster, wired[here]))


def _outside(cluster: Cluster, node: WiredNode) -> tuple[str, str] | None:
    for name, host in cluster.items():
        near = [address.interface for address in host.own.addresses if address.interface.network == node.external.network]
        if near and bridge_of(host) is None and not host.own.forwarding:
            return name, str(near[0].ip)
    return None
