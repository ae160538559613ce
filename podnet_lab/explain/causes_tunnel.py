"""
Causes in a tunnel: its ends, and what each has to know of the others. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

from podnet_lab.devices.link_steps import ChangeLink, SetLinkState
from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.vxlan import steps as vxlan
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.tunnel_end import TunnelEnd, tunnel_end
from podnet_lab.explain.tunnel_evidence import KnownEnd, ends, looked_for, odd_one, pod_subnets
from podnet_lab.model import Cluster, Link, Namespace, Snapshot
from podnet_lab.steps import neighbour, route
from podnet_lab.steps.address import AddAddress
from podnet_lab.steps.base import Step, on


def tunnel_lacks_entry(place: Place, dev: str, mac: str | None, host: IPv4Address, goes_to: IPv4Address | None = None) -> Cause:
    """A tunnel has no forwarding entry by which a frame would get to its end at *host*; *goes_to*: it has one that leads elsewhere."""
    what = mac or "everybody"
    instead = f"sends it to {goes_to}" if goes_to else "has no entry for that"
    text = f"{place_name(place)}'s tunnel {dev} should send what is for {what} to {host}, and {instead}"
    question = f"To which address does {dev} send a frame for {what}?"
    entry = mac or "00:00:00:00:00:00"
    wrong = [vxlan.fdb_remove(entry, str(goes_to), dev, place[1])] if goes_to else []
    right = vxlan.fdb_append(entry, str(host), dev, place[1])
    return Cause(text, "neighbour", place, question, f"bridge {on(place[1])}fdb show dev {dev}", *wrong, right)


def tunnel_from_no_own_address(place: Place, space: Namespace, link: Link) -> Cause:
    """A tunnel's packets are to come from an address that its host does not have: there is no way for them (ip_route_output_key)."""
    local, dev = link.setting("local"), link.setting("dev")
    text = f"{place_name(place)}'s tunnel {link.name} is to send from {local}, which {place_name(place)} does not have"
    question = f"From which address do the packets of {link.name} come, and whose is that?"
    own = space.addresses_of(dev) if dev else ()
    mend = f"ip {on(place[1])}link set dev {link.name} type vxlan local {own[0].ip}" if len(own) == 1 else ""
    return Cause(text, "address", place, question, f"ip {on(place[1])}-d link show dev {link.name}", mend=mend)


def tunnel_host_gone(cluster: Cluster, place: Place, link: Link, mac: str, host: IPv4Address) -> Cause:
    """A tunnel's table leads to an address that nobody has; whose own end still sends from it has lost it."""
    text = f"{place_name(place)}'s tunnel {link.name} sends what is for {mac} to {host}, which nobody has"
    question = f"Who should have {host}?"
    lost = next((end for end in ends(cluster) if end.link.setting("local") == str(host)), None)
    lower = lost and lost.link.setting("dev")
    if lower is None or lower not in lost.node.own.links:
        undecided = f"nobody here says who should have {host}"
        return Cause(text, "address", place, question, f"bridge {on(place[1])}fdb show dev {link.name}", undecided=undecided)
    near = (own for node in cluster.values() for own in node.own.addresses_of(link.setting("dev") or "") if host in own.network)
    length = next((own.network.prefixlen for own in near), 32)
    back = AddAddress(IPv4Interface(f"{host}/{length}"), lower)
    text += f": {lost.node.node}'s end of the tunnel is to send from it"
    return Cause(text, "address", (lost.node.node, None), question, f"ip addr show dev {lower}", back)


def no_neighbour_in_tunnel(place: Place, dev: str, address: IPv4Address, mac: str) -> Cause:
    """A tunnel that learns nothing, and floods nothing, has no neighbour entry for an address: nobody hears who asks for it."""
    text = f"{place_name(place)} has no neighbour entry for {address}, and its tunnel {dev} carries no question to everybody"
    question = f"From whom would {place_name(place)} learn the MAC of {address}?"
    return Cause(
        text, "neighbour", place, question, f"ip {on(place[1])}neigh show dev {dev}", neighbour.add(str(address), mac, dev, place[1])
    )


