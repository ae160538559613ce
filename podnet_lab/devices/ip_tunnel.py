"""
Tunnels that carry bare IPv4 packets in others, from host to host: which ends there are, and where the routes lead. Pure.

Such an interface has no MACs and no table. To which host it sends a packet, the gateway of that packet's route says (ip_tunnel_xmit
in net/ipv4/ip_tunnel.c of the kernel), so one interface leads to any number of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from podnet_lab.devices.base import Unseen, Wire, Wires
from podnet_lab.model.link import Link
from podnet_lab.model.namespace import Namespace

TUNL0 = "tunl0"
"""
The interface that the kernel's module ipip puts into every namespace: it takes what no other end does, and sends to any host.

A TUN device of that name stands in for it, where a kernel has no such module (`podnet_lab.daemons.ipip_forwarder`).
"""

OVERHEAD = 20
"""Bytes that go before a packet: one more IPv4 header."""


def is_end(link: Link) -> bool:
    """Whether an interface is an end of such a tunnel: of the kernel's own kind, or the TUN device that stands in for it."""
    return link.kind == "ipip" or stands_in(link)


def stands_in(link: Link) -> bool:
    """Whether an interface is the TUN device that stands in for tunl0."""
    return (link.kind, link.name, link.setting("mode")) == ("tun", TUNL0, "tun")


def takes_any(link: Link) -> bool:
    """Whether an end takes what comes from any host, for any address, and has no settings that are not followed."""
    return not any(link.setting(name) for name in ("local", "remote", "other"))


def hosts(space: Namespace, link: Link) -> list[IPv4Address]:
    """The addresses of the hosts to which packets go that leave by an end."""
    if link.setting("remote"):
        return [IPv4Address(link.setting("remote"))]
    return sorted({route.via for route in space.routes if route.dev == link.name and route.via is not None})


def transmit(wires: Wires, node: str, namespace: str | None, link: Link) -> Iterator[Wire | Unseen]:
    """In a packet of its own to the end of each host that a route names; *Unseen* where that is not known."""
    here = f"{namespace or node}'s {link.name}"
    if link.setting("other"):
        yield Unseen(f"{here} is a tunnel with settings that are not followed")
        return
    for host in hosts(wires.cluster[node].spaces[namespace], link):
        places = [
            (name, space)
            for name, snapshot in wires.cluster.items()
            for space in snapshot.spaces.values()
            if any(own.interface.ip == host for own in space.addresses) and not host.is_loopback
        ]
        if not places:
            yield Unseen(f"{here} is a tunnel, and {host}, where a route leads, is out of sight")
        for name, space in places:
            ends = [end for end in space.links.values() if is_end(end)]
            if len(ends) == 1 and takes_any(ends[0]):
                yield Wire(name, space.name, ends[0], host)
            elif ends:
                yield Unseen(
                    f"{space.name or name} has several ends of tunnels, or one that does not take all, and which takes it is not followed"
                )
