"""
Causes between two neighbours: interfaces, cables, bridges, MACs, and who answers ARP. Pure.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from podnet_lab.devices import link
from podnet_lab.devices.roles import bridge_of
from podnet_lab.devices.veth import steps as veth
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.model import FdbEntry, Link, Neighbour, Snapshot
from podnet_lab.steps import neighbour
from podnet_lab.steps.base import on


def link_down(place: Place, dev: str) -> Cause:
    """An interface on the way is down."""
    question = f"Is each interface on the way of {place_name(place)} up?"
    text = f"{dev} in {place_name(place)} is down"
    return Cause(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.up(dev, place[1]))


def enslaved(place: Place, port: Link) -> Cause:
    """An interface with an address is enslaved to a bridge."""
    text = f"{port.name} in {place_name(place)} is plugged into {port.master}, and what it hears goes there"
    question = f"Who gets what {port.name} hears?"
    return Cause(text, "cable", place, question, f"ip {on(place[1])}link show dev {port.name}", veth.unplug(port.name))


def arp_off(place: Place, dev: str) -> Cause:
    """An interface does not answer ARP."""
    question = f"Does {place_name(place)} say where its address is, if somebody asks?"
    text = f"{dev} in {place_name(place)} does not answer ARP"
    return Cause(text, "neighbour", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], arp=True))


def stale_neighbour(place: Place, entry: Neighbour) -> Cause:
    """A neighbour entry has a MAC that is not the neighbour's."""
    question = f"Where does {place_name(place)} believe {entry.address} to be, and where is it?"
    text = f"{place_name(place)} has a MAC for {entry.address} that is no longer its own"
    forget = neighbour.remove(str(entry.address), entry.dev, place[1])
    repair = (forget,) if entry.state == "PERMANENT" else ()
    return Cause(text, "neighbour", place, question, f"ip {on(place[1])}neigh", *repair, mend=forget.command)


def unplugged(place: Place, dev: str, node: Snapshot) -> Cause:
    """A cable's end is plugged into no bridge."""
    bridge = bridge_of(node)
    question = f"Where does the other end of the cable lead, and what is {dev} plugged into?"
    repair = (veth.plug(dev, into=bridge.name),) if bridge and place[1] is None else ()
    return Cause(f"{dev} is not plugged into anything", "cable", place, question, f"ip link show dev {dev}", *repair)


def on_other_bridge(place: Place, end: str, bridge: str, wanted: str) -> Cause:
    """Two Pods that should be neighbours are on two bridges."""
    text = f"{end} is plugged into {bridge}, and who is to be reached is on {wanted}"
    question = f"Which bridge is {end} plugged into, and which are the others?"
    return Cause(text, "cable", place, question, f"ip link show dev {end}", veth.unplug(end), veth.plug(end, into=wanted))


def nobody_has(place: Place, dev: str, address: IPv4Address) -> Cause:
    """Nobody who receives the ARP request has the address."""
    question = f"Who of those that {place_name(place)}'s {dev} reaches has {address}?"
    text = f"nobody beyond {place_name(place)}'s {dev} has {address}"
    return Cause(text, "address", place, question, f"ip {on(place[1])}neigh show {address}", mend="ip addr add … (where it belongs)")


def prefix_too_wide(place: Place, dev: str, address: IPv4Address, prefix: IPv4Interface) -> Cause:
    """An address's prefix takes in what is not on the same link."""
    text = f"{place_name(place)} takes {address} for a neighbour, as {prefix} on {dev} says, but nobody beyond {dev} has it"
    question = f"Which addresses does {prefix} say are on the same cable?"
    mend = f"ip {on(place[1])}addr del {prefix} dev {dev}; ip {on(place[1])}addr add {prefix.ip}/… dev {dev}"
    return Cause(text, "address", place, question, f"ip {on(place[1])}addr show dev {dev}", mend=mend)


def port_not_forwarding(place: Place, port: Link) -> Cause:
    """A bridge's port is up, but not in the state forwarding: spanning tree, or somebody, set it so."""
    text = f"{port.name} in {place_name(place)} is a port that is {port.port}"
    question = f"What does {port.master} do with a frame that comes in at {port.name}?"
    look = f"bridge {on(place[1])}-d link show dev {port.name}"
    return Cause(text, "cable", place, question, look, mend=f"bridge {on(place[1])}link set dev {port.name} state 3")


def isolated_ports(place: Place, port: str, peer: str) -> Cause:
    """Two ports of a bridge are isolated: it passes no frames from one to the other."""
    text = f"{port} and {peer} in {place_name(place)} are isolated from each other"
    question = f"May a frame go from {port} to {peer}?"
    look = f"bridge {on(place[1])}-d link show"
    return Cause(text, "cable", place, question, look, mend=f"bridge {on(place[1])}link set dev {port} isolated off")


def mtu_too_small(place: Place, dev: str, most: int, size: int) -> Cause:
    """A cable's end takes no frames of that size, and says nothing (is_skb_forwardable in the kernel's net/core/dev.c)."""
    text = f"{dev} in {place_name(place)} has an MTU of {most}, and drops a packet of {size} bytes without a word"
    question = f"How big a packet may each interface on the way take, and how big is this one ({size} bytes)?"
    return Cause(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], mtu=1500))


def duplicate_mac(place: Place, mac_of: str, twin: str) -> Cause:
    """Two interfaces of one link have the same MAC: a bridge can't tell them apart."""
    text = f"{mac_of} and {twin} have the same MAC, and the bridge can't tell them apart"
    question = f"How does a bridge know behind which port {mac_of} is?"
    look = f"ip {on(place[1])}link show; bridge fdb show"
    return Cause(text, "neighbour", place, question, look, mend=f"ip {on(place[1])}link set dev … address 02:…")


def wrong_fdb_entry(place: Place, entry: FdbEntry, wanted: str) -> Cause:
    """A bridge's forwarding table (FDB) sends frames out of a wrong port."""
    text = f"{place_name(place)}'s bridge sends what is for {wanted} to {entry.dev}"
    question = f"Behind which port does the bridge believe {wanted} to be?"
    return Cause(text, "neighbour", place, question, "bridge fdb show", mend=f"bridge fdb del {entry.mac} dev {entry.dev} master")


def neighbour_table_full(place: Place, entries: int) -> Cause:
    """The kernel's table of neighbours takes no more (net.ipv4.neigh.default.gc_thresh3)."""
    text = f"{place[0]}'s table of neighbours is full: it has {entries} entries, over all namespaces together"
    question = "How many neighbours may this kernel remember, and how many does it?"
    look = "sysctl net.ipv4.neigh.default.gc_thresh3; ip neigh | wc -l"
    return Cause(text, "neighbour", place, question, look, mend="ip neigh flush all")


def arp_from_own_address(place: Place, sender: IPv4Address, address: IPv4Address) -> Cause:
    """Whoever is asked has the ARP request's source address, too: the kernel takes the request for forged, and does not answer."""
    text = f"{place_name(place)} does not answer {sender}, who asks for {address}: it has {sender} itself"
    question = f"Who has {sender}?"
    return Cause(text, "address", place, question, f"ip {on(place[1])}addr", mend=f"ip {on(place[1])}addr del {sender}/… dev …")
