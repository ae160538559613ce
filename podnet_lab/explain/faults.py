"""
Single faults of a wired cluster, as a person would make them: what is typed, who can't reach whom then, and what is to be found.

Pure: a catalogue. Places are drawn by whoever injects one (lab/breaking.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podnet_lab.plan import Node, Plan, Pod


@dataclass(frozen=True)
class Where:
    """The places of one fault: a Pod and its node, a Pod on another node, and a neighbour of the first."""

    node: Node
    pod: Pod
    neighbour: Pod
    other_node: Node
    other: Pod

    @property
    def across(self) -> tuple[str, str]:
        """From the Pod to the one on another node."""
        return self.pod.name, self.other.name

    @property
    def beside(self) -> tuple[str, str]:
        """From the Pod to its neighbour."""
        return self.pod.name, self.neighbour.name

    @property
    def astray(self) -> str:
        """An address of the external network that nobody has."""
        return str(self.node.external.network.broadcast_address - 1)


@dataclass(frozen=True)
class Fault:
    """
    One fault: *command* is typed on *on* ("here": the Pod's node, or "there"); then *pair* is not reached any more.

    *layer* and *at* ("pod", "neighbour", "node", "other node", "other pod") are what an explanation has to name.
    """

    name: str
    command: Callable[[Where], str]
    layer: str
    at: str
    on: str = "here"
    pair: Callable[[Where], tuple[str, str]] = lambda where: where.across

    def place(self, where: Where) -> str:
        """Where it is to be found."""
        return {
            "pod": where.pod.name,
            "neighbour": where.neighbour.name,
            "node": where.node.name,
            "other node": where.other_node.name,
            "other pod": where.other.name,
        }[self.at]

    def node(self, where: Where) -> str:
        """Where it is typed."""
        return where.node.name if self.on == "here" else where.other_node.name


def where(plan: Plan, node: int, pod: int, step: int) -> Where:
    """The places of a fault at Pod number *pod* of node number *node*, with the node *step* further as the other one."""
    here, there = plan.nodes[node], plan.nodes[(node + step) % len(plan.nodes)]
    pods, others = here.pods(plan.pods_per_node), there.pods(plan.pods_per_node)
    return Where(here, pods[pod], pods[(pod + 1) % len(pods)], there, others[pod])


DROP = "nft add table ip broken; nft 'add chain ip broken c {{ type filter hook {hook} priority 0 ; policy {policy} ; }}'"

FAULTS = (
    Fault("the bridge is down", lambda w: f"ip link set dev {w.node.bridge} down", "cable", "node"),
    Fault("the bridge is gone", lambda w: f"ip link del {w.node.bridge}", "cable", "node"),
    Fault("the bridge has lost its address", lambda w: f"ip addr del {w.node.gateway} dev {w.node.bridge}", "address", "pod"),
    Fault("the Pod's end is down", lambda w: f"ip -n {w.pod.name} link set dev {w.pod.veth} down", "cable", "pod"),
    Fault("the bridge's end is down", lambda w: f"ip link set dev {w.pod.bridge_end} down", "cable", "node"),
    Fault("the cable is unplugged", lambda w: f"ip link set {w.pod.bridge_end} nomaster", "cable", "node"),
    Fault(
        "the cable is plugged into another bridge",
        lambda w: f"ip link add wrong type bridge; ip link set wrong up; ip link set {w.pod.bridge_end} master wrong",
        "address",
        "pod",
    ),
    Fault("the Pod has no address", lambda w: f"ip -n {w.pod.name} addr flush dev {w.pod.veth}", "route", "pod"),
    Fault(
        "the Pod's address is outside its subnet",
        lambda w: f"ip -n {w.pod.name} addr flush dev {w.pod.veth}; ip -n {w.pod.name} addr add 10.250.0.9/24 dev {w.pod.veth}",
        "route",
        "pod",
    ),
    Fault("the default route is missing", lambda w: f"ip -n {w.pod.name} route del default", "route", "pod"),
    Fault(
        "the default route has the wrong gateway",
        lambda w: f"ip -n {w.pod.name} route replace default via {w.node.subnet.broadcast_address - 1}",
        "address",
        "pod",
    ),
    Fault("the default route is a blackhole", lambda w: f"ip -n {w.pod.name} route replace blackhole default", "route", "pod"),
    Fault("the node does not forward", lambda w: "sysctl -qw net.ipv4.ip_forward=0", "forwarding", "node"),
    Fault("the other node does not forward", lambda w: "sysctl -qw net.ipv4.ip_forward=0", "forwarding", "other node", "there"),
    Fault(
        "the node does not forward from its bridge",
        lambda w: f"sysctl -qw net/ipv4/conf/{w.node.bridge}/forwarding=0",
        "forwarding",
        "node",
    ),
    Fault("the route to the other node is missing", lambda w: f"ip route del {w.other_node.subnet}", "route", "node"),
    Fault(
        "the route to the other node leads astray",
        lambda w: f"ip route replace {w.other_node.subnet} via {w.astray}",
        "address",
        "node",
    ),
    Fault(
        "the route is for one Pod alone",
        lambda w: f"ip route del {w.other_node.subnet}; ip route add {w.other_node.pod(9).ip} via {w.other_node.external.ip}",
        "route",
        "node",
    ),
    Fault("the route is a blackhole", lambda w: f"ip route replace blackhole {w.other_node.subnet}", "route", "node"),
    Fault(
        "a longer prefix leads astray",
        lambda w: f"ip route add {w.other.ip} via {w.astray}",
        "address",
        "node",
    ),
    Fault("the way back is missing", lambda w: f"ip route del {w.node.subnet}", "route", "other node", "there"),
    Fault("the other Pod has no way back", lambda w: f"ip -n {w.other.name} route del default", "route", "other pod", "there"),
    Fault(
        "a strict filter, and another way back",
        lambda w: f"sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route del {w.node.subnet}",
        "forwarding",
        "other node",
        "there",
    ),
    Fault("a firewall drops what passes", lambda w: DROP.format(hook="forward", policy="drop"), "firewall", "node"),
    Fault("a firewall drops what passes, there", lambda w: DROP.format(hook="forward", policy="drop"), "firewall", "other node", "there"),
    Fault(
        "a firewall drops what is for the node",
        # Of the Pod alone: a policy would cut a VM off from who drives it.
        lambda w: DROP.format(hook="input", policy="accept") + f"; nft add rule ip broken c ip saddr {w.pod.ip} drop",
        "firewall",
        "node",
        pair=lambda w: (w.pod.name, w.node.name),
    ),
    Fault(
        "a firewall drops pings alone",
        lambda w: DROP.format(hook="forward", policy="accept") + "; nft add rule ip broken c meta l4proto icmp drop",
        "firewall",
        "node",
    ),
    Fault(
        "a wrong neighbour, written by hand",
        lambda w: f"ip -n {w.pod.name} neigh replace {w.node.gateway.ip} lladdr 02:00:00:00:00:99 dev {w.pod.veth} nud permanent",
        "neighbour",
        "pod",
    ),
    Fault(
        "the neighbour does not answer ARP",
        lambda w: f"ip -n {w.neighbour.name} link set dev {w.neighbour.veth} arp off",
        "neighbour",
        "neighbour",
        pair=lambda w: w.beside,
    ),
    Fault(
        "the other node's cable is down",
        lambda w: "ip link set dev $(ip -o -4 addr show to 192.168.1.0/24 | awk '{print $2}') down",
        "cable",
        "other node",
        "there",
    ),
)
"""The catalogue."""
