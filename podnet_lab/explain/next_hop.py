"""
The next hop: from a route and the neighbour table, or ARP, to the interface that receives a packet's frame.

Pure. What Linux does: a neighbour entry is used without an ARP request, a namespace answers ARP for any of its addresses
(net/ipv4/arp.c).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.devices.link_steps import ChangeLink
from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2 as causes
from podnet_lab.explain.arp import Hop, arp_source, asks_nobody, is_routed_pod, no_proxy_route, no_reply, owns, proxies, unusable
from podnet_lab.explain.arp_failure import arp_failure, on_other_bridge, own_cable_unplugged
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.ip_tunnel import by_gateway
from podnet_lab.explain.l2 import Receiver, is_of, reply_taken_by_bridge, wrong_port
from podnet_lab.explain.same_mac import instead_of, nearer, not_told_apart
from podnet_lab.explain.tunnel import lost_in_tunnel
from podnet_lab.model import Cluster, Namespace, Neighbour
from podnet_lab.model.close_look import DeviceLook
from podnet_lab.model.route_lookup import is_own
from podnet_lab.steps import neighbour

GC_THRESH3 = 1024
"""Neighbour entries that a kernel keeps at most: the default of net.ipv4.neigh.default.gc_thresh3 (arp(7))."""

BROADCAST, GROUP = "ff:ff:ff:ff:ff:ff", 1
"""The MAC of everybody, and the bit of a MAC's first byte that says that it is several interfaces' (IEEE 802)."""

_UNUSABLE_STATES = ("FAILED", "INCOMPLETE", "NONE")


@dataclass(frozen=True)
class NextHop:
    """
    The *receiver* of a frame, or the *cause* why there is none; *unsure* says in words what could not be judged.

    *misdelivery* is the cause why the frame goes to another receiver than the one that was meant. *learned*: after an ARP
    exchange, the place that answered, by which interface, and the sender's address, whose MAC it has learned from the request.
    """

    receiver: Receiver | None = None
    cause: Cause | None = None
    misdelivery: Cause | None = None
    unsure: str = ""
    learned: tuple[Place, str, IPv4Address] | None = None


def next_hop(hop: Hop) -> NextHop:
    """Who receives a packet."""
    if kind_of(hop.link).by_gateway and hop.link.setting("mode") != "tap":
        receiver, cause, unsure = by_gateway(hop)
        return NextHop(receiver, cause, unsure=unsure)
    if (cause := unusable(replace(hop.link, arp=True), hop.place, hop.cluster)) is not None:
        return NextHop(cause=cause) if not hop.link.up or _asks(hop) else NextHop(unsure=f"{cause}; what it sends needs no answer by ARP")
    reached, unseen = hop.evidence.receivers(hop.cluster, hop.place, hop.link)
    return _or_unseen(_one_of_a_mac(hop, _by_table_or_arp(hop, reached), reached), unseen)


def _by_table_or_arp(hop: Hop, reached: list[Receiver]) -> NextHop:
    """The same, as far as each receiver alone can say."""
    place, space, dev, address, link = hop.place, hop.space, hop.route.dev, hop.neighbour, hop.link
    if hop.route.via6:
        return _by_ipv6(hop, reached)
    entry = _neighbour_entry(space, dev, address)
    if entry is None and not link.arp:
        # It sends no ARP request, and the frame to its own MAC (arp_constructor): seldom is that somebody's.
        arp_off = causes.arp_off(place, dev)
        sent = _by_entry(hop, Neighbour(address, dev, link.mac, "NOARP"), reached)
        return NextHop(sent.receiver, None if sent.receiver else arp_off, arp_off)
    # Whoever asks by ARP is believed at once, but against what a person wrote (arp_process, neigh_update).
    if (place, dev, address) in hop.learned.macs and (entry is None or entry.state not in ("PERMANENT", "NOARP")):
        entry = Neighbour(address, dev, hop.learned.macs[place, dev, address], "REACHABLE")
    if entry is not None:
        return _by_entry(hop, entry, reached)
    if (written := next((one for one in space.neighbours if one.unasked and (one.address, one.dev) == (address, dev)), None)) is not None:
        return NextHop(cause=causes.unasked_neighbour(place, written))
    if (entries := sum(map(_counted, hop.cluster[place[0]].spaces.values()))) >= GC_THRESH3:
        return NextHop(cause=causes.neighbour_table_full(place, entries))
    if (cause := asks_nobody(hop)) is not None:
        return NextHop(cause=cause)
    return _by_arp(hop, reached)


def _one_of_a_mac(hop: Hop, found: NextHop, reached: list[Receiver]) -> NextHop:
    """The same, where others have the receiver's MAC, too."""
    to = found.receiver
    if to is None:
        return found
    if (other := nearer(hop, to, reached)) is not None:
        return NextHop(other, misdelivery=instead_of(hop, other, to))
    return NextHop(unsure=doubt) if (doubt := not_told_apart(to, reached)) else found


