"""
ARP: who is asked for the MAC of a neighbour, and who answers. Pure.

What Linux does: arp_solicit and arp_process in the kernel's net/ipv4/arp.c; the settings are told in ip-sysctl.rst.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import routed_pod, uplink
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain import causes_l3, causes_routed, causes_routing
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.causes_tunnel import no_neighbour_in_tunnel
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.l2 import Receiver, port_forbids, wrong_tunnel_end
from podnet_lab.explain.rp_filter import fails_rp_filter
from podnet_lab.explain.whose_address import pod_is_wrong
from podnet_lab.model import Cluster, Link, Namespace, Route
from podnet_lab.model.close_look import CloseLook, RouteAnswer, RouteQuery
from podnet_lab.model.route_lookup import is_own, lookup_route


@dataclass(frozen=True)
class Learned:
    """
    What has been learned on the way so far, and holds for what comes after.

    *macs* are those that a place has learned from ARP requests, by place, interface and address; *ports* those behind which bridges have
    heard a MAC: (place, bridge, port, MAC).
    """

    macs: dict[tuple[Place, str, IPv4Address], str] = field(default_factory=dict)
    ports: set[tuple[Place, str, str, str]] = field(default_factory=set)

    def hear(self, receiver: Receiver, mac: str) -> None:
        """The bridges on the way to a receiver have heard the sender's MAC (br_fdb_update)."""
        self.ports.update((passed.place, passed.bridge, passed.in_port, mac) for passed in receiver.bridges if passed.in_port)

    def heard(self, to: Receiver) -> bool:
        """Whether every bridge on the way to a receiver has just heard its MAC from there."""
        return all((passed.place, passed.bridge, passed.out_port, to.link.mac) in self.ports for passed in to.bridges if passed.out_port)


@dataclass(frozen=True)
class Hop:
    """
    What is to be sent: from *place* by *route* to the address *to*, whose gateway, or else *to* itself, is the neighbour.

    *learned* is what has been learned on the way so far, *evidence* what the nodes say beyond their snapshots, *protocol* the packet's.
    """

    cluster: Cluster
    evidence: Evidence
    place: Place
    route: Route
    to: IPv4Address
    sender: IPv4Address
    learned: Learned
    protocol: str

    @property
    def space(self) -> Namespace:
        """The namespace that it is sent from."""
        return self.cluster[self.place[0]].spaces[self.place[1]]

    @property
    def link(self) -> Link:
        """The interface that it is sent out of."""
        return self.space.links[self.route.dev]

    @property
    def neighbour(self) -> IPv4Address:
        """The address whose MAC is needed."""
        return self.route.via or self.to


def unusable(link: Link, place: Place, cluster: Cluster) -> Cause | None:
    """Why an interface with an address, or a route, can't send or receive packets: it is down, a bridge's port, or without ARP."""
    if not link.up:
        return causes.link_down(place, link.name)
    master = cluster[place[0]].link(place[1], link.master) if link.master is not None else None
    if master is not None and kind_of(master).switches:
        return causes.enslaved(place, link)
    return None if link.arp else causes.arp_off(place, link.name)


def owns(cluster: Cluster, receiver: Receiver, address: IPv4Address) -> bool:
    """Whether a receiver's namespace has an address, on any interface."""
    return is_own(cluster[receiver.place[0]].spaces[receiver.place[1]], address)


def arp_source(hop: Hop) -> IPv4Address | None:
    """The source address of the ARP request: the packet's sender if that is here, else one of the interface's (arp_solicit)."""
    addresses = hop.space.addresses_of(hop.link.name)
    look = hop.evidence.look(hop.place, hop.link.name)
    announce = conf(look, hop.link.name, "arp_announce")
    near = any(hop.sender in own.network and hop.neighbour in own.network for own in addresses)
    if is_own(hop.space, hop.sender) and (announce == 0 or (announce == 1 and near)):
        return hop.sender
    return next((own.ip for own in addresses if hop.neighbour in own.network), addresses[0].ip if addresses else None)


def conf(look: CloseLook | None, dev: str, key: str) -> int:
    """A setting of an interface where the greater of its own and of "all" holds (net.ipv4.conf); 0 if nobody looked."""
    return 0 if look is None else max(look.setting(f"ipv4/conf/{name}/{key}") for name in ("all", dev))


