"""
The next hop: from a route and the neighbour table, or ARP, to the interface that receives a packet's frame.

Pure. What Linux does: a neighbour entry is used without an ARP request, a namespace answers ARP for any of its addresses
(net/ipv4/arp.c).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.arp_failure import arp_failure, on_other_bridge, own_cable_unplugged
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.l2 import Receiver, receivers, reply_taken_by_bridge, wrong_port
from podnet_lab.explain.rp_filter import fails_rp_filter
from podnet_lab.model import Cluster, Link, Namespace, Neighbour, Route
from podnet_lab.model.route_lookup import is_own, lookup_route

GC_THRESH3 = 1024
"""Neighbour entries that a kernel keeps at most: the default of net.ipv4.neigh.default.gc_thresh3 (arp(7))."""

_UNUSABLE_STATES = ("FAILED", "INCOMPLETE", "NONE")


@dataclass(frozen=True)
class NextHop:
    """
    The *receiver* of a frame, or the *cause* why there is none; *unsure* says in words what could not be judged.

    *misdelivery* is the cause why the frame goes to another receiver than the one that was meant. *learned*: after an ARP
    exchange, the place that answered and the sender's address, whose MAC that place has learned from the request.
    """

    receiver: Receiver | None = None
    cause: Cause | None = None
    misdelivery: Cause | None = None
    unsure: str = ""
    learned: tuple[Place, IPv4Address] | None = None


LearnedMacs = dict[tuple[Place, IPv4Address], str]
"""The MACs that a place has learned from ARP requests, by place and address."""


def next_hop(cluster: Cluster, place: Place, route: Route, to: IPv4Address, sender: IPv4Address, learned: LearnedMacs) -> NextHop:
    """Who receives a packet from *sender* that takes *route*, whose gateway, or else *to* itself, is the neighbour."""
    space, dev, address = cluster[place[0]].spaces[place[1]], route.dev, route.via or to
    link = space.links[dev]
    if (cause := unusable(replace(link, arp=True), place)) is not None:
        return NextHop(cause=cause)
    reached, unseen = receivers(cluster, place, link)
    entry = _neighbour_entry(space, dev, address)
    if entry is None and not link.arp:
        # It sends no ARP request, and the frame to its own MAC (arp_constructor): seldom is that somebody's.
        arp_off = causes.arp_off(place, dev)
        hop = _by_entry(cluster, place, route, to, Neighbour(address, dev, link.mac, "NOARP"), reached)
        return _or_unseen(NextHop(hop.receiver, None if hop.receiver else arp_off, arp_off), unseen)
    if entry is None and (place, address) in learned:
        entry = Neighbour(address, dev, learned[place, address], "REACHABLE")
    if entry is not None:
        return _or_unseen(_by_entry(cluster, place, route, to, entry, reached), unseen)
    if (entries := sum(len(space.neighbours) for space in cluster[place[0]].spaces.values())) >= GC_THRESH3:
        return NextHop(cause=causes.neighbour_table_full(place, entries))
    return _or_unseen(_by_arp(cluster, place, route, to, sender, reached), unseen)


def _or_unseen(hop: NextHop, unseen: list[str]) -> NextHop:
    """The same, but unsure where nobody is known to receive the frame, and it also goes where nothing is seen."""
    return NextHop(unsure=unseen[0]) if unseen and hop.receiver is None else hop


def unusable(link: Link, place: Place) -> Cause | None:
    """Why an interface with an address, or a route, can't send or receive packets: it is down, a bridge's port, or without ARP."""
    if not link.up:
        return causes.link_down(place, link.name)
    if link.master is not None:
        return causes.enslaved(place, link)
    return None if link.arp else causes.arp_off(place, link.name)


def _neighbour_entry(space: Namespace, dev: str, address: IPv4Address) -> Neighbour | None:
    entries = (entry for entry in space.neighbours if (entry.address, entry.dev) == (address, dev))
    return next((entry for entry in entries if entry.mac and entry.state not in _UNUSABLE_STATES), None)


def _by_entry(cluster: Cluster, place: Place, route: Route, to: IPv4Address, entry: Neighbour, reached: list[Receiver]) -> NextHop:
    """Without an ARP request: the frame goes to the MAC of the neighbour entry."""
    link = cluster[place[0]].link(place[1], route.dev)
    owners = [receiver for receiver in reached if _owns(cluster, receiver, entry.address)]
    for owner in owners:
        if owner.cause is None and (misled := wrong_port(cluster, place, link, owner, fresh=False)) is not None:
            return _taken_by_bridge(reached, owner, misled)
    right = [owner for owner in owners if owner.link.mac == entry.mac]
    stale = causes.stale_neighbour(place, entry) if owners or entry.state == "PERMANENT" else None
    cause = next((owner.cause for owner in owners if owner.cause), None) or own_cable_unplugged(cluster, place, link)
    cause = cause or on_other_bridge(cluster, place, link, entry.address) or stale or arp_failure(cluster, place, route, to)
    for receiver in right or [receiver for receiver in reached if receiver.link.mac == entry.mac]:
        if receiver.cause is None and receiver.link.up:
            return NextHop(receiver, misdelivery=None if right else cause)
    return NextHop(cause=(right[0].cause or unusable(right[0].link, right[0].place)) if right else cause)


def _by_arp(cluster: Cluster, place: Place, route: Route, to: IPv4Address, sender: IPv4Address, reached: list[Receiver]) -> NextHop:
    """By an ARP request: whoever has the address answers, if request and reply get through."""
    link, address = cluster[place[0]].link(place[1], route.dev), route.via or to
    arp_source = _arp_source(cluster, place, link, address, sender)
    cause, answering = None, []
    for receiver in reached:
        if _owns(cluster, receiver, address):
            refusal = _no_reply(cluster, receiver, arp_source, address)
            cause = cause or refusal
            answering += [] if refusal else [receiver]
    answering = answering or [receiver for receiver in reached if receiver.cause is None and _proxies_arp(cluster, receiver, address)]
    if not answering:
        return NextHop(cause=cause or arp_failure(cluster, place, route, to))
    if len(answering) > 1:
        names = " and ".join(place_name(receiver.place) for receiver in answering)
        return NextHop(unsure=f"{names} have {address}: who answers first gets it")
    receiver = answering[0]
    if (cause := reply_taken_by_bridge(cluster, place, link, receiver)) is not None:
        return NextHop(cause=cause)
    learned = arp_source and (receiver.place, arp_source)
    if (misled := wrong_port(cluster, place, link, receiver, fresh=True)) is not None:
        return replace(_taken_by_bridge(reached, receiver, misled), learned=learned)
    return NextHop(receiver, learned=learned)


def _no_reply(cluster: Cluster, receiver: Receiver, arp_source: IPv4Address | None, address: IPv4Address) -> Cause | None:
    """Why the owner of *address* does not answer an ARP request from *arp_source*; None if it does."""
    cause = receiver.cause or unusable(receiver.link, receiver.place)
    if cause is not None or arp_source is None:
        return cause
    space = cluster[receiver.place[0]].spaces[receiver.place[1]]
    cause = fails_rp_filter(receiver.place, space, arp_source, address, receiver.link.name)
    if cause is not None and is_own(space, arp_source):
        return causes.arp_from_own_address(receiver.place, arp_source, address)
    return cause and cause.prefixed(f"{arp_source}, who asks by ARP, is not answered: ")


def _owns(cluster: Cluster, receiver: Receiver, address: IPv4Address) -> bool:
    return is_own(cluster[receiver.place[0]].spaces[receiver.place[1]], address)


def _arp_source(cluster: Cluster, place: Place, link: Link, address: IPv4Address, sender: IPv4Address) -> IPv4Address | None:
    """The source address of the ARP request: the packet's sender if that is here, else one of the interface's (arp_solicit)."""
    space = cluster[place[0]].spaces[place[1]]
    if is_own(space, sender):
        return sender
    addresses = space.addresses_of(link.name)
    return next((own.ip for own in addresses if address in own.network), addresses[0].ip if addresses else None)


def _proxies_arp(cluster: Cluster, receiver: Receiver, address: IPv4Address) -> bool:
    """Whether a router answers for an address behind it (proxy_arp): it has to forward, and to have a route out of another interface."""
    space, dev = cluster[receiver.place[0]].spaces[receiver.place[1]], receiver.link.name
    on = any(space.conf[name].proxy_arp for name in ("all", dev) if name in space.conf)
    if not on or dev not in space.conf or not space.conf[dev].forwarding:
        return False
    route = lookup_route(space, address).route
    return route is not None and route.kind == "unicast" and route.dev not in (None, dev)


def _taken_by_bridge(reached: list[Receiver], meant: Receiver, cause: Cause) -> NextHop:
    """Where a frame for *meant* ends that a bridge does not bring there: at the bridge itself, if it has the same MAC."""
    for passed in meant.bridges:
        for receiver in reached:
            took = (receiver.place, receiver.link.name) == (passed.place, passed.bridge) and receiver.link.mac == meant.link.mac
            if took and passed.in_port is not None and receiver.cause is None:
                return NextHop(receiver, misdelivery=cause)
    return NextHop(cause=cause)
