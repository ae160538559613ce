"""
Layer 2: cables, bridges and the external network; who receives a frame, and what stops it on the way.

Pure. What Linux does: a bridge's port passes frames on only while it is forwarding (net/bridge/br_input.c), and as its flags say
(br_forward.c); a cable's end drops what is longer than its MTU by more than four bytes (net/core/dev.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.devices.base import Unseen, Wires
from podnet_lab.devices.registry import kind_of, wires
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain import causes_tunnel
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.tunnel_evidence import published_mac
from podnet_lab.model import Cluster, FdbEntry, Link, Namespace
from podnet_lab.model.route_lookup import is_own

MOST_TUNNELS = 2
"""Tunnels that one frame is followed through; what a bridge joins to a tunnel could go round."""

EVERYBODY = "00:00:00:00:00:00"
"""The MAC of a tunnel's forwarding entries for what has no entry of its own, and for what goes to everybody."""

_STATES = {"disabled", "listening", "learning", "blocking"}


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
    smallest MTU on the way: its bytes, the place and the interface. *devices* are all interfaces on the way, each with whether
    the frame goes out of it, *tunnels* those that put it into a packet, with the address of the tunnel's other end. *turned* are those
    of the devices that a frame comes in by in both directions, and only one that is for one MAC.
    *broadcast_cause* stops what is sent to everybody, such as an ARP request, and not what is sent to one MAC.
    """

    place: Place
    link: Link
    cause: Cause | None
    bridges: tuple[BridgePass, ...]
    bottleneck: tuple[int, Place, str]
    devices: tuple[tuple[Place, str, bool], ...] = ()
    tunnels: tuple[tuple[Place, str, IPv4Address], ...] = ()
    broadcast_cause: Cause | None = None
    turned: tuple[tuple[Place, str, bool], ...] = ()

    @property
    def broadcast_devices(self) -> tuple[tuple[Place, str, bool], ...]:
        """The devices that a frame for everybody passes."""
        return tuple(device for device in self.devices if device not in self.turned)

    @property
    def devices_back(self) -> tuple[tuple[Place, str, bool], ...]:
        """The devices that an answer passes, in its order."""
        return tuple(device if device in self.turned else (*device[:2], not device[2]) for device in self.devices[::-1])

    def beyond(self, place: Place, dev: str) -> Place:
        """Where a frame comes in that goes out of an interface on the way."""
        return self.devices[self.devices.index((place, dev, True)) + 1][0]


def receivers(cluster: Cluster, place: Place, link: Link) -> tuple[list[Receiver], list[str]]:
    """All interfaces that receive a broadcast sent out of *link*; and, in words, where it goes besides and is not seen."""
    reached, unseen = [], []
    for end in _send(wires(cluster), Receiver(place, link, None, (), (link.mtu, place, link.name))):
        if isinstance(end, Unseen):
            unseen.append(end.words)
        else:
            reached.append(end)
    return reached, unseen


def _send(net: Wires, at: Receiver) -> Iterator[Receiver | Unseen]:
    place, link = at.place, at.link
    at = replace(at, devices=(*at.devices, (place, link.name, True)))
    if kind_of(link).switches:
        yield from _flood(net, at, None)
        return
    for wire in net.transmit(*place, link):
        if isinstance(wire, Unseen):
            yield wire
            continue
        below = tuple(((place[0], namespace), dev, True) for namespace, dev in wire.below)
        turned = (((wire.node, wire.turned[0]), wire.turned[1], False),) if wire.turned else ()
        sent = replace(at, devices=(*at.devices, *below, *turned), turned=(*at.turned, *turned))
        if wire.tunnel is not None:
            if len(at.tunnels) >= MOST_TUNNELS:
                continue
            out_of = below[-1][:2] if below else (place, link.name)
            sent = replace(sent, tunnels=(*at.tunnels, (*out_of, wire.tunnel)))
        yield from _arrive(net, sent, (wire.node, wire.namespace), wire.link)


def _arrive(net: Wires, before: Receiver, place: Place, link: Link) -> Iterator[Receiver | Unseen]:
    """At *link* itself, or its bridge, and at those that share its wire, as macvlans do."""
    if kind_of(link).hears_lower:
        yield from _receive(net, before, place, link)
        return
    yield from _receive(net, replace(before, cause=before.cause or _taken(net, place, link)), place, link)
    cause = before.cause or (None if link.up else causes.link_down(place, link.name))
    for tap in net.upper_devices(*place, link):
        if doubt := kind_of(tap.link).doubt(tap.link):
            yield Unseen(f"{place_name((tap.node, tap.namespace))}'s {doubt}, and sits on {link.name}")
            continue
        heard = replace(before, cause=cause, devices=(*before.devices, (place, link.name, False)))
        yield from _receive(net, heard, (tap.node, tap.namespace), tap.link)


def _taken(net: Wires, place: Place, link: Link) -> Cause | None:
    """Why an interface gets nothing of what comes in: another one, on top of it, takes all."""
    taker = next((tap for tap in net.upper_devices(*place, link) if kind_of(tap.link).takes_lower(tap.link)), None)
    return causes.taken_by_upper(place, link.name, taker.link.name, taker.namespace) if taker else None


def _receive(net: Wires, before: Receiver, place: Place, link: Link) -> Iterator[Receiver | Unseen]:
    node = net.cluster[place[0]]
    cause = before.cause or (None if link.up else causes.link_down(place, link.name))
    devices = (*before.devices, (place, link.name, False))
    most = before.bottleneck if kind_of(link).takes_longer else _bottleneck(before, place, link)
    at = replace(before, place=place, link=link, cause=cause, bottleneck=most, devices=devices)
    bridge = node.link(place[1], link.master) if link.master else None
    if bridge is None or not kind_of(bridge).switches:
        yield at
        return
    cause = cause or (None if bridge.up else causes.link_down(place, bridge.name)) or _not_forwarding(place, link)
    bridges = (*at.bridges, BridgePass(place, bridge.name, link.name, None))
    if any((passed.place, passed.bridge) == (place, bridge.name) for passed in at.bridges):
        return  # a loop of bridges
    itself = replace(at, link=bridge, bridges=bridges, devices=(*devices, (place, bridge.name, False)))
    yield replace(itself, cause=cause or _taken(net, place, bridge))
    for tap in net.upper_devices(*place, bridge):
        yield Unseen(f"{place_name((tap.node, tap.namespace))}'s {tap.link.name} is a {tap.link.kind} on {bridge.name}, a {bridge.kind}")
    yield from _flood(net, replace(at, link=bridge, cause=cause), link)


def _bottleneck(before: Receiver, place: Place, link: Link) -> tuple[int, Place, str]:
    return min(before.bottleneck, (link.mtu, place, link.name), key=lambda limit: limit[0])


def _not_forwarding(place: Place, port: Link) -> Cause | None:
    return causes.port_not_forwarding(place, port) if _STATES & set(port_flags(port)) else None


def port_flags(port: Link) -> list[str]:
    """What is unusual about a bridge's port, word by word: its state, "isolated", "learning off", … (`podnet_lab.model.Link`)."""
    return port.port.split(", ") if port.port else []