def asks_nobody(hop: Hop) -> Cause | None:
    """Why no ARP request is sent at all: a setting of the interface's neighbours is 0."""
    dev = hop.link.name
    look = hop.evidence.look(hop.place, dev)
    if look is not None and look.setting(f"ipv4/neigh/{dev}/mcast_solicit", 3) == 0:
        return causes.asks_nobody(hop.place, dev, "mcast_solicit", 3)
    return None


def no_reply(hop: Hop, receiver: Receiver, source: IPv4Address | None) -> Cause | None:
    """Why the owner of the wanted address does not answer an ARP request from *source*; None if it does."""
    cause = receiver.cause or unusable(receiver.link, receiver.place, hop.cluster) or _unheard(hop, receiver)
    if cause is not None or source is None:
        return cause
    cause = _taken_for_forged(hop, receiver, source)
    answer = _routing(hop, receiver, source)
    if answer is not None:
        takes = not answer.error and answer.kind == "local"
        cause = None if takes else cause or _not_for_itself(receiver.place, hop, source, answer)
    return cause or _setting_forbids(hop, receiver, source)


def _not_for_itself(place: Place, hop: Hop, source: IPv4Address, answer: RouteAnswer) -> Cause:
    """Why the owner of an address does not answer for it, as its kernel says that it is elsewhere."""
    space = hop.cluster[place[0]].spaces[place[1]]
    own = space.own_address(hop.neighbour)
    if own is not None and not answer.error and answer.kind == "unicast":
        return causes_routing.not_taken_for_own(place, space, own)
    return causes.no_arp_reply(place, hop.neighbour, source, "its routing does not take that for its own", "")


def _taken_for_forged(hop: Hop, receiver: Receiver, source: IPv4Address) -> Cause | None:
    """Why whoever is asked takes the source of an ARP request for forged, and does not answer (ip_route_input in arp_process)."""
    space = hop.cluster[receiver.place[0]].spaces[receiver.place[1]]
    cause = fails_rp_filter(receiver.place, space, source, hop.neighbour, receiver.link.name)
    if cause is not None and is_own(space, source):
        wrong = pod_is_wrong(hop.cluster, hop.place, receiver.place, source)
        own, theirs = space.own_address(source), hop.space.own_address(source) if wrong else None
        return causes.arp_from_own_address(receiver.place, source, hop.neighbour, own, hop.place, theirs)
    return cause and cause.prefixed(f"{source}, who asks by ARP, is not answered: ")


def _unheard(hop: Hop, receiver: Receiver) -> Cause | None:
    """Why an ARP request, which goes to everybody, does not get to a receiver that a frame for it alone would get to."""
    forbidden = (port_forbids(hop.cluster, passed, hop.link.mac, None) for passed in receiver.bridges)
    lost = receiver.broadcast_cause or wrong_tunnel_end(hop.cluster, receiver, None)
    if lost is not None and receiver.tunnels and receiver.tunnels[0][:2] == (hop.place, hop.link.name) and not hop.link.setting("learning"):
        return no_neighbour_in_tunnel(hop.place, hop.link.name, hop.neighbour, receiver.link.mac)
    return lost or next(filter(None, forbidden), None)


def _routing(hop: Hop, receiver: Receiver, source: IPv4Address) -> RouteAnswer | None:
    """What the receiver's kernel would do with a packet for the wanted address: it answers ARP by that (ip_route_input)."""
    return hop.evidence.route(receiver.place, RouteQuery(hop.neighbour, source, receiver.link.name, protocol=0))


def _setting_forbids(hop: Hop, receiver: Receiver, source: IPv4Address) -> Cause | None:
    """Why arp_ignore or arp_filter of the receiver keeps it from answering."""
    dev, place, address = receiver.link.name, receiver.place, hop.neighbour
    look = hop.evidence.look(place, dev)
    ignore = conf(look, dev, "arp_ignore")
    space = hop.cluster[place[0]].spaces[place[1]]
    here = [own for own in space.addresses_of(dev) if own.ip == address]
    scoped = any(own.interface.ip == address and "scope 254" in own.extra for own in space.addresses)
    near = any(source in own.network for own in here)
    if ignore == 8 or (ignore == 1 and not here) or (ignore == 2 and not near) or (ignore == 3 and scoped):
        return causes.no_arp_reply(place, address, source, f"arp_ignore is {ignore}", _to_zero(look, dev, "arp_ignore"))
    back = hop.evidence.route(place, RouteQuery(source, address, protocol=0)) if conf(look, dev, "arp_filter") else None
    if back is not None and (back.error or back.dev != dev):
        way = f"its way to {source} is {back.dev}" if back.dev else f"it has no way to {source}"
        return causes.no_arp_reply(place, address, source, f"arp_filter is 1, and {way}", _to_zero(look, dev, "arp_filter"))
    return None


