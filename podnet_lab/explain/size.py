"""What is too big for the way that it is to go. Pure."""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.devices.link_steps import USUAL_MTU
from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import causes_l2, causes_l3, causes_routing
from podnet_lab.explain.cause import Cause, place_name
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.hooks import At
from podnet_lab.explain.l2 import Receiver
from podnet_lab.model import Cluster, Link, Namespace, Route
from podnet_lab.model.route_lookup import mtu

VLAN_HLEN = 4
"""Bytes that a cable's end and a bridge's port let pass beyond their MTU: room for a VLAN tag."""


def usual_mtu(space: Namespace, link: Link) -> int:
    """The MTU that an interface should have: of a tunnel, what its headers leave of the interface below; of a bridge, its ports'."""
    below = space.links.get(link.setting("dev") or "")
    if kind_of(link).overhead:
        return (below.mtu if below else USUAL_MTU) - kind_of(link).overhead
    return max((space.links[port].mtu for port in space.ports_of(link.name)), default=USUAL_MTU) if kind_of(link).switches else USUAL_MTU


def too_long(cluster: Cluster, flow: Flow, receiver: Receiver) -> tuple[Cause | None, str]:
    """Why a flow's frame is too long for what is on its way to a receiver; and, in words, where that is not known."""
    most, place, dev = receiver.bottleneck
    if flow.size <= most + VLAN_HLEN:
        return None, ""
    if kind_of(cluster[place[0]].link(place[1], dev)).driver_limits:
        longer = f"{dev} in {place_name(place)} has an MTU of {most}, and a frame of {flow.size} bytes comes in"
        return None, f"{longer}: whether a card takes that is its driver's to say"
    return causes_l2.mtu_too_small(place, dev, most, flow.size), ""


def most_sent(space: Namespace, route: Route, answered: int) -> int:
    """The largest packet that may take a place's route, in bytes; *answered* is what the kernel says of it (0: nothing)."""
    return mtu(space, route) if route.raw or not answered else min(mtu(space, route), answered)


def too_big(at: At, flow: Flow, answered: int, may_be_cut: bool) -> tuple[Cause | None, Flow]:
    """
    Why a flow's packet is too big for the route that it takes from a place, and the flow.

    *answered* is the kernel's word (0: none). The kernel's own answers (icmp_reply), a tunnel's packets and segments of TCP
    *may_be_cut*, others not.
    """
    space, route = at.space, at.route
    most, may_be_cut = most_sent(space, route, answered), may_be_cut or flow.may_be_cut
    if most < flow.size and may_be_cut:
        flow = replace(flow, size=most)
    elif most < flow.size:
        if most == mtu(space, route) < space.links[route.dev].mtu:
            return causes_routing.route_mtu_too_small(at.place, route, most, flow.size), flow
        return causes_l3.fragmentation_needed(at.place, route.dev, most, flow.size, usual_mtu(space, space.links[route.dev])), flow
    if at.iif is None and not may_be_cut and (most := space.learnt.get(flow.to, flow.size)) < flow.size:
        return causes_l3.path_mtu_too_small(at.place, flow.to, most, flow.size), flow
    return None, flow
