"""
What Flannel and the CNI plugins that it delegates to call things, and the addresses that follow from a node's subnet. Pure.

Sources: flannel's pkg/backend/vxlan, pkg/trafficmngr/nftables; flannel-io/cni-plugin; containernetworking/plugins' bridge and host-local.
"""

from __future__ import annotations

from hashlib import sha1
from ipaddress import IPv4Interface, IPv4Network

from podnet_lab.plan import Node, Pod

BRIDGE = "cni0"
VNI = 1
TUNNEL = f"flannel.{VNI}"
PORT = 8472
"""Flannel leaves the port to Linux, whose own default is older than IANA's 4789."""

NETWORK = IPv4Network("10.244.0.0/16")
"""The range that all nodes' subnets are from."""

TABLE = "flannel-ipv4"
ETHERNET_MTU, TUNNEL_MTU = 1500, 1450
"""Bytes of a Pod's packet; a tunnel adds IPv4, UDP, VXLAN and Ethernet headers: 20 + 8 + 8 + 14."""

POD_LINK = "eth0"

SUBNET_ENV = "/run/flannel/subnet.env"
"""What flanneld tells the CNI plugin."""

IPAM = "/var/lib/cni/networks/cbr0"
"""Where host-local, which gives out addresses, keeps which is whose; cbr0 is what Flannel's manifest calls the network."""


def subnet_env(node: Node, mtu: int) -> str:
    """What is in `SUBNET_ENV`: the gateway's address stands for the subnet; packets that leave the range are masqueraded."""
    return f"FLANNEL_NETWORK={NETWORK}\nFLANNEL_SUBNET={node.gateway}\nFLANNEL_MTU={mtu}\nFLANNEL_IPMASQ=true\n"


def pod_link(pod: Pod) -> str:
    """The Pod's end of its cable."""
    return pod.ends[0] if pod.ends else POD_LINK


def port_name(pod: Pod) -> str:
    """The host's end of a Pod's cable: "veth" and eight hexadecimal digits, which the plugin draws, and which here follow from the name."""
    return pod.ends[1] if pod.ends else f"veth{_digest(pod.name)[:8]}"


def tunnel_address(node: Node) -> IPv4Interface:
    """The tunnel's address: the network address of the node's subnet, /32, so that no connected route comes with it."""
    return IPv4Interface(f"{node.subnet.network_address}/32")


def tunnel_mac(node: Node) -> str:
    """The MAC of a node's tunnel, locally administered; flanneld draws and publishes it, here it follows from the node's name."""
    return _mac(f"{TUNNEL} of {node.name}")


def bridge_mac(node: Node) -> str:
    """The MAC that the bridge is given, so that it does not change with its ports."""
    return _mac(f"{BRIDGE} of {node.name}")


def _mac(of: str) -> str:
    return ":".join(["02", *(_digest(of)[i : i + 2] for i in range(0, 10, 2))])


def _digest(of: str) -> str:
    return sha1(of.encode(), usedforsecurity=False).hexdigest()
