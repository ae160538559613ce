"""
Single faults of a wired cluster, as a person would make them: what is typed, who can't reach whom then, and what is to be found.

Pure: a catalogue. Places are drawn by whoever injects one (lab/breaking.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podnet_lab.explain.fault_places import Where

BIG = 1400
"""Bytes of an echo that passes a cable of 1,500 and none of 1,000."""


@dataclass(frozen=True)
class Fault:
    """
    One fault: *command* is typed on *on* ("here": the Pod's node, or "there"); then *pair* is not reached any more.

    *layer* and *at* ("pod", "neighbour", "node", "other node", "other pod", "outside") are what an explanation has to name.
    *size*: only of echoes so big. *needs* are programs, and settings below /proc/sys, without which it can't be made.
    """

    name: str
    command: Callable[[Where], str]
    layer: str
    at: str
    on: str = "here"
    pair: Callable[[Where], tuple[str, str]] = lambda where: where.across
    size: int | None = None
    needs: tuple[str, ...] = ()

    def place(self, where: Where) -> str:
        """Where it is to be found."""
        return {
            "pod": where.pod.name,
            "neighbour": where.neighbour.name,
            "node": where.node.name,
            "other node": where.other_node.name,
            "other pod": where.other.name,
            "outside": where.outside[0] if where.outside else "",
        }[self.at]

    def fits(self, where: Where) -> bool:
        """Whether it can be made there: one of them needs a host outside."""
        return self.at != "outside" or where.outside is not None

    def node(self, where: Where) -> str:
        """Where it is typed."""
        return where.node.name if self.on == "here" else where.other_node.name


def _drop(hook: str, policy: str = "accept", rule: str = "") -> str:
    chain = f"nft add table ip broken; nft 'add chain ip broken c {{ type filter hook {hook} priority 0 ; policy {policy} ; }}'"
    return chain + (f"; nft add rule ip broken c {rule}" if rule else "")


def _beside(where: Where) -> tuple[str, str]:
    return where.beside


_NFT, _BRIDGED = ("nft",), ("nft", "net/bridge/bridge-nf-call-iptables")

CABLES = (
    Fault("the bridge is down", lambda w: f"ip link set dev {w.node.bridge} down", "cable", "node"),
    Fault("the bridge is gone", lambda w: f"ip link del {w.node.bridge}", "cable", "node"),
    Fault("the Pod's end is down", lambda w: f"ip -n {w.pod.name} link set dev {w.pod.dev} down", "cable", "pod"),
    Fault("the bridge's end is down", lambda w: f"ip link set dev {w.pod.end} down", "cable", "node"),
    Fault("the cable is unplugged", lambda w: f"ip link set {w.pod.end} nomaster", "cable", "node"),
    Fault(
        "the cable is plugged into another bridge",
        lambda w: f"ip link add wrong type bridge; ip link set wrong up; ip link set {w.pod.end} master wrong",
        "cable",
        "node",
    ),
    Fault("the node's own interface is down", lambda w: f"ip link set dev {w.node.uplink} down", "cable", "node"),
    Fault("the other node's interface is down", lambda w: f"ip link set dev {w.other_node.uplink} down", "cable", "other node", "there"),
    Fault("a port of the bridge is blocked", lambda w: f"bridge link set dev {w.pod.end} state 0", "cable", "node", needs=("bridge",)),
    Fault(
        "two ports are isolated from each other",
        lambda w: "; ".join(f"bridge link set dev {end} isolated on" for end in (w.pod.end, w.neighbour.end)),
        "cable",
        "node",
        pair=_beside,
        needs=("bridge",),
    ),
    Fault("the cable's MTU is too small", lambda w: f"ip link set dev {w.pod.end} mtu 1000", "cable", "node", size=BIG),
    Fault("the node's MTU is too small", lambda w: f"ip link set dev {w.node.uplink} mtu 1000", "cable", "node", size=BIG),
    Fault("the loopback is down", lambda w: f"ip -n {w.pod.name} link set dev lo down", "cable", "pod", pair=lambda w: (w.pod.label,) * 2),
)
"""What is wrong with interfaces, cables and bridges."""

ADDRESSES = (
    Fault("the bridge has lost its address", lambda w: f"ip addr del {w.node.gateway} dev {w.node.bridge}", "address", "pod"),
    Fault(
        "the bridge has the wrong prefix",
        lambda w: f"ip addr add {w.node.gateway.ip}/32 dev {w.node.bridge}; ip addr del {w.node.gateway} dev {w.node.bridge}",
        "route",
        "node",
    ),
    Fault("the Pod has no address", lambda w: f"ip -n {w.pod.name} addr flush dev {w.pod.dev}", "route", "pod"),
    Fault(
        "the Pod's address is outside its subnet",
        lambda w: f"ip -n {w.pod.name} addr flush dev {w.pod.dev}; ip -n {w.pod.name} addr add 10.250.0.9/24 dev {w.pod.dev}",
        "route",
        "pod",
    ),
    Fault(
        "the Pod's prefix is too short",
        lambda w: (
            f"ip -n {w.pod.name} addr add {w.pod.ip}/{w.wide} dev {w.pod.dev}; ip -n {w.pod.name} addr del {w.pod.address} dev {w.pod.dev}"
        ),
        "address",
        "pod",
    ),
    Fault(
        "a neighbour has the Pod's address, too",
        lambda w: f"ip -n {w.neighbour.name} addr add {w.pod.ip}/32 dev {w.neighbour.dev}",
        "address",
        "neighbour",
        pair=_beside,
    ),
    Fault(
        "a Pod of another node has the Pod's address, too",
        lambda w: f"ip -n {w.other.name} addr add {w.pod.ip}/32 dev {w.other.dev}",
        "address",
        "other pod",
        "there",
    ),
    Fault(
        "the node's subnet takes in the other's",
        lambda w: (
            f"ip route del {w.other_node.subnet}; ip addr add {w.other_node.free}/{w.other_node.subnet.prefixlen} dev {w.node.bridge}"
        ),
        "address",
        "node",
    ),
)
"""What is wrong with addresses and their prefixes."""

ROUTES = (
    Fault("the default route is missing", lambda w: f"ip -n {w.pod.name} route del default", "route", "pod"),
    Fault(
        "the default route has the wrong gateway", lambda w: f"ip -n {w.pod.name} route replace default via {w.node.free}", "address", "pod"
    ),
    Fault(
        "the gateway is on no link",
        lambda w: f"ip -n {w.pod.name} route replace default via {w.other_node.external.ip} dev {w.pod.dev} onlink",
        "address",
        "pod",
    ),
    Fault("the default route is a blackhole", lambda w: f"ip -n {w.pod.name} route replace blackhole default", "route", "pod"),
    Fault("the route to the other node is missing", lambda w: f"ip route del {w.other_node.subnet}", "route", "node"),
    Fault(
        "the route to the other node leads astray", lambda w: f"ip route replace {w.other_node.subnet} via {w.astray}", "address", "node"
    ),
    Fault(
        "the route leads to a host that does not forward",
        lambda w: f"ip route replace {w.other_node.subnet} via {w.outside[1]}",
        "forwarding",
        "outside",
    ),
    Fault(
        "the route is for one Pod alone",
        lambda w: f"ip route del {w.other_node.subnet}; ip route add {w.other_node.free} via {w.other_node.external.ip}",
        "route",
        "node",
    ),
    Fault("the route is a blackhole", lambda w: f"ip route replace blackhole {w.other_node.subnet}", "route", "node"),
    Fault("a longer prefix leads astray", lambda w: f"ip route add {w.other.ip} via {w.astray}", "address", "node"),
    Fault("the way back is missing", lambda w: f"ip route del {w.node.subnet}", "route", "other node", "there"),
    Fault("the other Pod has no way back", lambda w: f"ip -n {w.other.name} route del default", "route", "other pod", "there"),
    Fault("a policy rule refuses the Pod", lambda w: f"ip rule add from {w.pod.ip} prohibit", "route", "node"),
    Fault(
        "a policy rule leads the Pod astray",
        lambda w: f"ip route add default via {w.astray} table 100; ip rule add from {w.pod.ip} lookup 100",
        "address",
        "node",
    ),
)
"""What is wrong with routes, and with the rules that choose among their tables."""

FORWARDING = (
    Fault("the node does not forward", lambda w: "sysctl -qw net.ipv4.ip_forward=0", "forwarding", "node"),
    Fault("the other node does not forward", lambda w: "sysctl -qw net.ipv4.ip_forward=0", "forwarding", "other node", "there"),
    Fault(
        "the node does not forward from its bridge",
        lambda w: f"sysctl -qw net/ipv4/conf/{w.node.bridge}/forwarding=0",
        "forwarding",
        "node",
    ),
    Fault(
        "a strict filter, and another way back",
        lambda w: f"sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route del {w.node.subnet}",
        "forwarding",
        "other node",
        "there",
    ),
)
"""What keeps a node from being a router."""

NEIGHBOURS = (
    Fault(
        "a wrong neighbour, written by hand",
        lambda w: f"ip -n {w.pod.name} neigh replace {w.node.gateway.ip} lladdr 02:00:00:00:00:99 dev {w.pod.dev} nud permanent",
        "neighbour",
        "pod",
    ),
    Fault(
        "the neighbour does not answer ARP",
        lambda w: f"ip -n {w.neighbour.name} link set dev {w.neighbour.dev} arp off",
        "neighbour",
        "neighbour",
        pair=_beside,
    ),
    Fault("the bridge does not answer ARP", lambda w: f"ip link set dev {w.node.bridge} arp off", "neighbour", "node"),
    Fault(
        "two Pods have the same MAC",
        lambda w: (
            f"ip -n {w.neighbour.name} link set dev {w.neighbour.dev} address "
            f"$(ip -n {w.pod.name} -o link show dev {w.pod.dev} | sed 's/.*ether \\([0-9a-f:]*\\).*/\\1/')"
        ),
        "neighbour",
        "node",
        pair=_beside,
    ),
)
"""What is wrong between an address and its MAC."""

FIREWALLS = (
    Fault("a firewall drops what passes", lambda w: _drop("forward", "drop"), "firewall", "node", needs=_NFT),
    Fault("a firewall drops what passes, there", lambda w: _drop("forward", "drop"), "firewall", "other node", "there", needs=_NFT),
    Fault(
        "a firewall drops what is for the node",
        # Of the Pod alone: a policy would cut a VM off from who drives it.
        lambda w: _drop("input", rule=f"ip saddr {w.pod.ip} drop"),
        "firewall",
        "node",
        pair=lambda w: (w.pod.label, w.node.name),
        needs=_NFT,
    ),
    Fault("a firewall drops pings alone", lambda w: _drop("forward", rule="meta l4proto icmp drop"), "firewall", "node", needs=_NFT),
    Fault(
        "a firewall drops the answers alone", lambda w: _drop("forward", rule=f"ip saddr {w.other.ip} drop"), "firewall", "node", needs=_NFT
    ),
    Fault(
        "a firewall drops what the bridge passes on",
        lambda w: f"{_drop('forward', 'drop')}; sysctl -qw net.bridge.bridge-nf-call-iptables=1",
        "firewall",
        "node",
        pair=_beside,
        needs=_BRIDGED,
    ),
    Fault(
        "the other node answers no ping",
        lambda w: "sysctl -qw net.ipv4.icmp_echo_ignore_all=1",
        "firewall",
        "other node",
        "there",
        pair=lambda w: (w.pod.label, w.other_node.name),
    ),
)
"""What is thrown away on purpose."""

FAULTS = (*CABLES, *ADDRESSES, *ROUTES, *FORWARDING, *NEIGHBOURS, *FIREWALLS)
"""The catalogue."""
