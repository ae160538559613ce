"""Solutions to the ten cases; where each of them is follows from who does not reach whom."""

from __future__ import annotations

from collections.abc import Callable

from podnet_lab.exercises.solution import Solution
from podnet_lab.exercises.solutions.route_solutions import MASQUERADE
from podnet_lab.exercises.task import Task


def at(here: str = "", there: str = "") -> Callable[[Task], dict[str, str]]:
    """
    What is typed on the Pod's node and on the other one, with the places of the fault in braces.

    {pod…}, {node…} and {neighbour…}, {other…} and {other_node…} are `podnet_lab.explain.fault_places.FaultPlaces`'s,
    {where.unused_ip} is an address of the external network that nobody has.
    """

    def work(task: Task) -> dict[str, str]:
        places = task.lab.broken.where
        typed = {places.node.name: here, places.other_node.name: there}
        return {node: words.format(where=places, **vars(places)) for node, words in typed.items() if words}

    return work


_DEFAULT = "ip -n {pod.name} route add default via {node.gateway.ip}"
_BY_HAND = (
    "mac=$(ip -n {neighbour.name} -o link show dev {neighbour.dev} | sed 's/.*ether \\([0-9a-f:]*\\).*/\\1/'); "
    "ip -n {pod.name} neigh replace {neighbour.ip} lladdr $mac dev {pod.dev} nud permanent"
)
_ACCEPT = (
    "nft add table ip mine; nft 'add chain ip mine c {{ type filter hook forward priority -10 ; }}'; "
    "nft add rule ip mine c meta l4proto icmp accept"
)

SOLUTIONS = {
    "trouble-1": Solution(
        right={"by hand": at("ip link set {pod.end} master {node.bridge}")},
        wrong={"a bridge of its own": at("ip link add switch type bridge; ip link set switch up; ip link set {pod.end} master switch")},
    ),
    "trouble-2": Solution(
        right={"by hand": at("ip -n {pod.name} link set dev {pod.dev} up; " + _DEFAULT)},
        wrong={"switched on, and no more": at("ip -n {pod.name} link set dev {pod.dev} up")},
    ),
    "trouble-3": Solution(
        right={"by hand": at("ip addr add {node.gateway} dev {node.bridge}")},
        wrong={"without neighbours": at("ip addr add {node.gateway.ip} dev {node.bridge}")},
    ),
    "trouble-4": Solution(
        right={"by hand": at(_DEFAULT)},
        wrong={"some of the way": at("ip -n {pod.name} route add {other_node.subnet} via {node.gateway.ip}")},
    ),
    "trouble-5": Solution(
        right={"by hand": at("ip -n {pod.name} route replace default via {node.gateway.ip}")},
        wrong={"the gateway moved": at("ip addr add {node.free}/24 dev {node.bridge}")},
    ),
    "trouble-6": Solution(
        right={"by hand": at(there="sysctl -qw net.ipv4.ip_forward=1")},
        wrong={"one interface alone": at(there="sysctl -qw net/ipv4/conf/{other_node.bridge}/forwarding=1")},
    ),
    "trouble-7": Solution(
        right={"by hand": at(there="ip route add {node.subnet} via {node.external.ip}")},
        wrong={
            "translated": at(MASQUERADE.replace("{}", "{node.subnet}")),
            "for one Pod alone": at(there="ip route add {pod.ip} via {node.external.ip}"),
        },
    ),
    "trouble-8": Solution(
        right={"by hand": at("ip route del {other.ip}")},
        wrong={
            "the right route is gone": at("ip route del {other_node.subnet}"),
            "somebody answers there": at(there="ip addr add {where.unused_ip}/24 dev {other_node.uplink}"),
        },
    ),
    "trouble-9": Solution(
        right={"by hand": at("ip -n {neighbour.name} link set dev {neighbour.dev} arp on")},
        wrong={"written by hand": at(_BY_HAND)},
    ),
    "trouble-10": Solution(
        right={"the table deleted": at("nft delete table ip broken"), "the rule deleted": at("nft flush chain ip broken c")},
        wrong={"accepted elsewhere": at(_ACCEPT)},
    ),
}
