"""
Single faults of a wired cluster, as a person would make them: the command, the pair that it cuts, and the cause to be found.

Pure: the catalogue of what every Pod network has; a network adds its own (`podnet_lab.networks.base.Network.faults`). Places are
drawn by whoever injects one (lab/fault_injection.py).
"""

from __future__ import annotations

from podnet_lab.explain.fault import BIG, Fault
from podnet_lab.explain.fault_places import FaultPlaces


def _drop(hook: str, policy: str = "accept", rule: str = "") -> str:
    chain = f"nft add table ip broken; nft 'add chain ip broken c {{ type filter hook {hook} priority 0 ; policy {policy} ; }}'"
    return chain + (f"; nft add rule ip broken c {rule}" if rule else "")


def _local_pair(places: FaultPlaces) -> tuple[str, str]:
    return places.local_pair


_NFT, _BRIDGED = ("nft",), ("nft", "net/bridge/bridge-nf-call-iptables")

CABLES = (
    Fault("the bridge is down", lambda p: f"ip link set dev {p.node.bridge} down", "cable", "node"),
    Fault("the bridge is gone", lambda p: f"ip link del {p.node.bridge}", "cable", "node"),
    Fault("the Pod's end is down", lambda p: f"ip -n {p.pod.name} link set dev {p.pod.dev} down", "cable", "pod"),
    Fault("the bridge's end is down", lambda p: f"ip link set dev {p.pod.end} down", "cable", "node"),
    Fault("the cable is unplugged", lambda p: f"ip link set {p.pod.end} nomaster", "cable", "node"),
    Fault(
        "the cable is plugged into another bridge",
        lambda p: f"ip link add wrong type bridge; ip link set wrong up; ip link set {p.pod.end} master wrong",
        "cable",
        "node",
    ),
    Fault("the node's own interface is down", lambda p: f"ip link set dev {p.node.uplink} down", "cable", "node"),
    Fault("the other node's interface is down", lambda p: f"ip link set dev {p.other_node.uplink} down", "cable", "other node", "there"),
    Fault("a port of the bridge is blocked", lambda p: f"bridge link set dev {p.pod.end} state 0", "cable", "node", needs=("bridge",)),
    Fault(
        "two ports are isolated from each other",
        lambda p: "; ".join(f"bridge link set dev {end} isolated on" for end in (p.pod.end, p.neighbour.end)),
        "cable",
        "node",
        pair=_local_pair,
        needs=("bridge",),
    ),
    Fault("the cable's MTU is too small", lambda p: f"ip link set dev {p.pod.end} mtu 1000", "cable", "node", size=BIG),
    Fault("the node's MTU is too small", lambda p: f"ip link set dev {p.node.uplink} mtu 1000", "cable", "node", size=BIG),
    Fault("the loopback is down", lambda p: f"ip -n {p.pod.name} link set dev lo down", "cable", "pod", pair=lambda p: (p.pod.label,) * 2),
)
"""What is wrong with interfaces, cables and bridges."""

ADDRESSES = (
    Fault("the bridge has lost its address", lambda p: f"ip addr del {p.node.gateway} dev {p.node.bridge}", "address", "pod"),
    Fault(
        "the bridge has the wrong prefix",
        lambda p: f"ip addr add {p.node.gateway.ip}/32 dev {p.node.bridge}; ip addr del {p.node.gateway} dev {p.node.bridge}",
        "route",
        "node",
    ),
    Fault("the Pod has no address", lambda p: f"ip -n {p.pod.name} addr flush dev {p.pod.dev}", "address", "pod"),
    Fault(
        "the Pod's address is outside its subnet",
        lambda p: f"ip -n {p.pod.name} addr flush dev {p.pod.dev}; ip -n {p.pod.name} addr add 10.250.0.9/24 dev {p.pod.dev}",
        "route",
        "pod",
    ),
    Fault(
        "the Pod's prefix is too short",
        lambda p: (
            f"ip -n {p.pod.name} addr add {p.pod.ip}/{p.common_prefix} dev {p.pod.dev}; "
            f"ip -n {p.pod.name} addr del {p.pod.address} dev {p.pod.dev}"
        ),
        "address",
        "pod",
    ),
    Fault(
        "a neighbour has the Pod's address, too",
        lambda p: f"ip -n {p.neighbour.name} addr add {p.pod.ip}/32 dev {p.neighbour.dev}",
        "address",
        "neighbour",
        pair=_local_pair,
    ),
    Fault(
        "a Pod of another node has the Pod's address, too",
        lambda p: f"ip -n {p.other.name} addr add {p.pod.ip}/32 dev {p.other.dev}",
        "address",
        "other pod",
        "there",
    ),
    Fault(
        "the node's subnet takes in the other's",
        lambda p: (
            f"ip route del {p.other_node.subnet}; ip addr add {p.other_node.free}/{p.other_node.subnet.prefixlen} dev {p.node.bridge}"
        ),
        "address",
        "node",
    ),
)
"""What is wrong with addresses and their prefixes."""