def _asks(hop: Hop) -> bool:
    """Whether an ARP request is sent, whose answer is needed."""
    return hop.link.arp and _neighbour_entry(hop.space, hop.route.dev, hop.neighbour) is None


def _counted(space: Namespace) -> int:
    """The neighbour entries of a namespace that count: permanent ones don't (neigh_alloc in the kernel's net/core/neighbour.c)."""
    return sum(entry.state != "PERMANENT" for entry in space.neighbours)


def _or_unseen(hop: NextHop, unseen: list[str]) -> NextHop:
    """The same, but unsure where nobody is known to receive the frame, and it also goes where nothing is seen."""
    return NextHop(unsure=unseen[0]) if unseen and hop.receiver is None else hop


def _neighbour_entry(space: Namespace, dev: str, address: IPv4Address) -> Neighbour | None:
    entries = (entry for entry in space.neighbours if (entry.address, entry.dev) == (address, dev))
    return next((entry for entry in entries if entry.mac and entry.state not in _UNUSABLE_STATES), None)


def _by_entry(hop: Hop, entry: Neighbour, reached: list[Receiver]) -> NextHop:
    """Without an ARP request: the frame goes to the MAC of the neighbour entry."""
    cluster, place, link = hop.cluster, hop.place, hop.link
    owners = [receiver for receiver in reached if owns(cluster, receiver, entry.address)]
    for owner in owners:
        if owner.cause is None and (misled := wrong_port(cluster, place, link, owner, hop.learned.heard(owner))) is not None:
            return _taken_by_bridge(reached, owner, _forgetting(misled, place, entry))
    if int(entry.mac[:2], 16) & GROUP:
        return _for_everybody(hop, entry, owners)
    right = [owner for owner in owners if _takes(cluster, owner, entry.mac)]
    known = owners or entry.state == "PERMANENT" or any(one.cause is None and proxies(hop, one, entry.address) for one in reached)
    stale = causes.stale_neighbour(place, entry) if known else None
    cause = next((owner.cause for owner in owners if owner.cause), None) or own_cable_unplugged(cluster, place, link)
    cause = cause or on_other_bridge(cluster, place, link, entry.address) or lost_in_tunnel(cluster, place, link, entry.mac)
    cause = cause or stale or no_proxy_route(hop, reached) or arp_failure(cluster, place, hop.route, hop.to)
    routed = is_routed_pod(hop)  # a gateway that nobody has: whatever its node answers by now, the frame gets there
    for receiver in right or [receiver for receiver in reached if receiver.link.mac == entry.mac]:
        heard = hop.learned.heard(receiver)
        if receiver.cause is None and receiver.link.up and wrong_port(cluster, place, link, receiver, heard) is None:
            if (forgot := _forgot_itself(hop, receiver)) is not None:
                return NextHop(cause=forgot)
            meant = right or routed or (not owners and _as_written(hop, entry, receiver)) or proxies(hop, receiver, entry.address)
            return NextHop(receiver, misdelivery=None if meant else cause)
    return NextHop(cause=(right[0].cause or unusable(right[0].link, right[0].place, cluster)) if right else cause)


def _as_written(hop: Hop, entry: Neighbour, receiver: Receiver) -> bool:
    """Whether an entry, written by hand for an address that nobody has, leads to one who may take it: in a tunnel that only names a MAC."""
    fit = receiver.place[1] is None or owns(hop.cluster, receiver, hop.to)
    return bool(kind_of(hop.link).agreed) or (entry.state == "PERMANENT" and fit)


def _takes(cluster: Cluster, receiver: Receiver, mac: str) -> bool:
    """Whether a receiver takes a frame for a MAC as its own; a bridge does that for those of its ports, too (br_fdb_add_local)."""
    if receiver.link.mac == mac or not kind_of(receiver.link).switches:
        return receiver.link.mac == mac
    space = cluster[receiver.place[0]].spaces[receiver.place[1]]
    return any(entry.permanent and entry.mac == mac for entry in space.fdb if is_of(space, entry, receiver.link.name))


def _for_everybody(hop: Hop, entry: Neighbour, owners: list[Receiver]) -> NextHop:
    """Where a packet for one goes that is sent in a frame for several: its owner takes it, and a router does not forward it."""
    # TCP takes no frame but its own MAC's (tcp_v4_rcv).
    for owner in owners if hop.protocol != "tcp" else ():
        if owner.cause is None and owner.broadcast_cause is None and owns(hop.cluster, owner, hop.to):
            doubt = entry.mac != BROADCAST and (owner.bridges or kind_of(owner.link).hears_lower)
            words = f"{place_name(hop.place)} has the multicast MAC {entry.mac} for {entry.address}, and who gets that is not followed"
            return NextHop(unsure=words) if doubt else NextHop(owner)
    return NextHop(cause=causes.stale_neighbour(hop.place, entry))


