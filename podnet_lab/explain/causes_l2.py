"""
Causes between two neighbours: interfaces, cables, bridges, MACs, and who answers ARP. Pure.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from podnet_lab.devices import link
from podnet_lab.devices.roles import bridge_of
from podnet_lab.devices.veth import steps as veth
from podnet_lab.explain.cause import Obstacle, Place, name
from podnet_lab.model import FdbEntry, Link, Neighbour, Snapshot
from podnet_lab.steps import neighbour
from podnet_lab.steps.base import on


def down(place: Place, dev: str) -> Obstacle:
    """An interface on the way is down."""
    question = f"Is each interface on the way of {name(place)} up?"
    text = f"{dev} in {name(place)} is down"
    return Obstacle(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.up(dev, place[1]))


def swallowed(place: Place, found: Link) -> Obstacle:
    """An interface with an address is a bridge's port."""
    text = f"{found.name} in {name(place)} is plugged into {found.master}, and what it hears goes there"
    question = f"Who gets what {found.name} hears?"
    return Obstacle(text, "cable", place, question, f"ip {on(place[1])}link show dev {found.name}", veth.unplug(found.name))


def deaf(place: Place, dev: str) -> Obstacle:
    """An interface does not answer ARP."""
    question = f"Does {name(place)} say where its address is, if somebody asks?"
    text = f"{dev} in {name(place)} does not answer ARP"
    return Obstacle(text, "neighbour", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], arp=True))


def stale(place: Place, found: Neighbour) -> Obstacle:
    """A neighbour is believed to be where it is not."""
    question = f"Where does {name(place)} believe {found.address} to be, and where is it?"
    text = f"{name(place)} has a MAC for {found.address} that is no longer its own"
    forget = neighbour.remove(str(found.address), found.dev, place[1])
    repair = (forget,) if found.state == "PERMANENT" else ()
    return Obstacle(text, "neighbour", place, question, f"ip {on(place[1])}neigh", *repair, mend=forget.command)


def loose(place: Place, dev: str, node: Snapshot) -> Obstacle:
    """A cable's end hangs in the air."""
    bridge = bridge_of(node)
    question = f"Where does the other end of the cable lead, and what is {dev} plugged into?"
    repair = (veth.plug(dev, into=bridge.name),) if bridge and place[1] is None else ()
    return Obstacle(f"{dev} is not plugged into anything", "cable", place, question, f"ip link show dev {dev}", *repair)


def apart(place: Place, end: str, bridge: str, wanted: str) -> Obstacle:
    """Two who should be neighbours hang on two bridges."""
    text = f"{end} is plugged into {bridge}, and who is to be reached is on {wanted}"
    question = f"Which bridge is {end} plugged into, and which are the others?"
    return Obstacle(text, "cable", place, question, f"ip link show dev {end}", veth.unplug(end), veth.plug(end, into=wanted))


def nobody(place: Place, dev: str, address: IPv4Address) -> Obstacle:
    """Nobody who hears the question has the address."""
    question = f"Who of those that {name(place)}'s {dev} reaches has {address}?"
    text = f"nobody beyond {name(place)}'s {dev} has {address}"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}neigh show {address}", mend="ip addr add … (where it belongs)")


def too_wide(place: Place, dev: str, address: IPv4Address, prefix: IPv4Interface) -> Obstacle:
    """An address's prefix takes in what is not on the same link."""
    text = f"{name(place)} takes {address} for a neighbour, as {prefix} on {dev} says, but nobody beyond {dev} has it"
    question = f"Which addresses does {prefix} say are on the same cable?"
    mend = f"ip {on(place[1])}addr del {prefix} dev {dev}; ip {on(place[1])}addr add {prefix.ip}/… dev {dev}"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}addr show dev {dev}", mend=mend)


def holds_back(place: Place, found: Link) -> Obstacle:
    """A bridge's port is up, and lets nothing through: spanning tree, or somebody, has it so."""
    text = f"{found.name} in {name(place)} is a port that is {found.port}"
    question = f"What does {found.master} do with a frame that comes in at {found.name}?"
    look = f"bridge {on(place[1])}-d link show dev {found.name}"
    return Obstacle(text, "cable", place, question, look, mend=f"bridge {on(place[1])}link set dev {found.name} state 3")


def isolated(place: Place, one: str, other: str) -> Obstacle:
    """Two ports of a bridge are kept apart."""
    text = f"{one} and {other} in {name(place)} are isolated from each other"
    question = f"May a frame go from {one} to {other}?"
    look = f"bridge {on(place[1])}-d link show"
    return Obstacle(text, "cable", place, question, look, mend=f"bridge {on(place[1])}link set dev {one} isolated off")


def narrow(place: Place, dev: str, most: int, size: int) -> Obstacle:
    """A cable's end takes no frames of that size, and says nothing (is_skb_forwardable in the kernel's net/core/dev.c)."""
    text = f"{dev} in {name(place)} has an MTU of {most}, and drops a packet of {size} bytes without a word"
    question = f"How big a packet may each interface on the way take, and how big is this one ({size} bytes)?"
    return Obstacle(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], mtu=1500))


def twins(place: Place, mac_of: str, other: str) -> Obstacle:
    """Two interfaces of one link have the same MAC: a bridge can't tell them apart."""
    text = f"{mac_of} and {other} have the same MAC, and the bridge can't tell them apart"
    question = f"How does a bridge know behind which port {mac_of} is?"
    look = f"ip {on(place[1])}link show; bridge fdb show"
    return Obstacle(text, "neighbour", place, question, look, mend=f"ip {on(place[1])}link set dev … address 02:…")


def misled(place: Place, found: FdbEntry, wanted: str) -> Obstacle:
    """A bridge's forwarding table sends frames out of a wrong port."""
    text = f"{name(place)}'s bridge sends what is for {wanted} to {found.dev}"
    question = f"Behind which port does the bridge believe {wanted} to be?"
    return Obstacle(text, "neighbour", place, question, "bridge fdb show", mend=f"bridge fdb del {found.mac} dev {found.dev} master")


def table_full(place: Place, entries: int) -> Obstacle:
    """The kernel's table of neighbours takes no more (net.ipv4.neigh.default.gc_thresh3)."""
    text = f"{place[0]}'s table of neighbours is full: it has {entries} entries, over all namespaces together"
    question = "How many neighbours may this kernel remember, and how many does it?"
    look = "sysctl net.ipv4.neigh.default.gc_thresh3; ip neigh | wc -l"
    return Obstacle(text, "neighbour", place, question, look, mend="ip neigh flush all")


def deaf_to_its_own(place: Place, sender: IPv4Address, address: IPv4Address) -> Obstacle:
    """Who is asked has the asking address, too: the kernel takes the question for forged, and does not answer."""
    text = f"{name(place)} does not answer {sender}, who asks for {address}: it has {sender} itself"
    question = f"Who has {sender}?"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}addr", mend=f"ip {on(place[1])}addr del {sender}/… dev …")
