"""
Causes between two neighbours: interfaces, cables, bridges, MACs, and who answers ARP. Pure.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from podnet_lab.devices import link
from podnet_lab.devices.roles import bridge_of
from podnet_lab.devices.veth import steps as veth
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.model import Address, FdbEntry, Link, Neighbour, Snapshot
from podnet_lab.steps import neighbour
from podnet_lab.steps.address import add as add_address
from podnet_lab.steps.base import on


def link_down(place: Place, dev: str) -> Cause:
    """An interface on the way is down."""
    question = f"Is each interface on the way of {place_name(place)} up?"
    text = f"{dev} in {place_name(place)} is down"
    return Cause(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.up(dev, place[1]))


def no_carrier(place: Place, dev: str) -> Cause:
    """An interface is up, but has no carrier: its cable is cut, or a program or person holds it down (``protodown``)."""
    text = f"{dev} in {place_name(place)} is up, but has no carrier"
    question = f"Does {dev} say LOWER_UP, and what holds it down if not?"
    return Cause(text, "cable", place, question, f"ip -d {on(place[1])}link show dev {dev}")


def enslaved(place: Place, port: Link) -> Cause:
    """An interface with an address is enslaved to a bridge."""
    text = f"{port.name} in {place_name(place)} is plugged into {port.master}, and what it hears goes there"
    question = f"Who gets what {port.name} hears?"
    look = f"ip {on(place[1])}link show dev {port.name}"
    if place[1] is not None:  # no step unplugs in a Pod
        return Cause(text, "cable", place, question, look, mend=f"ip {on(place[1])}link set dev {port.name} nomaster")
    return Cause(text, "cable", place, question, look, veth.unplug(port.name))


def taken_by_upper(place: Place, lower: str, upper: str, namespace: str | None) -> Cause:
    """An interface on top of another, in a *namespace* of that node, takes all that comes in there, as a macvlan of mode passthru does."""
    text = f"{upper} takes all that comes in at {place_name(place)}'s {lower}, on which it sits"
    question = f"Which interfaces sit on {lower}, and what do they leave to it?"
    return Cause(text, "cable", place, question, f"ip -d {on(place[1])}link show", mend=f"ip {on(namespace)}link del {upper}")


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


def unasked_neighbour(place: Place, entry: Neighbour) -> Cause:
    """A neighbour entry has no MAC, and nobody asks for it: it was written so."""
    question = f"Does {place_name(place)} ask for the MAC of {entry.address}?"
    text = f"{place_name(place)} has no MAC for {entry.address}, and does not ask for it: somebody wrote that it is {entry.state}"
    forget = neighbour.remove(str(entry.address), entry.dev, place[1])
    return Cause(text, "neighbour", place, question, f"ip {on(place[1])}neigh", mend=forget.command)


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
    undecided = f"nobody here says who should have {address}"
    return Cause(text, "address", place, question, f"ip {on(place[1])}neigh show {address}", undecided=undecided)


def prefix_too_wide(
    place: Place, dev: str, address: IPv4Address, prefix: IPv4Interface, right: int | None, own: tuple[IPv4Interface, ...] = ()
) -> Cause:
    """
    An address's prefix takes in what is not on the same link; *right*: its length as others on the link have it, if they agree.

    *own* are all addresses of the interface: the right one may be among them.
    """
    text = f"{place_name(place)} takes {address} for a neighbour, as {prefix} on {dev} says, but nobody beyond {dev} has it"
    question = f"Which addresses does {prefix} say are on the same cable?"
    add, away = f"ip {on(place[1])}addr add {prefix.ip}/{right} dev {dev}; ", f"ip {on(place[1])}addr del {prefix} dev {dev}"
    mend = ("" if IPv4Interface(f"{prefix.ip}/{right}") in own else add) + away if right else ""
    undecided = "nobody else on that cable says how long the prefix should be"
    return Cause(text, "address", place, question, f"ip {on(place[1])}addr show dev {dev}", mend=mend, undecided=undecided)


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


def port_flag(place: Place, port: Link, flag: str, to: str) -> Cause:
    """A flag of a bridge's port keeps frames from it; as *to* it would let them pass."""
    text = f"{port.name} in {place_name(place)} is a port that is {port.port}"
    question = f"What does {port.master} do with a frame for, or from, {port.name}?"
    look = f"bridge {on(place[1])}-d link show dev {port.name}"
    return Cause(text, "cable", place, question, look, mend=f"bridge {on(place[1])}link set dev {port.name} {flag} {to}")


def bridge_forgot_itself(place: Place, bridge: str, mac: str) -> Cause:
    """A bridge's forwarding table lacks its own MAC: what is for the node itself is taken for somebody else's (br_handle_frame_finish)."""
    text = f"{bridge} in {place_name(place)} has no forwarding entry for its own MAC, and so does not take what is for {place_name(place)}"
    question = f"Which of {bridge}'s forwarding entries says that a frame is for {place_name(place)} itself?"
    look = f"bridge {on(place[1])}fdb show br {bridge}"
    return Cause(text, "neighbour", place, question, look, mend=f"bridge {on(place[1])}fdb add {mac} dev {bridge} self permanent")


def no_arp_reply(place: Place, address: IPv4Address, sender: IPv4Address | None, why: str, mend: str) -> Cause:
    """The owner of *address* does not answer an ARP request from *sender*, as a setting of its says."""
    text = f"{place_name(place)} does not answer {sender or 'whoever'}, who asks for {address}: {why}"
    question = f"Does {place_name(place)} say where {address} is, if somebody asks?"
    inside = f"ip netns exec {place[1]} " if place[1] else ""
    return Cause(text, "neighbour", place, question, f"{inside}sysctl -a --pattern arp_", mend=f"{inside}{mend}" if mend else "")


