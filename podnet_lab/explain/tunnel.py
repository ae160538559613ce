"""
Why a frame that goes into a tunnel does not come out at the end that has its MAC. Pure.

A tunnel's forwarding table says at which host an end is; a table without the entry loses the frame without a word (vxlan_xmit
in the kernel's drivers/net/vxlan), and so does a host whose own end has another number or port.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from podnet_lab.devices.base import Wire
from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2, causes_tunnel, ip_tunnel
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.l2 import EVERYBODY, Receiver, wires
from podnet_lab.explain.tunnel_end import tunnel_end
from podnet_lab.explain.tunnel_evidence import owner, published_mac
from podnet_lab.model import Cluster, Link, Snapshot

if TYPE_CHECKING:
    from podnet_lab.explain.path import PathWalk


def outer_flow(link: Link, host: IPv4Address, size: int) -> Flow:
    """The packet to *host* that a tunnel puts one of *size* bytes into; it may be cut on its way (no DF, Linux's default)."""
    if kind_of(link).by_gateway:
        return ip_tunnel.outer_flow(host, size)
    local = link.setting("local")
    return Flow(IPv4Address(local) if local else None, host, "udp", link.setting("port"), size + kind_of(link).overhead)


def through_tunnel(walk: PathWalk, place: Place, dev: str, host: IPv4Address, far: Place) -> Cause | None:
    """What stops the packet that a tunnel puts a walk's into, on its way to the tunnel's other end, which is at *far*."""
    if walk.tunnelled:
        walk.unsure.append(f"{place_name(place)}: {dev} is a tunnel in a tunnel, which is not followed")
        return None
    link = walk.cluster[place[0]].link(place[1], dev)
    flow = outer_flow(link, host, walk.flow.size)
    cause, outer = walk.sent_by_tunnel(flow, place, far)
    walk.unsure += outer.unsure
    if cause is None and kind_of(link).by_gateway:
        walk.unsure += ip_tunnel.doubts(walk, outer, place, dev, flow.size)
    if cause is None and not outer.incomplete and (outer.flow.to, outer.flow.port) != (host, flow.port):
        to = f"port {outer.flow.port} of {outer.flow.to}"
        walk.unsure.append(f"{place_name(place)}: what its tunnel {dev} sends to port {flow.port} of {host} is rewritten, and goes to {to}")
    return cause and cause.prefixed(f"the tunnel {dev} of {place_name(place)} does not get to {host}: ")


def answer_by_arp(walk: PathWalk, place: Place, dev: str, to: Receiver) -> Cause | None:
    """Why a question by ARP that went through a tunnel is not answered: the question's own packet, or the answer's, is lost."""
    link = walk.cluster[place[0]].link(place[1], dev)
    local = link.setting("local")
    if not to.tunnels or not local or not kind_of(to.link).agreed:
        return None
    for at, name, host in to.tunnels:
        if cause := through_tunnel(walk, at, name, host, to.beyond(at, name)):
            return cause.suffixed(f" ({place_name(place)} asks for its MAC, by ARP)")
    host, table = IPv4Address(local), walk.cluster[to.place[0]].spaces[to.place[1]].fdb
    entries = [entry for entry in table if entry.dev == to.link.name and entry.remote is not None]
    own = [entry for entry in entries if entry.mac == link.mac]
    written = own[0].permanent if own else not to.link.setting("learning")
    if written and not any(entry.remote == host for entry in own or [entry for entry in entries if entry.mac == EVERYBODY]):
        return causes_tunnel.tunnel_lacks_entry(to.place, to.link.name, link.mac, host, own[0].remote if own else None)
    cause = through_tunnel(walk, to.place, to.link.name, host, place)
    return cause and cause.suffixed(f" (the answer to {place_name(place)}, who asks for its MAC by ARP)")


def lost_in_tunnel(cluster: Cluster, place: Place, link: Link, mac: str) -> Cause | None:
    """The cause if *link* is a tunnel, and its end with the MAC is gone, is down, differs, has another MAC by now, or is not known."""
    if not kind_of(link).agreed:
        return None
    table = cluster[place[0]].spaces[place[1]].fdb
    known = [entry.remote for entry in table if (entry.dev, entry.mac) == (link.name, mac) and entry.remote is not None]
    for end in kind_of(link).other_ends(wires(cluster), *place, link):
        if end.link.mac == mac and end.tunnel is not None:
            if (cause := _at_end(cluster, place, link, end)) is not None:
                return cause
            if end.tunnel not in known:
                return causes_tunnel.tunnel_lacks_entry(place, link.name, mac, end.tunnel, *known[:1])
    for host in known:
        node = owner(cluster, host)
        return (
            _without_the_mac(cluster, place, link, node, host, mac)
            if node
            else causes_tunnel.tunnel_host_gone(cluster, place, link, mac, host)
        )
    return None


def _at_end(cluster: Cluster, place: Place, link: Link, end: Wire) -> Cause | None:
    there = (end.node, end.namespace)
    for name in kind_of(link).agreed:
        if link.setting(name) != end.link.setting(name):
            return causes_tunnel.tunnel_ends_differ(cluster, place, link, there, end.link, name)
    return None if end.link.up else causes_l2.link_down(there, end.link.name)


def _without_the_mac(cluster: Cluster, place: Place, link: Link, node: Snapshot, host: IPv4Address, mac: str) -> Cause | None:
    """Why the node at *host* does not take what is for the MAC: it has no end, or one with another MAC, which no other end knows."""
    end = tunnel_end(node)
    if end is None:
        return causes_tunnel.no_tunnel(cluster, node)
    if published_mac(cluster, node.node, end.link, host) != mac:
        return None
    return causes_tunnel.tunnel_mac_not_known((node.node, None), node.own, end.link, mac)
