"""
Layer 2: cables, bridges and the external network; who receives a frame, and what stops it on the way.

Pure. What Linux does: a bridge's port passes frames on only while it is forwarding (net/bridge/br_input.c), a cable's end drops
what is longer than its MTU by more than four bytes (net/core/dev.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from podnet_lab.devices.base import Unseen
from podnet_lab.devices.registry import kind_of, wires
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


def receivers(cluster: Cluster, place: Place, link: Link) -> tuple[list[Receiver], list[str]]:
    """All interfaces that receive a broadcast sent out of *link*; and, in words, where it goes besides and is not seen."""
    reached, unseen = [], []
    for end in _send(cluster, Receiver(place, link, None, (), (link.mtu, place, link.name))):
        if isinstance(end, Unseen):
            unseen.append(end.words)
        else:
            reached.append(end)
    return reached, unseen


def _send(cluster: Cluster, at: Receiver) -> Iterator[Receiver | Unseen]:
    place, link = at.place, at.link
    if kind_of(link).switches:
        yield from _flood(cluster, at, None)
        return
    for wire in wires(cluster).transmit(*place, link):
        if isinstance(wire, Unseen):
            yield wire
        else:
            yield from _arrive(cluster, at, (wire.node, wire.namespace), wire.link)


def _arrive(cluster: Cluster, before: Receiver, place: Place, link: Link) -> Iterator[Receiver | Unseen]:
    """At *link* itself, or its bridge, and at those that share its wire, as macvlans do."""
    yield from _receive(cluster, before, place, link)
    if kind_of(link).hears_lower:
        return
    cause = before.cause or (None if link.up else causes.link_down(place, link.name))
    for tap in wires(cluster).upper_devices(*place, link):
        yield from _receive(cluster, replace(before, cause=cause), (tap.node, tap.namespace), tap.link)


def _receive(cluster: Cluster, before: Receiver, place: Place, link: Link) -> Iterator[Receiver | Unseen]:
    node = cluster[place[0]]
    cause = before.cause or (None if link.up else causes.link_down(place, link.name))
    at = replace(before, place=place, link=link, cause=cause, bottleneck=_bottleneck(before, place, link))
    bridge = node.link(place[1], link.master) if link.master else None
    if bridge is None or not kind_of(bridge).switches:
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


def _flood(cluster: Cluster, at: Receiver, in_port: Link | None) -> Iterator[Receiver | Unseen]:
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
    if link.mac == to.link.mac and not (kind_of(link).switches or kind_of(to.link).switches) and to.bridges:
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
