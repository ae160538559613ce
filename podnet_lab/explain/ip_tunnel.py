"""
The next hop of a packet that goes into a tunnel of bare packets (IPIP): the end at the host that its route's gateway is. Pure.

No ARP, no table: what the kernel needs is the gateway (ip_tunnel_xmit in net/ipv4/ip_tunnel.c). Where a TUN device stands in, it
also needs a program that holds the device, at both ends.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from podnet_lab.daemons import ipip_forwarder
from podnet_lab.daemons import steps as daemon
from podnet_lab.devices import ip_tunnel
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.causes_l2 import link_down
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.l2 import Receiver
from podnet_lab.model import DEFAULT, Cluster, Link
from podnet_lab.steps.base import on

if TYPE_CHECKING:
    from podnet_lab.explain.arp import Hop
    from podnet_lab.explain.path import PathWalk

PROTOCOL = "ipip"
"""What a tunnel's own packets are, among the protocols of a `Flow`."""

Found = tuple[Receiver | None, Cause | None, str]
"""Who receives a packet, or why nobody does, or, in words, what is not known."""


def by_gateway(hop: Hop) -> Found:
    """Who receives a packet that leaves by an end of such a tunnel."""
    place, link, here = hop.place, hop.link, f"{place_name(hop.place)}'s {hop.link.name}"
    if not ip_tunnel.is_end(link):
        return None, None, f"{here} is a {link.setting('mode') or link.kind} device, and where that leads is not seen"
    if not link.up:
        return None, link_down(place, link.name), ""
    if (cause := nobody_forwards(hop.cluster, place, link)) is not None:
        return None, cause, ""
    if doubt := _doubt(hop.cluster, place, link):
        return None, None, doubt
    host = IPv4Address(link.setting("remote")) if link.setting("remote") else hop.route.via
    if host is None:
        return (None, None, f"{here} has a gateway of IPv6, and so is not followed") if hop.route.via6 else (None, _no_gateway(hop), "")
    reached, unseen = hop.evidence.receivers(hop.cluster, place, link)
    to = next((one for one in reached if one.tunnels and one.tunnels[-1] == (place, link.name, host)), None)
    if to is None:
        return (None, None, unseen[0]) if unseen else (None, _no_end(hop, host), "")
    there = nobody_forwards(hop.cluster, to.place, to.link) if to.link.up else to.cause
    far = _doubt(hop.cluster, to.place, to.link) if there is None else ""
    return (None, None, far) if far else (None if there else to, there, "")


def nobody_forwards(cluster: Cluster, place: Place, link: Link) -> Cause | None:
    """The cause if an end is a TUN device that stands in for the kernel's, and no program holds it."""
    if not ip_tunnel.stands_in(link) or link.carrier:
        return None
    text = f"no program forwards for {place_name(place)}'s {link.name}, a TUN device: {ipip_forwarder.NAME} does not run there"
    question = f"Who is at the other end of {link.name}, and does it run?"
    program = ipip_forwarder.forwarder()
    repair = [daemon.start(program)] if place[1] is None and not ipip_forwarder.runs(cluster[place[0]]) else []
    return Cause(
        text, "cable", place, question, f"ip -d {on(place[1])}link show dev {link.name}", *repair, mend=program.typed if repair else ""
    )


def _doubt(cluster: Cluster, place: Place, link: Link) -> str:
    """What about a stand-in is not known: which program holds it."""
    if not ip_tunnel.stands_in(link) or (place[1] is None and ipip_forwarder.runs(cluster[place[0]])):
        return ""
    return f"{place_name(place)}'s {link.name} is a TUN device, and which program holds it is not known"


def _no_gateway(hop: Hop) -> Cause:
    text = f"{place_name(hop.place)}'s route to {hop.to} leads into {hop.link.name} without a gateway: to which host, nobody says"
    question = f"To which host does {hop.link.name} send what is for {hop.to}?"
    return Cause(text, "route", hop.place, question, f"ip {on(hop.place[1])}route get {hop.to}")


def _no_end(hop: Hop, host: IPv4Address) -> Cause:
    """The host is there, and has no end of a tunnel: what comes by protocol 4 is nothing to it."""
    at = next(
        (name, space.name)
        for name, node in hop.cluster.items()
        for space in node.spaces.values()
        if any(own.interface.ip == host for own in space.addresses)
    )
    text = f"{place_name(at)} has no tunnel, and {place_name(hop.place)}'s {hop.link.name} sends there what is for {hop.to}"
    return Cause(text, "cable", at, f"Which interface of {place_name(at)} would take what comes by IPIP?", f"ip -d {on(at[1])}link show")


def outer_flow(host: IPv4Address, size: int) -> Flow:
    """The packet to *host* that a tunnel puts one of *size* bytes into; its source is what that host's route says."""
    return Flow(None, host, PROTOCOL, None, size + ip_tunnel.OVERHEAD)


def doubts(walk: PathWalk, outer: PathWalk, place: Place, dev: str, size: int) -> list[str]:
    """In words, what is not known of how a tunnel sends a walk's packet, though the packet around it gets there."""
    link, name, found = walk.cluster[place[0]].link(place[1], dev), place_name(place), []
    if outer.flow.size < size and not ip_tunnel.stands_in(link):
        found.append(f"{name}: with {dev}'s header the packet does not fit its way, and whether it may be cut its sender says (DF)")
    if ip_tunnel.stands_in(link) and walk.marked_at(place):
        found.append(f"{name}: rules mark the packet, and what a program sends for {dev} has no such mark")
    policy = walk.cluster[place[0]].spaces[place[1]].policy
    if ip_tunnel.stands_in(link) and any(rule.source != DEFAULT or rule.iif or rule.extra for rule in policy):
        found.append(f"{name}: policy rules go by more than where to, and the program that sends for {dev} asks by that alone")
    return found