def _flood(net: Wires, at: Receiver, in_port: Link | None) -> Iterator[Receiver | Unseen]:
    """Out of every port of a bridge but *in_port*; None: the bridge itself sends."""
    place, bridge = at.place, at.link
    space = net.cluster[place[0]].spaces[place[1]]
    for port in (space.links[dev] for dev in space.ports_of(bridge.name)):
        flags = port_flags(port)
        if in_port is not None and port.name == in_port.name and "hairpin" not in flags:
            continue
        cause = at.cause or (None if port.up else causes.link_down(place, port.name)) or _not_forwarding(place, port)
        if in_port is not None and "isolated" in port_flags(in_port) and "isolated" in flags:
            cause = cause or causes.isolated_ports(place, in_port.name, port.name)
        silent = causes.port_flag(place, port, "bcast_flood", "on") if "bcast_flood off" in flags else None
        bridges = (*at.bridges, BridgePass(place, bridge.name, in_port.name if in_port else None, port.name))
        onward = replace(at, link=port, cause=cause, bridges=bridges, bottleneck=_bottleneck(at, place, port))
        yield from _send(net, replace(onward, broadcast_cause=at.broadcast_cause or silent))


SWITCH = "what is between them"
"""What hands on frames between macvlans of one interface, or between nodes, in words."""


def crosses_nodes(to: Receiver) -> bool:
    """Whether a frame gets to a receiver by the network beyond the nodes, whose switch is not seen: it sends none back."""
    return not to.tunnels and len({place[0] for place, _, _ in to.devices}) > 1


def wrong_port(cluster: Cluster, place: Place, link: Link, to: Receiver, fresh: bool) -> Cause | None:
    """
    Why a bridge, or a tunnel, does not bring a frame to *to*: its FDB has the MAC elsewhere, or as the bridge's own, or a flag forbids it.

    *fresh*: the bridges have just heard the receiver, by its ARP reply or by what it asked, so a port that learns has it right.
    """
    shared = to.bridges or kind_of(link).hears_lower or crosses_nodes(to)
    if link.mac == to.link.mac and not (kind_of(link).switches or kind_of(to.link).switches) and shared:
        at, switch = (to.bridges[0].place, "the bridge") if to.bridges else (place, SWITCH)
        return causes.duplicate_mac(at, (place, link.name), (to.place, to.link.name), to.link.mac, switch)
    if link.mac == to.link.mac and (place, link.name) in {sent[:2] for sent in to.tunnels} and kind_of(to.link).agreed:
        return _one_mac(cluster, place, link, to)
    for passed in to.bridges:
        if (cause := _wrong_entry(cluster, passed, to, fresh) or port_forbids(cluster, passed, link.mac, to.link.mac, fresh)) is not None:
            return cause
    return wrong_tunnel_end(cluster, to, to.link.mac)


