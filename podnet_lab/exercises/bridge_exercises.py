"""Exercises of notebook 2: a bridge is a network, and a network is a range of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from podnet_lab import recipes
from podnet_lab.checks.check import Check
from podnet_lab.devices.roles import bridge_of, gateways
from podnet_lab.exercises.claims import Cluster, bridges
from podnet_lab.exercises.exercise import Exercise, Mistake
from podnet_lab.plan import POD_NETWORK

PODS = 400


def _neighbours(lab) -> None:
    lab.run({name: recipes.stage("bridge", lab.plan[name], lab.plan) for name in ("node1", "node3")})


def _room(network: IPv4Network) -> int:
    return network.num_addresses - 3


def _others(cluster: Cluster) -> list[tuple[str, IPv4Network]]:
    return [(name, gateway.network) for name in ("node1", "node3") for gateway in gateways(cluster[name])]


def _check_room(lab) -> Iterator[Check]:
    cluster = lab.snapshot()
    bridge, own = bridge_of(cluster["node2"]), gateways(cluster["node2"])
    present = bridges(cluster["node2"])
    said = f"it has {' and '.join(one.name for one in present) or 'none'}"
    yield Check("node2 has one bridge", None if len(present) == 1 else said)
    yield Check("it is up", None if bridge.up else f"{bridge.name} is down")
    yield Check("it has one address", None if len(own) == 1 else f"{bridge.name} has {', '.join(map(str, own)) or 'none'}")
    network = own[0].network
    yield Check(f"there is room for {PODS} Pods", None if _room(network) >= PODS else f"{network} has room for {max(_room(network), 0)}")
    theirs = next((f"{name} has {taken}" for name, taken in _others(cluster) if taken.overlaps(network)), None)
    yield Check("no other node has the same addresses", f"{network} is yours, and {theirs}" if theirs else None)
    inside = network.subnet_of(POD_NETWORK)
    yield Check(f"all of it lies in {POD_NETWORK}", None if inside else f"{network} does not")


def _too_small(cluster: Cluster) -> bool:
    return any(_room(gateway.network) < PODS for gateway in gateways(cluster["node2"]))


def _overlaps(cluster: Cluster) -> bool:
    return any(taken.overlaps(gateway.network) for gateway in gateways(cluster["node2"]) for _, taken in _others(cluster))


ROOM = Exercise(
    "bridge-1",
    f"Room for {PODS} Pods",
    f"Node 2 is to have {PODS} Pods. Nodes 1 and 3 have their bridges already (10.244.1.1/24 and 10.244.3.1/24).\n"
    f"On node2, make a bridge, with any name (like br0), that is up and has an address. Its subnet has room for {PODS} Pods,\n"
    f"lies in {POD_NETWORK}, and shares no address with another node's.",
    _check_room,
    (
        "How many addresses has a /24, and how many has the next larger subnet? Where may that one begin?",
        "`ipcalc`, or Python: `ipaddress.ip_interface('10.244.2.1/23').network` says where a subnet begins and ends",
        "`ip link add v-net-0 type bridge`, `ip link set dev v-net-0 up`, `ip addr add 10.244.16.1/23 dev v-net-0`",
    ),
    (
        Mistake(
            "not switched on",
            lambda cluster: any(not bridge.up for bridge in bridges(cluster["node2"])),
            "It has been made. Does a bridge begin to work by itself?",
        ),
        Mistake(
            "too small",
            _too_small,
            f"How many addresses does your prefix length leave? One is the bridge's, two are nobody's, and {PODS} are for Pods.",
        ),
        Mistake(
            "into a neighbour's range",
            _overlaps,
            "Write down the first and the last address of your subnet. Which node has some of those already?",
        ),
    ),
    start="bridge",
    prepare=_neighbours,
)


def _check_teams(lab) -> Iterator[Check]:
    node = lab["node1"].snapshot()
    present = bridges(node)
    yield Check("node1 has two bridges", None if len(present) == 2 else f"it has {len(present) or 'none'}")
    down = [bridge.name for bridge in present if not bridge.up]
    yield Check("both are up", f"{' and '.join(down)} {'are' if len(down) > 1 else 'is'} down" if down else None)
    own_addresses = {bridge.name: node.own.addresses_of(bridge.name) for bridge in present}
    bare = [name for name, own in own_addresses.items() if not own]
    yield Check("both have an address", f"{' and '.join(bare)} {'have' if len(bare) > 1 else 'has'} none" if bare else None)
    tiny = [name for name, own in own_addresses.items() if any(interface.network.prefixlen > 30 for interface in own)]
    yield Check("both subnets have room for Pods", f"{tiny[0]} has {own_addresses[tiny[0]][0]}" if tiny else None)
    subnets = " and ".join(str(own[0].network) for own in own_addresses.values())
    yield Check("no address is in both subnets", subnets if _twice(node) else None)


def _twice(node) -> bool:
    networks = [[interface.network for interface in node.own.addresses_of(link.name)] for link in bridges(node)]
    return any(a.overlaps(b) for ours, theirs in combinations(networks, 2) for a in ours for b in theirs)


TEAMS = Exercise(
    "bridge-2",
    "Two teams, two switches",
    "Two teams share node1, and are not to meet. Make two bridges on node1, with any names (like br0), both up,\n"
    "each with an address from a subnet of its own.",
    _check_teams,
    (
        "To which of the two bridges does the node send what is for an address that both call their own?",
        "`ip route` on node1: each address of a bridge has made one line there",
        "`ip addr add 10.244.1.1/25 dev …` for one, `ip addr add 10.244.1.129/25 dev …` for the other",
    ),
    (
        Mistake(
            "the same subnet twice",
            lambda cluster: _twice(cluster["node1"]),
            "Two addresses are not two subnets. Which network does each of them lie in? `ip route` on node1 shows it.",
        ),
        Mistake(
            "one is not switched on",
            lambda cluster: len({bridge.up for bridge in bridges(cluster["node1"])}) == 2,
            "One of the two is up. What is different with the other?",
        ),
    ),
    start="bridge",
)

EXERCISES = (ROOM, TEAMS)