def _to_zero(look: CloseLook, dev: str, key: str) -> str:
    """The command that sets a setting to 0, of all interfaces and of one, wherever it is something else."""
    paths = (f"ipv4/conf/{name}/{key}" for name in ("all", dev))
    return "sysctl -w " + " ".join(f"net/{path}=0" for path in paths if look.setting(path))


def proxies(hop: Hop, receiver: Receiver, address: IPv4Address) -> bool:
    """Whether a router answers for an address behind it: it forwards, and has a route out of another interface (arp_fwd_proxy)."""
    space, dev = hop.cluster[receiver.place[0]].spaces[receiver.place[1]], receiver.link.name
    if dev not in space.conf or not space.conf[dev].forwarding or _unheard(hop, receiver):
        return False
    on = any(space.conf[name].proxy_arp for name in ("all", dev) if name in space.conf)
    look = hop.evidence.look(receiver.place, dev) if hop.evidence.asks else None
    if not on and (look is None or (dev, address) not in look.proxied):
        return False
    answer = _routing(hop, receiver, arp_source(hop)) if arp_source(hop) else None
    if answer is not None:
        return not answer.error and answer.kind == "unicast" and answer.dev != dev
    route = lookup_route(space, address).route
    return route is not None and route.kind == "unicast" and route.dev not in (None, dev)


def no_proxy_route(hop: Hop, reached: Iterable[Receiver]) -> Cause | None:
    """The cause if the other end of a cable answers for others, but has no route to this address; or, of a routed Pod's, says nothing."""
    peer = (hop.place[0], *hop.link.peer) if hop.link.peer else None
    for receiver in reached:
        space, dev = hop.cluster[receiver.place[0]].spaces[receiver.place[1]], receiver.link.name
        if (receiver.place[0], receiver.place[1], dev) != peer:
            continue
        on, routed = any(space.conf[name].proxy_arp for name in ("all", dev) if name in space.conf), is_routed_pod(hop)
        if receiver.cause is not None or not receiver.link.up:
            return unusable(receiver.link, receiver.place, hop.cluster) or receiver.cause if routed else None
        if routed and (cause := no_proxy(hop, receiver, on)) is not None:
            return cause
        if on:
            source = arp_source(hop)
            forged = _taken_for_forged(hop, receiver, source) if source else None
            return forged or causes.proxy_without_route(receiver.place, dev, hop.neighbour)
    return None


def is_routed_pod(hop: Hop) -> bool:
    """Whether a Pod asks for a gateway that nobody has, at the end of a cable that is plugged into nothing."""
    node = hop.cluster[hop.place[0]]
    nobody = not any(is_own(space, hop.neighbour) for each in hop.cluster.values() for space in each.spaces.values())
    return nobody and hop.place[1] is not None and any(routed_pod(node, own.ip) for own in hop.space.addresses_of(hop.link.name))


def no_proxy(hop: Hop, receiver: Receiver, on: bool) -> Cause | None:
    """Why a node does not answer for a Pod's gateway: a setting is off, or it has no route to it."""
    space, dev = hop.cluster[receiver.place[0]].spaces[receiver.place[1]], receiver.link.name
    if not space.conf[dev].forwarding:
        off = causes_l3.no_forwarding_from(receiver.place, dev) if space.forwarding else causes_l3.no_forwarding(receiver.place)
        return off.suffixed(f", and so does not answer for {hop.neighbour}, which nobody has")
    if not on:
        return causes_routed.proxy_arp_off(receiver.place, dev, hop.neighbour)
    up = uplink(hop.cluster[receiver.place[0]])
    lost = lookup_route(space, hop.neighbour).route is None and up is not None
    return causes_routed.no_route_for_proxy(receiver.place, dev, hop.neighbour, up.name) if lost else None
