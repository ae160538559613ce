"""
The address plan: which nodes, subnets and Pods there are, and what they are called.

Pure: nothing here asks a kernel. Names carry the address, so that each follows from the other
at any scale: Pod ``pod-1-2`` is 10.244.1.2, on node 1, at the end of cable ``veth-1-2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import pairwise

from podnet_lab import pod_subnets
from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import no_such
from podnet_lab.valid_names import interface_name, namespace_name

BRIDGE = "v-net-0"
"""The name of every node's bridge, as in the source."""

UPLINK = "eth0"
"""The interface by which a node is on the external network, where the lab names it; a VM's cards have names of their own."""

EXTERNAL = IPv4Network("192.168.1.0/24")
"""The network that the nodes are part of, as in the source."""

ECHO_SIZES = range(28, 65508)
"""Bytes that an echo can have: an IPv4 and an ICMP header at least."""

OUTSIDE = IPv4Interface("192.168.1.5/24")
"""The host ``outside``, on the external network but not in the cluster."""

RESERVED = {"outside": "that is the host beside the cluster", "lab": "that is what holds the nodes"}
"""Names that no node may have."""

POD_NETWORK = IPv4Network("10.244.0.0/16")
"""The private range that is cut into one /24 for each node, as in the source."""

MAX_NODES = 244
"""192.168.1.11 to 192.168.1.254."""

MAX_PODS = 253
"""Host addresses of a /24, less the bridge's own."""

_MAC = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")


