"""
Layer 2: cables, bridges and the external network; who receives a frame, and what stops it on the way.

Pure. What Linux does: a bridge's port passes frames on only while it is forwarding (net/bridge/br_input.c), a cable's end drops
what is longer than its MTU by more than four bytes (net/core/dev.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.model import Cluster, FdbEntry, Link, Namespace

VLAN_HLEN = 4
"""Bytes that a cable's end and a bridge's port let pass beyond their MTU: room for a VLAN tag."""


@dataclass(frozen=True)
class BridgePass:
    """A bridge that a frame passes, with its ingress and egress port; None: the bridge itself receives or sends the frame."""

    place: Place
    bridge: str
    in_port: str | None
    out_port: str | None


@dataclass(frozen=True)
class Receiver:
    """
    An interface, no bridge's port, that receives what a sender's interface sends to everybody.

    *cause* is the first thing on the way to it that stops every frame, *bridges* are those that a frame passes, *bottleneck* the
    smallest MTU on the way: its bytes, the place and the interface.
    """

    place: Place
    link: Link
    cause: Cause | None
    bridges: tuple[BridgePass, ...]
    bottleneck: tuple[int, Place, str]


def receivers(cluster: Cluster, place: Place, link: Link) -> Iterator[Receiver]:
    """All interfaces that receive a broadcast sent out of *link*."""
    yield from _send(cluster, Receiver(place, link, None, (), (link.mtu, place, link.name)))


def _send(cluster: Cluster, at: Receiver) -> Iterator[Receiver]:
    place, link = at.place, at.link
    node = cluster[place[0]]
    if link.kind == "bridge":
        yield from _flood(cluster, at, None)
    elif link.peer is not None:
        yield from _receive(cluster, at, (place[0], link.peer[0]), node.link(*link.peer))
    elif link.kind in ("veth", "physical"):
        for name, namespace, uplink in _uplinks(cluster):
            if name != place[0]:
                yield from _receive(cluster, at, (name, namespace), uplink)


def _uplinks(cluster: Cluster) -> Iterator[tuple[str, str | None, Link]]:
    """Every interface on the external network: node, namespace, interface."""
    for name, node in cluster.items():
        for space in node.spaces.values():
            links = (link for link in space.links.values() if link.kind in ("veth", "physical") and link.peer is None)
            yield from ((name, space.name, link) for link in links)


def _receive(cluster: Cluster, before: Receiver, place: Place, link: Link) -> Iterator[Receiver]:
    node = cluster[place[0]]
    cause = before.cause or (None if link.up else causes.link_down(place, link.name))
    at = replace(before, place=place, link=link, cause=cause, bottleneck=_bottleneck(before, place, link))
    bridge = node.link(place[1], link.master) if link.master else None
    if bridge is None or bridge.kind != "bridge":
        yield at
        return
    cause = cause or (None if bridge.up else causes.link_down(place, bridge.name)) or _not_forwarding(place, link)
    bridges = (*at.bridges, BridgePass(place, bridge.name, link.name, None))
    if any((passed.place, passed.bridge) == (place, bridge.name) for passed in at.bridges):
        return  # a loop of bridges
    yield replace(at, link=bridge, cause=cause, bridges=bridges)
    yield from _flood(cluster, replace(at, link=bridge, cause=cause), link)


def _bottleneck(before: Receiver, place: Place, link: Link) -> tuple[int, Place, str]:
    return min(before.bottleneck, (link.mtu, place, link.name), key=lambda limit: limit[0])


def _not_forwarding(place: Place, port: Link) -> Cause | None:
    return causes.port_not_forwarding(place, port) if port.port.replace("isolated", "").strip(", ") else None


def _flood(cluster: Cluster, at: Receiver, in_port: Link | None) -> Iterator[Receiver]:
    """Out of every port of a bridge but *in_port*; None: the bridge itself sends."""
    place, bridge = at.place, at.link
    space = cluster[place[0]].spaces[place[1]]
    for port in (space.links[dev] for dev in space.ports_of(bridge.name)):
        if in_port is not None and port.name == in_port.name:
            continue
        cause = at.cause or (None if port.up else causes.link_down(place, port.name)) or _not_forwarding(place, port)
        if in_port is not None and "isolated" in in_port.port and "isolated" in port.port:
            cause = cause or causes.isolated_ports(place, in_port.name, port.name)
        bridges = (*at.bridges, BridgePass(place, bridge.name, in_port.name if in_port else None, port.name))
        yield from _send(cluster, replace(at, link=port, cause=cause, bridges=bridges, bottleneck=_bottleneck(at, place, port)))


def wrong_port(cluster: Cluster, place: Place, link: Link, to: Receiver, fresh: bool) -> Cause | None:
    """
    Why a bridge does not bring a frame to *to*: its FDB has the MAC behind another port, or as the bridge's own.

    *fresh*: the receiver has just sent an ARP reply, so a learned FDB entry is right.
    """
    if link.mac == to.link.mac and "bridge" not in (link.kind, to.link.kind) and to.bridges:
        return causes.duplicate_mac(to.bridges[0].place, place_name(place), place_name(to.place))
    for passed in to.bridges:
        space = cluster[passed.place[0]].spaces[passed.place[1]]
        if passed.out_port is None:
            continue
        for entry in space.fdb:
            if entry.mac != to.link.mac or not _is_of(space, entry, passed.bridge):
                continue
            # What a bridge itself sends goes out of the port that it has the MAC from; what comes in for that MAC is kept.
            if entry.dev == passed.out_port and (not entry.permanent or passed.in_port is None):
                continue
            if entry.permanent:
                return causes.duplicate_mac(passed.place, place_name(to.place), f"{place_name(passed.place)}'s {entry.dev}")
            if not fresh:
                return causes.wrong_fdb_entry(passed.place, entry, place_name(to.place))
    return None


def reply_taken_by_bridge(cluster: Cluster, place: Place, link: Link, to: Receiver) -> Cause | None:
    """Why an ARP reply does not come back: a bridge on its way has the asking interface's MAC as its own."""
    for passed in to.bridges:
        space = cluster[passed.place[0]].spaces[passed.place[1]]
        same_mac = (entry for entry in space.fdb if entry.permanent and entry.mac == link.mac and _is_of(space, entry, passed.bridge))
        entry = next(same_mac, None)
        itself = entry is not None and passed.out_port is None and entry.dev == passed.in_port  # what a bridge sends, see wrong_port
        if passed.in_port is not None and entry is not None and not itself:
            return causes.duplicate_mac(passed.place, place_name(place), f"{place_name(passed.place)}'s {entry.dev}")
    return None


def _is_of(space: Namespace, entry: FdbEntry, bridge: str) -> bool:
    """Whether an FDB entry is of *bridge*: of itself, or of one of its ports."""
    link = space.links.get(entry.dev)
    return link is not None and bridge in (link.name, link.master)