ROUTES = (
    Fault("the default route is missing", lambda p: f"ip -n {p.pod.name} route del default", "route", "pod"),
    Fault(
        "the default route has the wrong gateway", lambda p: f"ip -n {p.pod.name} route replace default via {p.node.free}", "address", "pod"
    ),
    Fault(
        "the gateway is on no link",
        lambda p: f"ip -n {p.pod.name} route replace default via {p.other_node.external.ip} dev {p.pod.dev} onlink",
        "address",
        "pod",
    ),
    Fault("the default route is a blackhole", lambda p: f"ip -n {p.pod.name} route replace blackhole default", "route", "pod"),
    Fault("the route to the other node is missing", lambda p: f"ip route del {p.other_node.subnet}", "route", "node"),
    Fault(
        "the route to the other node leads astray", lambda p: f"ip route replace {p.other_node.subnet} via {p.unused_ip}", "address", "node"
    ),
    Fault(
        "the route leads to a host that does not forward",
        lambda p: f"ip route replace {p.other_node.subnet} via {p.outside[1]}",
        "forwarding",
        "outside",
    ),
    Fault(
        "the route is for one Pod alone",
        lambda p: f"ip route del {p.other_node.subnet}; ip route add {p.other_node.free} via {p.other_node.external.ip}",
        "route",
        "node",
    ),
    Fault("the route is a blackhole", lambda p: f"ip route replace blackhole {p.other_node.subnet}", "route", "node"),
    Fault("a longer prefix leads astray", lambda p: f"ip route add {p.other.ip} via {p.unused_ip}", "address", "node"),
    Fault("the way back is missing", lambda p: f"ip route del {p.node.subnet}", "route", "other node", "there"),
    Fault("the other Pod has no way back", lambda p: f"ip -n {p.other.name} route del default", "route", "other pod", "there"),
    Fault("a policy rule refuses the Pod", lambda p: f"ip rule add from {p.pod.ip} prohibit", "route", "node"),
    Fault(
        "a policy rule leads the Pod astray",
        lambda p: f"ip route add default via {p.unused_ip} table 100; ip rule add from {p.pod.ip} lookup 100",
        "address",
        "node",
    ),
)
"""What is wrong with routes, and with the rules that choose among their tables."""

FORWARDING = (
    Fault("the node does not forward", lambda p: "sysctl -qw net.ipv4.ip_forward=0", "forwarding", "node"),
    Fault("the other node does not forward", lambda p: "sysctl -qw net.ipv4.ip_forward=0", "forwarding", "other node", "there"),
    Fault(
        "the node does not forward from its bridge",
        lambda p: f"sysctl -qw net/ipv4/conf/{p.node.bridge}/forwarding=0",
        "forwarding",
        "node",
    ),
    Fault(
        "a strict filter, and another way back",
        lambda p: f"sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route del {p.node.subnet}",
        "forwarding",
        "other node",
        "there",
    ),
)
"""What keeps a node from being a router."""

NEIGHBOURS = (
    Fault(
        "a wrong neighbour, written by hand",
        lambda p: f"ip -n {p.pod.name} neigh replace {p.node.gateway.ip} lladdr 02:00:00:00:00:99 dev {p.pod.dev} nud permanent",
        "neighbour",
        "pod",
    ),
    Fault(
        "the neighbour does not answer ARP",
        lambda p: f"ip -n {p.neighbour.name} link set dev {p.neighbour.dev} arp off",
        "neighbour",
        "neighbour",
        pair=_local_pair,
    ),
    Fault("the bridge does not answer ARP", lambda p: f"ip link set dev {p.node.bridge} arp off", "neighbour", "node"),
    Fault(
        "two Pods have the same MAC",
        lambda p: (
            f"ip -n {p.neighbour.name} link set dev {p.neighbour.dev} address "
            f"$(ip -n {p.pod.name} -o link show dev {p.pod.dev} | sed 's/.*ether \\([0-9a-f:]*\\).*/\\1/')"
        ),
        "neighbour",
        "node",
        pair=_local_pair,
    ),
)
"""What is wrong between an address and its MAC."""

FIREWALLS = (
    Fault("a firewall drops what passes", lambda p: _drop("forward", "drop"), "firewall", "node", needs=_NFT),
    Fault("a firewall drops what passes, there", lambda p: _drop("forward", "drop"), "firewall", "other node", "there", needs=_NFT),
    Fault(
        "a firewall drops what is for the node",
        # Of the Pod alone: a policy would cut a VM off from who drives it.
        lambda p: _drop("input", rule=f"ip saddr {p.pod.ip} drop"),
        "firewall",
        "node",
        pair=lambda p: (p.pod.label, p.node.name),
        needs=_NFT,
    ),
    Fault("a firewall drops pings alone", lambda p: _drop("forward", rule="meta l4proto icmp drop"), "firewall", "node", needs=_NFT),
    Fault(
        "a firewall drops the answers alone", lambda p: _drop("forward", rule=f"ip saddr {p.other.ip} drop"), "firewall", "node", needs=_NFT
    ),
    Fault(
        "a firewall drops what the bridge passes on",
        lambda p: f"{_drop('forward', 'drop')}; sysctl -qw net.bridge.bridge-nf-call-iptables=1",
        "firewall",
        "node",
        pair=_local_pair,
        needs=_BRIDGED,
    ),
    Fault(
        "the other node answers no ping",
        lambda p: "sysctl -qw net.ipv4.icmp_echo_ignore_all=1",
        "firewall",
        "other node",
        "there",
        pair=lambda p: (p.pod.label, p.other_node.name),
    ),
)
"""What is thrown away on purpose."""

FAULTS = (*CABLES, *ADDRESSES, *ROUTES, *FORWARDING, *NEIGHBOURS, *FIREWALLS)
"""The catalogue."""
