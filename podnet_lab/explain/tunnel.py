"""
Why a frame that goes into a tunnel does not come out at the end that has its MAC. Pure.

A tunnel's forwarding table says at which host an end is; a table without the entry loses the frame without a word (vxlan_xmit
in the kernel's drivers/net/vxlan), and so does a host whose own end has another number or port.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.l2 import wires
from podnet_lab.model import Cluster, Link


def outer_flow(link: Link, host: IPv4Address, size: int) -> Flow:
    """The packet to *host* that a tunnel puts one of *size* bytes into; it may be cut on its way (no DF, Linux's default)."""
    local = link.setting("local")
    return Flow(IPv4Address(local) if local else None, host, "udp", link.setting("port"), size + kind_of(link).overhead)


def lost_in_tunnel(cluster: Cluster, place: Place, link: Link, mac: str) -> Cause | None:
    """The cause if *link* is a tunnel, and another end, which is in the cluster, has the MAC: it is down, differs, or is not known."""
    for end in kind_of(link).other_ends(wires(cluster), *place, link):
        if end.link.mac != mac or end.tunnel is None:
            continue
        there = (end.node, end.namespace)
        for name in kind_of(link).agreed:
            if link.setting(name) != end.link.setting(name):
                return causes.tunnel_ends_differ(place, link, there, end.link, name)
        if not end.link.up:
            return causes.link_down(there, end.link.name)
        table = cluster[place[0]].spaces[place[1]].fdb
        known = [entry.remote for entry in table if (entry.dev, entry.mac) == (link.name, mac) and entry.remote is not None]
        if end.tunnel not in known:
            return causes.tunnel_lacks_entry(place, link.name, mac, end.tunnel, known[0] if known else None)
    return None