def asks_nobody(place: Place, dev: str, key: str, usual: int) -> Cause:
    """A setting keeps a place from asking for a MAC (net.ipv4.neigh.DEV.…)."""
    text = f"{place_name(place)} asks nobody for a MAC through {dev}: {key} is 0"
    question = f"Does {place_name(place)} ask for its neighbours' MACs?"
    inside = f"ip netns exec {place[1]} " if place[1] else ""
    setting = f"net/ipv4/neigh/{dev}/{key}"
    return Cause(text, "neighbour", place, question, f"{inside}sysctl {setting}", mend=f"{inside}sysctl -w {setting}={usual}")


def proxy_without_route(place: Place, dev: str, address: IPv4Address) -> Cause:
    """A router that answers for others (proxy_arp) answers only for what it has a route to, out of another interface (arp_fwd_proxy)."""
    text = f"{place_name(place)} answers for others on {dev} (proxy_arp), but has no other route to {address}, and so not for that"
    question = f"By which route would {place_name(place)} reach {address}?"
    give = add_address(f"{address}/32", dev=dev, namespace=place[1])
    return Cause(text, "route", place, question, f"ip {on(place[1])}route get {address}", give)


def no_hairpin(place: Place, port: Link) -> Cause:
    """A frame would have to leave its bridge by the port that it came in by (its target was rewritten), and the port is no hairpin."""
    text = f"what {port.name} in {place_name(place)} hears would have to go out of it again: it is no hairpin, and {port.master} keeps it"
    question = f"May a frame go out of {port.name} that came in by it?"
    look = f"bridge {on(place[1])}-d link show dev {port.name}; sysctl net.bridge.bridge-nf-call-iptables"
    return Cause(text, "cable", place, question, look, mend=f"bridge {on(place[1])}link set dev {port.name} hairpin on")


def mtu_too_small(place: Place, dev: str, most: int, size: int) -> Cause:
    """A cable's end takes no frames of that size, and says nothing (is_skb_forwardable in the kernel's net/core/dev.c)."""
    text = f"{dev} in {place_name(place)} has an MTU of {most}, and drops a packet of {size} bytes without a word"
    question = f"How big a packet may each interface on the way take, and how big is this one ({size} bytes)?"
    return Cause(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], mtu=1500))


def duplicate_mac(place: Place, one: tuple[Place, str], other: tuple[Place, str], mac: str, switch: str = "the bridge") -> Cause:
    """Two interfaces of one link, each as (place, name), have the same MAC: a bridge, or another *switch*, can't tell them apart."""
    names = (place_name(one[0]), f"{place_name(other[0])}'s {other[1]}" if other[0] == place else place_name(other[0]))
    text = f"{names[0]} and {names[1]} have the same MAC, and {switch} can't tell them apart"
    question = f"How does {switch} know behind which port {names[0]} is?"
    look = f"ip {on(place[1])}link show; bridge fdb show"
    free = "02" + mac[2:] if mac[:2] != "02" else "06" + mac[2:]  # a locally administered address (IEEE 802) that only differs there
    change = link.change(one[1], one[0][1], mac=free)
    return Cause(text, "neighbour", place, question, look, change)


def wrong_fdb_entry(place: Place, entry: FdbEntry, wanted: str) -> Cause:
    """A bridge's forwarding table (FDB) sends frames out of a wrong port."""
    text = f"{place_name(place)}'s bridge sends what is for {wanted} to {entry.dev}"
    question = f"Behind which port does the bridge believe {wanted} to be?"
    return Cause(text, "neighbour", place, question, "bridge fdb show", mend=f"bridge fdb del {entry.mac} dev {entry.dev} master")


def taken_by_entry(place: Place, entry: FdbEntry, dev: Link, wanted: str) -> Cause:
    """A bridge takes what is for somebody's MAC for its own, as an entry says that somebody wrote (``bridge fdb … local``)."""
    text = f"{place_name(place)}'s bridge takes what is for {wanted} for its own: its forwarding entry {entry.mac} dev {entry.dev} is local"
    question = f"Whose does the bridge believe the MAC of {wanted} to be?"
    of = "master" if dev.master else "self"
    mend = f"bridge {on(place[1])}fdb del {entry.mac} dev {entry.dev} {of}"
    return Cause(text, "neighbour", place, question, f"bridge {on(place[1])}fdb show", mend=mend)


def neighbour_table_full(place: Place, entries: int) -> Cause:
    """The kernel's table of neighbours takes no more (net.ipv4.neigh.default.gc_thresh3)."""
    text = f"{place[0]}'s table of neighbours is full: it has {entries} entries, over all namespaces together"
    question = "How many neighbours may this kernel remember, and how many does it?"
    look = "sysctl net.ipv4.neigh.default.gc_thresh3; ip neigh | wc -l"
    return Cause(text, "neighbour", place, question, look, mend="ip neigh flush all")


def arp_from_own_address(
    place: Place, sender: IPv4Address, address: IPv4Address, own: Address | None, asker: Place, theirs: Address | None
) -> Cause:
    """
    Whoever is asked has the ARP request's source address, too: the kernel takes the request for forged, and does not answer.

    *own* is that address at whoever is asked, *theirs* at the *asker*, if that one is to give it up.
    """
    text = f"{place_name(place)} does not answer {sender}, who asks for {address}: it has {sender} itself"
    question = f"Who has {sender}?"
    at, held = (asker, theirs) if theirs else (place, own)
    return Cause(text, "address", at, question, f"ip {on(at[1])}addr", mend=remove_own(at, held))


def remove_own(place: Place, own: Address | None) -> str:
    """The command that takes an address of a place away; none if it has it by a route alone."""
    return f"ip {on(place[1])}addr del {own.interface} dev {own.dev}" if own else ""
