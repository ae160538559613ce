"""
Names, addresses and numbers of Calico's, as they follow from a node's and a Pod's name, and from a node's subnet. Pure.

Sources, all of projectcalico/calico: libcalico-go/lib/backend/k8s/conversion/workload_endpoint_default.go (names of cables),
cni-plugin/pkg/dataplane/linux/dataplane_linux.go (the gateway), felix/calc/vxlan_resolver.go (the tunnel's MAC).
"""

from __future__ import annotations

from hashlib import sha1
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.devices import ip_tunnel
from podnet_lab.explain.causes_routed import LAST
from podnet_lab.plan import POD_NETWORK, Node, Pod

POOL = POD_NETWORK
"""The range that all nodes' blocks are from: Calico's IPPool."""

BLOCK_BITS = 26
"""The prefix length of a block: 64 addresses."""

KUBERNETES_NAMESPACE = "default"
"""The namespace of Kubernetes' that every Pod here is in; it is half of what a cable's name is made of."""

HOST_MAC = "ee:ee:ee:ee:ee:ee"
"""The MAC of the node's end of every cable."""

GATEWAY = IPv4Address("169.254.1.1")
"""The gateway of every Pod: nobody has this address, and the node answers for it."""

POD_LINK = "eth0"

DEAD_END_METRIC = LAST
"""Of the default route that a lab's node gets; a real one, where there is one, comes first."""

TUNNEL, VNI, PORT = "vxlan.calico", 4096, 4789

ETHERNET_MTU, TUNNEL_MTU = 1500, 1450

IPIP_MTU = ETHERNET_MTU - ip_tunnel.OVERHEAD

TABLE = "calico"
"""Felix's table in its nftables mode."""

FROM_PODS, TO_PODS = "from-wl-dispatch", "to-wl-dispatch"
"""
Chains through which all goes that comes from a Pod's cable, or is to leave by one: what no entry sends on is dropped there.

Each looks into a map of its own name, which has the cables. Source: felix/rules/dispatch.go.
"""

PREFIX = "cali"
"""What the names of the nodes' ends of all cables begin with: Felix's InterfacePrefix."""


def blocks(node: Node) -> tuple[IPv4Network, ...]:
    """The blocks of /26 that a node has claimed: its subnet, cut up."""
    return tuple(node.subnet.subnets(new_prefix=BLOCK_BITS)) if node.subnet.prefixlen < BLOCK_BITS else (node.subnet,)


def pod_address(pod: Pod) -> IPv4Interface:
    """A Pod's address: of /32, so that nobody is its neighbour."""
    return IPv4Interface(f"{pod.ip}/32")


def pod_link(pod: Pod) -> str:
    """The Pod's end of its cable."""
    return pod.ends[0] if pod.ends else POD_LINK


def cali(pod: Pod) -> str:
    """The node's end of its cable: "cali" and 11 hexadecimal digits of the SHA-1 of Kubernetes' namespace and the Pod's name."""
    return pod.ends[1] if pod.ends else f"{PREFIX}{_digest(f'{KUBERNETES_NAMESPACE}.{pod.name}')[:11]}"


def pod_mac(pod: Pod) -> str:
    """The MAC of the Pod's end, locally administered; the kernel draws it, here it follows from the Pod's name."""
    return _mac("02", f"{KUBERNETES_NAMESPACE}.{pod.name}")


def tunnel_address(node: Node) -> IPv4Interface:
    """The tunnel's address: the first of the node's first block."""
    return IPv4Interface(f"{blocks(node)[0].network_address}/32")


def tunnel_mac(node: Node) -> str:
    """The tunnel's MAC: 66, and the first five bytes of the SHA-1 of the node's name."""
    return _mac("66", node.name)


def _mac(first: str, of: str) -> str:
    digest = _digest(of)
    return ":".join([first, *(digest[i : i + 2] for i in range(0, 10, 2))])


def _digest(of: str) -> str:
    return sha1(of.encode(), usedforsecurity=False).hexdigest()
