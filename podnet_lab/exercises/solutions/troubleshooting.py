"""Solutions to the ten cases; where each of them is follows from who does not reach whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

from podnet_lab.exercises.solution import Solution
from podnet_lab.exercises.solutions.route import MASQUERADE
from podnet_lab.exercises.task import Task


def at(here: str = "", there: str = "") -> Callable[[Task], dict[str, str]]:
    """
    What is typed on the sender's node and on the receiver's; the two may be the same.

    {pod}, {veth}, {end}, {bridge}, {gateway}, {subnet} and {node} are the sender's, {other_…} the receiver's; {near} is the
    sender's gateway with its prefix length, {node_ip} and {other_ip} are the nodes' own.
    """

    def work(task: Task) -> dict[str, str]:
        places = _places(task)
        found = {places.node: here.format(**vars(places))} if here else {}
        return found | ({places.other_node: there.format(**vars(places))} if there else {})

    return work


def _places(task: Task) -> SimpleNamespace:
    names = re.search(r"(\S+) does not reach (\S+)", task.note).groups()
    (pod, node), (other, there) = [
        next((pod, node) for node in task.lab.plan.nodes for pod in node.pods(task.lab.plan.pods_per_node) if pod.name == name)
        for name in names
    ]
    return SimpleNamespace(
        pod=pod.name,
        veth=pod.veth,
        end=pod.bridge_end,
        ip=pod.ip,
        bridge=node.bridge,
        near=node.gateway,
        gateway=node.gateway.ip,
        subnet=node.subnet,
        node=node.name,
        node_ip=node.external.ip,
        last=node.subnet.broadcast_address - 1,
        other=other.name,
        other_veth=other.veth,
        other_pod_ip=other.ip,
        other_subnet=there.subnet,
        other_node=there.name,
        other_ip=there.external.ip,
    )


_DEFAULT = "ip -n {pod} route add default via {gateway}"
_BY_HAND = (
    "mac=$(ip -n {other} -o link show dev {other_veth} | sed 's/.*ether \\([0-9a-f:]*\\).*/\\1/'); "
    "ip -n {pod} neigh replace {other_pod_ip} lladdr $mac dev {veth} nud permanent"
)
_ACCEPT = (
    "nft add table ip mine; nft 'add chain ip mine c {{ type filter hook forward priority -10 ; }}'; "
    "nft add rule ip mine c meta l4proto icmp accept"
)

SOLUTIONS = {
    "trouble-1": Solution(
        right={"by hand": at("ip link set {end} master {bridge}")},
        wrong={"a bridge of its own": at("ip link add switch type bridge; ip link set switch up; ip link set {end} master switch")},
    ),
    "trouble-2": Solution(
        right={"by hand": at("ip -n {pod} link set dev {veth} up; " + _DEFAULT)},
        wrong={"switched on, and no more": at("ip -n {pod} link set dev {veth} up")},
    ),
    "trouble-3": Solution(
        right={"by hand": at("ip addr add {near} dev {bridge}")},
        wrong={"without neighbours": at("ip addr add {gateway} dev {bridge}")},
    ),
    "trouble-4": Solution(
        right={"by hand": at(_DEFAULT)},
        wrong={"some of the way": at("ip -n {pod} route add {other_subnet} via {gateway}")},
    ),
    "trouble-5": Solution(
        right={"by hand": at("ip -n {pod} route replace default via {gateway}")},
        wrong={"the gateway moved": at("ip addr add {last}/24 dev {bridge}")},
    ),
    "trouble-6": Solution(
        right={"by hand": at(there="sysctl -qw net.ipv4.ip_forward=1")},
        wrong={"one interface alone": at(there="sysctl -qw net/ipv4/conf/{bridge}/forwarding=1")},
    ),
    "trouble-7": Solution(
        right={"by hand": at(there="ip route add {subnet} via {node_ip}")},
        wrong={
            "translated": at(MASQUERADE.replace("{}", "{subnet}")),
            "for one Pod alone": at(there="ip route add {ip} via {node_ip}"),
        },
    ),
    "trouble-8": Solution(
        right={"by hand": at("ip route del {other_pod_ip}")},
        wrong={"the right route is gone": at("ip route del {other_subnet}")},
    ),
    "trouble-9": Solution(
        right={"by hand": at("ip -n {other} link set dev {other_veth} arp on")},
        wrong={"written by hand": at(_BY_HAND)},
    ),
    "trouble-10": Solution(
        right={"the table deleted": at("nft delete table ip broken"), "the rule deleted": at("nft flush chain ip broken c")},
        wrong={"accepted elsewhere": at(_ACCEPT)},
    ),
}