def tunnel_ends_differ(cluster: Cluster, place: Place, link: Link, there: Place, end: Link, setting: str) -> Cause:
    """
    Two ends of a tunnel have another number, or listen at another port: what one sends, the other does not take.

    Where a third end agrees with one of them, the other is wrong; else only who planned it knows.
    """
    here, theirs = link.setting(setting), end.setting(setting)
    text = f"{place_name(place)}'s tunnel {link.name} has the {setting} {here}, and {place_name(there)}'s {end.name} the {setting} {theirs}"
    question = f"Which {setting} has each end of the tunnel?"
    odd = None if place[1] or there[1] else odd_one(cluster, setting, (place[0], here), (there[0], theirs))
    at, wrong, right = (there, end, here) if odd == there[0] else (place, link, theirs)
    own = tunnel_end(cluster[at[0]])
    repair = own.remade(**{setting: right}) if odd is not None and own is not None and own.dev == wrong.name else []
    undecided = f"which of the two is right, {here} or {theirs}, only who planned it knows"
    return Cause(text, "neighbour", at, question, f"ip {on(at[1])}-d link show dev {wrong.name}", *repair, undecided=undecided)


def no_tunnel(cluster: Cluster, node: Snapshot) -> Cause | None:
    """The cause if a node has no end of a tunnel, and others look for one there."""
    if not (looking := looked_for(cluster, node)):
        return None
    place, (model, known) = (node.node, None), looking[0]
    others = " and ".join(dict.fromkeys(end.node.node for end, _ in looking))
    text = f"{node.node} has no tunnel, and {others} would find its end at {known.host}"
    question = f"Which interfaces does {node.node} have, that the other nodes have as well?"
    repair = [] if model.dev in node.own.links else _made_like(cluster, node, model, known)
    return Cause(text, "cable", place, question, "ip -d link show type vxlan", *repair)


def _made_like(cluster: Cluster, node: Snapshot, model: TunnelEnd, known: KnownEnd) -> list[Step]:
    """The steps that make the end that others know, with all that it has to know of them."""
    lower = next(address.dev for address in node.own.addresses if address.interface.ip == known.host)
    settings = dict(model.link.settings) | {"local": str(known.host)} | ({"dev": lower} if model.link.setting("dev") else {})
    link = replace(model.link, mac=known.mac, settings=tuple(settings.items()))
    steps = [*kind_of(link).remake(None, link), *kind_of(link).adjust(None, link), SetLinkState(link.name, None, up=True)]
    steps.append(AddAddress(IPv4Interface(f"{known.address}/32"), link.name))
    for other in ends(cluster):
        if other.gateway is not None:
            steps += [neighbour.add(str(other.gateway), other.mac, link.name), vxlan.fdb_append(other.mac, str(other.host), link.name)]
            steps += [route.add(str(subnet), via=str(other.gateway), dev=link.name, onlink=True) for subnet in pod_subnets(other.node)]
    return steps


def tunnel_mac_not_known(place: Place, space: Namespace, end: Link, known: str) -> Cause:
    """An end of a tunnel has another MAC than the other ends send to: it does not take their frames for its own."""
    text = f"{place_name(place)}'s tunnel {end.name} has the MAC {end.mac}, and the other ends send to {known} there"
    question = f"By which MAC do the others know {place_name(place)}'s end, and which does it have?"
    # With the MAC, the kernel forgets all neighbours of an interface, those that were written by hand as well (neigh_changeaddr).
    near = [entry for entry in space.neighbours if (entry.dev, entry.state) == (end.name, "PERMANENT")]
    again = (neighbour.add(str(entry.address), entry.mac, end.name, place[1]) for entry in near)
    look = f"ip {on(place[1])}link show dev {end.name}"
    return Cause(text, "neighbour", place, question, look, ChangeLink(end.name, place[1], mac=known), *again)
