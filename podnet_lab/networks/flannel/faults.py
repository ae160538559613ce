"""What people break of Flannel in the field, beside the tunnel itself: what its bridge and its routes are. Pure."""

from __future__ import annotations

from podnet_lab.explain.fault import BIG, Fault
from podnet_lab.explain.tunnel_faults import TUNNEL_FAULTS

BRIDGED = (
    Fault(
        "the route to the node's own Pods is missing",
        lambda p: f"ip route del {p.node.subnet} dev {p.node.bridge}",
        "route",
        "node",
    ),
    Fault(
        "the other node has no route to its own Pods",
        lambda p: f"ip route del {p.other_node.subnet} dev {p.other_node.bridge}",
        "route",
        "other node",
        "there",
    ),
    Fault("the other node's bridge is down", lambda p: f"ip link set dev {p.other_node.bridge} down", "cable", "other node", "there"),
    Fault(
        "the MTU of the other node's bridge is too small",
        lambda p: f"ip link set dev {p.other_node.bridge} mtu 1300",
        "cable",
        "other node",
        "there",
        size=BIG,
    ),
    Fault(
        "the route says that the other node's Pods are on the nodes' own network",
        lambda p: f"ip route replace {p.other_node.subnet} dev {p.node.uplink}",
        "route",
        "node",
    ),
)
"""With any backend."""

HOST_GW_FAULTS = BRIDGED
VXLAN_FAULTS = (*TUNNEL_FAULTS, *BRIDGED)
