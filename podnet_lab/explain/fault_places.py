"""
Where a fault can be made: two Pods of one node and a Pod of another, read off the kernels, whatever they are called. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.checks.reachability import endpoints
from podnet_lab.devices.roles import bridge_of, cable, claimed_blocks, pod_addresses, uplink
from podnet_lab.explain.tunnel_end import TunnelEnd, tunnel_end
from podnet_lab.model import Cluster, Snapshot

MOST_PLACES = 100
"""Places that are drawn, where a fault can't be made at the first."""


@dataclass(frozen=True)
class WiredNode:
    """
    A node: its bridge, the *gateway* address on it, its *uplink* to the others and the address there; its *tunnel*, if it has one.

    Of a node whose Pods hang on no bridge, *bridge* is "", and *gateway* the first address of their block, with its prefix length.
    """

    name: str
    bridge: str
    gateway: IPv4Interface
    uplink: str
    external: IPv4Interface
    tunnel: TunnelEnd | None = None

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

    *outside* is a host on the external network that is no node: its name and address, if there is one; *third* is a node beside
    the two, if there is one.
    """

    node: WiredNode
    pod: WiredPod
    neighbour: WiredPod
    other_node: WiredNode
    other: WiredPod
    outside: tuple[str, str] | None = None
    third: WiredNode | None = None

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
    """The nodes that are wired: an uplink with an address, and a bridge with one, or without a bridge a block that their Pods are in."""
    wired = {}
    for name, node in cluster.items():
        up, near = uplink(node), _bridge_and_gateway(node)
        if near is not None and up is not None and node.own.addresses_of(up.name):
            wired[name] = WiredNode(name, *near, up.name, node.own.addresses_of(up.name)[0], tunnel_end(node))
    return wired


def _bridge_and_gateway(node: Snapshot) -> tuple[str, IPv4Interface] | None:
    if (bridge := bridge_of(node)) is not None:
        has = node.own.addresses_of(bridge.name)
        return (bridge.name, has[0]) if has else None
    return next((("", IPv4Interface(block)) for block in claimed_blocks(node)), None)


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
    third = next((wired[name] for name in names if name not in (here, there)), None)
    return FaultPlaces(wired[here], *local_pair, wired[there], remote[pod % len(remote)], _outside(cluster, wired[here]), third)


def other_places(cluster: Cluster, drawn: Callable[[int, int], Sequence[int]]) -> Iterator[FaultPlaces]:
    """Places of a fault, all there are or `MOST_PLACES` of them; *drawn* says, once, which of how many, and how many of them."""
    nodes = len(wired := wired_nodes(cluster))
    pods = max((len(wired_pods(cluster, name)) for name in wired), default=0)
    every = nodes * pods * max(nodes - 1, 0)
    for number in drawn(every, min(every, MOST_PLACES)):
        place, step = divmod(number, nodes - 1)
        if (found := fault_places(cluster, *divmod(place, pods), 1 + step)) is not None:
            yield found


def _outside(cluster: Cluster, node: WiredNode) -> tuple[str, str] | None:
    for name, host in cluster.items():
        near = [address.interface for address in host.own.addresses if address.interface.network == node.external.network]
        if near and bridge_of(host) is None and not host.own.forwarding:
            return name, str(near[0].ip)
    return None