def _forgot_itself(hop: Hop, to: Receiver) -> Cause | None:
    """Why a bridge does not take a frame for its own MAC: its forwarding table has lost that."""
    look = hop.evidence.look(to.place) if kind_of(to.link).switches else None
    if look is None or to.bridges[-1].in_port is None or look.devices.get(to.link.name, DeviceLook()).promiscuous:
        return None
    own = {entry.mac for entry in hop.cluster[to.place[0]].spaces[to.place[1]].fdb if entry.permanent}
    return None if to.link.mac in own else causes.bridge_forgot_itself(to.place, to.link.name, to.link.mac)


def _forgetting(cause: Cause, place: Place, entry: Neighbour) -> Cause:
    """A cause whose repair gives somebody another MAC: what the sender knew is then to be forgotten, too."""
    given = [(step.namespace, step.name) for step in cause.repair if isinstance(step, ChangeLink) and step.mac]
    # With its own MAC an interface forgets its neighbours by itself.
    changes = given and cause.place[0] == place[0] and (place[1], entry.dev) not in given
    return cause.also(neighbour.remove(str(entry.address), entry.dev, place[1])) if changes else cause


def _by_ipv6(hop: Hop, reached: list[Receiver]) -> NextHop:
    """The next hop is an IPv6 address (RFC 5549): whoever has it, by what the receivers say when they are looked at."""
    via6, looks = hop.route.via6, {receiver.place: hop.evidence.look(receiver.place) for receiver in reached if _may_route(hop, receiver)}
    for receiver in reached:
        look = looks.get(receiver.place)
        if look is not None and receiver.cause is None and via6 in look.addresses6.get(receiver.link.name, ()):
            doubt = _ipv6_doubt(hop, receiver) or wrong_port(hop.cluster, hop.place, hop.link, receiver, fresh=True)
            unsure = f"{place_name(hop.place)}: the next hop {via6} is an IPv6 address, and {doubt}" if doubt else ""
            return NextHop(None if doubt else receiver, unsure=unsure)
    return NextHop(unsure=f"{place_name(hop.place)}: nobody is seen who has {via6}, an IPv6 address, which is the next hop")


def _ipv6_doubt(hop: Hop, receiver: Receiver) -> str:
    """What may keep the two from each other that is IPv6's own, and not judged: in words, "" if there is nothing."""
    here = hop.evidence.look(hop.place, hop.route.dev)
    known = {mac for dev, address, mac in here.neighbours6 if (dev, address) == (hop.route.dev, hop.route.via6)} if here else set()
    if known - {receiver.link.mac}:
        return "it has another MAC written for that"
    looks = (look for look in (here, hop.evidence.look(receiver.place)) if look is not None and look.rules)
    families = {table[0] for look in looks for table in look.rules.tables}
    return "there are firewalls for IPv6" if families & {"ip6", "inet", "bridge", "netdev"} else ""


def _may_route(hop: Hop, receiver: Receiver) -> bool:
    """Whether it is worth a close look: a router, or the owner of the address itself."""
    space = hop.cluster[receiver.place[0]].spaces[receiver.place[1]]
    return space.forwarding or is_own(space, hop.to)


def _by_arp(hop: Hop, reached: list[Receiver]) -> NextHop:
    """By an ARP request: whoever has the address answers, if request and reply get through."""
    cluster, place, link, address = hop.cluster, hop.place, hop.link, hop.neighbour
    source = arp_source(hop)
    cause, answering = None, []
    for receiver in reached:
        if owns(cluster, receiver, address):
            refusal = no_reply(hop, receiver, source)
            cause = cause or refusal
            answering += [] if refusal else [receiver]
    answering = answering or [receiver for receiver in reached if receiver.cause is None and proxies(hop, receiver, address)]
    if not answering:
        return NextHop(cause=cause or no_proxy_route(hop, reached) or arp_failure(cluster, place, hop.route, hop.to))
    if len(answering) > 1:
        names = " and ".join(place_name(receiver.place) for receiver in answering)
        return NextHop(unsure=f"{names} have {address}: who answers first gets it")
    receiver = answering[0]
    if (cause := reply_taken_by_bridge(cluster, place, link, receiver)) is not None:
        return NextHop(cause=cause)
    learned = source and (receiver.place, receiver.link.name, source)
    if (forgot := _forgot_itself(hop, receiver)) is not None:
        return NextHop(cause=forgot, learned=learned)
    if (misled := wrong_port(cluster, place, link, receiver, fresh=True)) is not None:
        return replace(_taken_by_bridge(reached, receiver, misled), learned=learned)
    return NextHop(receiver, learned=learned)


def _taken_by_bridge(reached: list[Receiver], meant: Receiver, cause: Cause) -> NextHop:
    """Where a frame for *meant* ends that a bridge does not bring there: at the bridge itself, if it has the same MAC."""
    for passed in meant.bridges:
        for receiver in reached:
            if receiver is meant:
                continue  # it is the bridge that was meant, and what keeps the frame from it keeps it from all
            took = (receiver.place, receiver.link.name) == (passed.place, passed.bridge) and receiver.link.mac == meant.link.mac
            if took and passed.in_port is not None and receiver.cause is None:
                return NextHop(receiver, misdelivery=cause)
    return NextHop(cause=cause)