def _wrong_entry(cluster: Cluster, passed: BridgePass, to: Receiver, fresh: bool) -> Cause | None:
    space = cluster[passed.place[0]].spaces[passed.place[1]]
    for entry in space.fdb if passed.out_port is not None else ():
        if entry.mac != to.link.mac or not is_of(space, entry, passed.bridge):
            continue
        # What a bridge itself sends goes out of the port that it has the MAC from; what comes in for that MAC is kept.
        if entry.dev == passed.out_port and (not entry.permanent or passed.in_port is None):
            continue
        if entry.permanent:
            held = space.links.get(entry.dev)
            if held is not None and held.mac != entry.mac:  # nobody's own: somebody wrote it
                return causes.taken_by_entry(passed.place, entry, held, place_name(to.place))
            return causes.duplicate_mac(passed.place, (to.place, to.link.name), (passed.place, entry.dev), entry.mac)
        port = space.links.get(passed.out_port)
        if not fresh or (port is not None and "learning off" in port_flags(port)):
            return causes.wrong_fdb_entry(passed.place, entry, place_name(to.place))
    return None


def port_forbids(cluster: Cluster, passed: BridgePass, sender: str, to: str | None, fresh: bool = False) -> Cause | None:
    """Why a port's flags keep a frame of the MAC *sender* from passing, to the MAC *to* (None: to everybody)."""
    space = cluster[passed.place[0]].spaces[passed.place[1]]
    behind = {(entry.mac, entry.dev) for entry in space.fdb}
    port = space.links.get(passed.in_port or "")
    if port is not None and "locked" in port_flags(port) and (sender, port.name) not in behind:
        return causes.port_flag(passed.place, port, "locked", "off")
    port = space.links.get(passed.out_port or "")
    if port is None or to is None or "flood off" not in port_flags(port) or (to, port.name) in behind:
        return None
    return None if fresh and "learning off" not in port_flags(port) else causes.port_flag(passed.place, port, "flood", "on")


def wrong_tunnel_end(cluster: Cluster, to: Receiver, mac: str | None) -> Cause | None:
    """Why a tunnel on the way does not send what is for *mac* (None: for everybody) to the end behind which *to* is."""
    for place, dev, host in to.tunnels:
        space = cluster[place[0]].spaces[place[1]]
        local = space.links[dev].setting("local")
        if local and not is_own(space, IPv4Address(local)):
            return causes_tunnel.tunnel_from_no_own_address(place, space, space.links[dev])
        if mac is not None and (cause := _not_known(cluster, to, host)) is not None:
            return cause
        entries = [entry for entry in space.fdb if entry.dev == dev and entry.remote is not None]
        named = [entry for entry in entries if entry.mac == mac]
        if not any(entry.remote == host for entry in named or [entry for entry in entries if entry.mac == EVERYBODY]):
            return causes_tunnel.tunnel_lacks_entry(place, dev, mac, host, named[0].remote if named else None)
    return None


def _not_known(cluster: Cluster, to: Receiver, host: IPv4Address) -> Cause | None:
    """The cause if a tunnel's end at *host* has another MAC than most others send to."""
    if to.place[1] is not None or not kind_of(to.link).agreed:
        return None
    known = published_mac(cluster, to.place[0], to.link, host)
    return causes_tunnel.tunnel_mac_not_known(to.place, cluster[to.place[0]].own, to.link, known) if known else None


def _one_mac(cluster: Cluster, place: Place, link: Link, to: Receiver) -> Cause:
    """Why a tunnel's end does not take a frame of its own MAC (vxlan_set_mac): it takes it for one of its own that went round."""
    local = link.setting("local")
    known = published_mac(cluster, place[0], link, IPv4Address(local)) if local and place[1] is None else None
    if known is not None:
        return causes_tunnel.tunnel_mac_not_known(place, cluster[place[0]].own, link, known)
    other = _not_known(cluster, to, to.tunnels[-1][2])
    return other or causes.duplicate_mac(place, (place, link.name), (to.place, to.link.name), link.mac, "the tunnel")


def reply_taken_by_bridge(cluster: Cluster, place: Place, link: Link, to: Receiver) -> Cause | None:
    """Why an ARP reply does not come back: a bridge on its way has the asking interface's MAC as its own."""
    for passed in to.bridges:
        space = cluster[passed.place[0]].spaces[passed.place[1]]
        same_mac = (entry for entry in space.fdb if entry.permanent and entry.mac == link.mac and is_of(space, entry, passed.bridge))
        entry = next(same_mac, None)
        itself = entry is not None and passed.out_port is None and entry.dev == passed.in_port  # what a bridge sends, see wrong_port
        if passed.in_port is not None and entry is not None and not itself:
            return causes.duplicate_mac(passed.place, (place, link.name), (passed.place, entry.dev), entry.mac)
    return None


def is_of(space: Namespace, entry: FdbEntry, bridge: str) -> bool:
    """Whether an FDB entry is of *bridge*: of itself, or of one of its ports."""
    link = space.links.get(entry.dev)
    return link is not None and bridge in (link.name, link.master)