def interface_address(text: str) -> IPv4Interface:
    """Read an IPv4 address with its prefix length, like 10.244.1.1/24; raise BadInput if it can't be an interface's."""
    if not isinstance(text, str | IPv4Interface) or "/" not in str(text):
        raise BadInput(f"{text!r} needs a prefix length, as in 10.244.1.1/24")
    try:
        interface = IPv4Interface(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not an IPv4 address with a prefix length: {error}") from None
    if problem := unusable(interface):
        raise BadInput(f"{text} is {problem}")
    return interface


def unusable(interface: IPv4Interface) -> str:
    """What an address is, like "the broadcast address of 10.244.1.0/24", if no host can have it; "" for one that a host can have."""
    ip, network = interface.ip, interface.network
    if ip.is_multicast:
        return "a multicast address"
    if ip == IPv4Address("255.255.255.255"):
        return "the broadcast address of every network"
    if network.prefixlen < 31 and ip in (network.network_address, network.broadcast_address):
        return f"the {'network' if ip == network.network_address else 'broadcast'} address of {network}"
    return ""


def mac_address(text: str) -> str:
    """Read the MAC of one interface (not a group's), like 02:00:00:00:00:01; raise BadInput if it is none."""
    if not isinstance(text, str) or not _MAC.fullmatch(text.lower()):
        raise BadInput(f"{text!r} is not a unicast MAC like 02:00:00:00:00:01")
    return text.lower()


def ip_address(text: str | IPv4Address) -> IPv4Address:
    """Read an IPv4 address; raise BadInput if it is none."""
    if not isinstance(text, str | IPv4Address):
        raise BadInput(f"{text!r} is not an IPv4 address")
    try:
        return IPv4Address(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not an IPv4 address: {error}") from None


def echo_size(size: int) -> int:
    """Give *size* back if an echo can have so many bytes, IPv4 header included; BadInput if not."""
    if not isinstance(size, int) or isinstance(size, bool) or size not in ECHO_SIZES:
        raise BadInput(f"an echo has {ECHO_SIZES[0]} to {ECHO_SIZES[-1]} bytes, not {size!r}")
    return size


def port_number(number: int) -> int:
    """Give *number* back if it is a port of TCP or UDP; raise BadInput if not."""
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 65535:
        raise BadInput(f"{number!r} is no port: they go from 1 to 65535")
    return number


def socket_address(text: str) -> tuple[IPv4Address, int]:
    """Read an address with a port, like 10.244.1.2:8080; raise BadInput if it is none."""
    ip, _, port = str(text).partition(":")
    if not (port.isascii() and port.isdigit()):
        raise BadInput(f"{text!r} is no address with a port like 10.244.1.2:8080")
    return ip_address(ip), port_number(int(port))


def subnet(text: str | IPv4Network) -> IPv4Network:
    """Read an IPv4 subnet, like 10.244.1.0/24; raise BadInput if host bits are set or it is none."""
    if not isinstance(text, str | IPv4Network):
        raise BadInput(f"{text!r} is not an IPv4 subnet")
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not an IPv4 subnet: {error}") from None


@dataclass(frozen=True)
class Pod:
    """
    One Pod's place in the plan: the node it is on, and its address with the subnet's prefix length.

    *ends* are the names of its cable's two ends, the Pod's first, where somebody else gives them: a container runtime.
    """

    name: str
    node: str
    address: IPv4Interface
    ends: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def ip(self) -> IPv4Address:
        """The address without the prefix length."""
        return self.address.ip

    @cached_property
    def veth(self) -> str:
        """The Pod's end of its cable."""
        if self.ends:
            return self.ends[0]
        _, _, third, fourth = str(self.ip).split(".")
        return f"veth-{third}-{fourth}"

    @cached_property
    def bridge_end(self) -> str:
        """The bridge's end of its cable."""
        return self.ends[1] if self.ends else f"{self.veth}-br"


@dataclass(frozen=True)
class Node:
    """One node's place in the plan: its address on the external network, and its Pods' subnet; *uplink* is the interface to the others."""

    name: str
    external: IPv4Interface
    subnet: IPv4Network
    bridge: str = BRIDGE
    uplink: str = UPLINK

    def __post_init__(self) -> None:
        namespace_name(self.name)  # it becomes a host name, and part of a command
        if not isinstance(self.external, IPv4Interface) or not isinstance(self.subnet, IPv4Network):
            example = 'Node("node1", IPv4Interface("192.168.1.11/24"), IPv4Network("10.244.1.0/24"))'
            raise BadInput(f"{self.name}: an address is an IPv4Interface, and a subnet an IPv4Network, as in {example}")
        interface_name(self.bridge)
        interface_name(self.uplink)
        if self.name in RESERVED:
            raise BadInput(f"a node can't be called {self.name}: {RESERVED[self.name]}")
        if problem := pod_subnets.problem(self.subnet):
            raise BadInput(f"{self.name}: {self.subnet} {problem}")
        if self.external.ip in self.subnet:
            raise BadInput(f"{self.name}: its own address {self.external.ip} lies inside its Pods' subnet {self.subnet}")

    @property
    def gateway(self) -> IPv4Interface:
        """The bridge's address, the first of the subnet: the way out for every Pod of this node."""
        return IPv4Interface(f"{self.subnet.network_address + 1}/{self.subnet.prefixlen}")

    @property
    def capacity(self) -> int:
        """How many Pods the subnet has addresses for."""
        return self.subnet.num_addresses - 3

    def pod(self, host: int) -> Pod:
        """The Pod whose address is number *host* of the subnet: node 1's first is ``pod(2)``, pod-1-2."""
        if not isinstance(host, int) or not 2 <= host <= self.capacity + 1:
            raise BadInput(f"{self.name}: {self.subnet} has Pod addresses .2 to .{self.capacity + 1}, not .{host}")
        return self.pod_at(self.subnet.network_address + host)

    def pod_at(self, address: IPv4Address | str) -> Pod:
        """The Pod that has *address*; raise BadInput outside the node's subnet."""
        ip = ip_address(str(address))
        if ip not in self.subnet:
            raise BadInput(f"{ip} is outside {self.name}'s subnet {self.subnet}")
        if ip in (self.subnet.network_address, self.gateway.ip, self.subnet.broadcast_address):
            raise BadInput(f"{ip} is not a Pod's: {self.subnet} keeps it for the network, the bridge or broadcast")
        _, _, third, fourth = str(ip).split(".")
        return Pod(f"pod-{third}-{fourth}", self.name, IPv4Interface(f"{ip}/{self.subnet.prefixlen}"))

    def pods(self, count: int) -> tuple[Pod, ...]:
        """The first *count* Pods of this node."""
        if not isinstance(count, int) or isinstance(count, bool):
            raise BadInput(f"{self.name}: how many Pods is a whole number, not {count!r}")
        if not 0 <= count <= self.capacity:
            raise BadInput(f"{self.name}: {count} Pods do not fit {self.subnet}; it has room for {self.capacity}")
        return tuple(self.pod(host) for host in range(2, count + 2))


@dataclass(frozen=True)
class Plan:
    """All nodes of a cluster, and how many Pods each is to have."""

    nodes: tuple[Node, ...]
    pods_per_node: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.nodes, tuple) or not all(isinstance(node, Node) for node in self.nodes):
            raise BadInput("a plan's nodes are a tuple of Node; plan(3, 2) makes the lesson's")
        if not self.nodes:
            raise BadInput("a cluster needs at least one node")
        _no_duplicates("node name", [node.name for node in self.nodes])
        _no_duplicates("node address", [node.external.ip for node in self.nodes])
        for node in self.nodes:
            if node.external.ip == OUTSIDE.ip:
                raise BadInput(f"{node.name} can't have {OUTSIDE.ip}: that is the host outside")
        _no_overlaps(self.nodes)
        for node in self.nodes:
            node.pods(self.pods_per_node)

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise BadInput(no_such("node", name, (node.name for node in self.nodes)))

    @property
    def uplinks(self) -> dict[str, str]:
        """The interface of each node to the others, by node."""
        return {node.name: node.uplink for node in self.nodes}

    def with_uplinks(self, uplinks: Mapping[str, str]) -> Plan:
        """The same with the interfaces to the other nodes as *uplinks* says, by node; of a node that is not there nothing changes."""
        return replace(self, nodes=tuple(replace(node, uplink=uplinks.get(node.name, node.uplink)) for node in self.nodes))

    def pods(self) -> tuple[Pod, ...]:
        """Every Pod of the plan, node by node."""
        return tuple(pod for node in self.nodes for pod in node.pods(self.pods_per_node))


def _no_overlaps(nodes: Sequence[Node]) -> None:
    for node in nodes:
        for host in nodes:
            if host.external.ip in node.subnet:
                raise BadInput(f"{host.name}'s own address {host.external.ip} lies inside {node.name}'s Pods' subnet {node.subnet}")
    for a, b in pairwise(sorted(nodes, key=lambda node: node.subnet)):
        if a.subnet.overlaps(b.subnet):
            raise BadInput(f"{a.name}'s subnet {a.subnet} overlaps {b.name}'s {b.subnet}")
    for a, b in pairwise(sorted(nodes, key=_name_range)):
        if _name_range(a).overlaps(_name_range(b)):
            raise BadInput(f"{a.name}'s subnet {a.subnet} and {b.name}'s {b.subnet} would both have a {a.pod(2).name}")


def _name_range(node: Node) -> IPv4Network:
    """A node's subnet without the first two octets, which Pods' names leave out."""
    return IPv4Network((int(node.subnet.network_address) & 0xFFFF, node.subnet.prefixlen))


def _no_duplicates(kind: str, values: Iterable) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise BadInput(f"{kind} {value} is there twice")
        seen.add(value)


def plan(nodes: int = 3, pods: int = 2) -> Plan:
    """The lesson's plan for *nodes* nodes of *pods* Pods: node N is 192.168.1.(10+N), its Pods 10.244.N.2 and up."""
    for option, value, most in (("nodes", nodes, MAX_NODES), ("pods", pods, MAX_PODS)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadInput(f"{option} is a whole number, not {value!r}")
        if not (1 if option == "nodes" else 0) <= value <= most:
            if value < 1:
                raise BadInput(f"{value} {option}: there is at least {1 if option == 'nodes' else 0}")
            raise BadInput(f"{value} {option}: this address plan has room for {most}{' on each node' if option == 'pods' else ''}")
    return Plan(
        tuple(
            Node(f"node{n}", IPv4Interface(f"{EXTERNAL.network_address + 10 + n}/24"), IPv4Network(f"10.244.{n}.0/24"))
            for n in range(1, nodes + 1)
        ),
        pods,
    )
