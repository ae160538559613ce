"""
What the nodes of a tunnel know of each other, and so which of them is the odd one out. Pure.

A tunnel has no middle: that an end is gone, or has another MAC or number than it should, only the tables of the other ends say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import pod_subnets
from podnet_lab.explain.tunnel_end import TunnelEnd, tunnel_end
from podnet_lab.model import Cluster, Link, Snapshot
from podnet_lab.model.route_lookup import is_own


def ends(cluster: Cluster) -> Iterator[TunnelEnd]:
    """Each node's end of a tunnel."""
    for node in cluster.values():
        if (end := tunnel_end(node)) is not None:
            yield end


@dataclass(frozen=True)
class KnownEnd:
    """An end as another one knows it: by *mac* at the address *host*, and as the neighbour *address*."""

    mac: str
    host: IPv4Address
    address: IPv4Address


def _known(end: TunnelEnd) -> Iterator[KnownEnd]:
    own, dev = end.node.own, end.dev
    near = {entry.mac: entry.address for entry in own.neighbours if entry.dev == dev and entry.mac}
    table = (entry for entry in own.fdb if entry.dev == dev and entry.remote and entry.mac in near)
    yield from (KnownEnd(entry.mac, entry.remote, near[entry.mac]) for entry in table)


def published_mac(cluster: Cluster, node: str, link: Link, host: IPv4Address) -> str | None:
    """The MAC by which more ends of the same tunnel know *node*'s end, at *host*, than by its own, *link*'s; None if there is none."""
    known = (one for end in ends(cluster) if end.node.node != node and one_tunnel(end.link, link) for one in _known(end))
    votes = Counter(one.mac for one in known if one.host == host)
    others = [mac for mac in votes if votes[mac] > votes[link.mac]]
    return max(others, key=votes.__getitem__) if others else None


def one_tunnel(link: Link, other: Link) -> bool:
    """Whether two interfaces may be ends of one tunnel: a node may have several, and what it knows in one says nothing of another."""
    return all(link.setting(name) == other.setting(name) for name in kind_of(link).agreed)


def odd_one(cluster: Cluster, setting: str, one: tuple[str, object], other: tuple[str, object]) -> str | None:
    """Of two nodes with another value of a *setting*, each as (node, value), the one whose value no third has; None if it can't be told."""
    third = {end.link.setting(setting) for end in ends(cluster) if end.node.node not in (one[0], other[0])}
    agree = [value in third for _, value in (one, other)]
    return None if agree[0] == agree[1] else (other if agree[0] else one)[0]


def looked_for(cluster: Cluster, node: Snapshot) -> list[tuple[TunnelEnd, KnownEnd]]:
    """The ends that look for one at *node*, and as what; none if it has one."""
    if tunnel_end(node) is not None:
        return []
    return [(end, one) for end in ends(cluster) for one in _known(end) if is_own(node.own, one.host)]


def owner(cluster: Cluster, host: IPv4Address) -> Snapshot | None:
    """The node that has an address."""
    return next((node for node in cluster.values() if is_own(node.own, host)), None)


def behind(cluster: Cluster, to: IPv4Address, but: str) -> TunnelEnd | None:
    """The end of the node, other than *but*, whose Pods' subnet has an address; None if it has no end."""
    return next((end for end in ends(cluster) if end.node.node != but and any(to in one for one in pod_subnets(end.node))), None)


def leads_through(here: TunnelEnd | None, far: TunnelEnd | None) -> bool:
    """Whether packets from one end's node for the other's go through the tunnel: either knows the other as its neighbour there."""
    if here is None or far is None or not one_tunnel(here.link, far.link):
        return False
    near = {(entry.dev, entry.address) for entry in here.node.own.neighbours}
    nearby = {(entry.dev, entry.address) for entry in far.node.own.neighbours}
    return far.gateway is not None and ((here.dev, far.gateway) in near or (far.dev, here.gateway) in nearby)
