"""What is too big for the way that it is to go. Pure."""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.explain import causes_l2, causes_l3
from podnet_lab.explain.cause import Cause
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.hooks import At
from podnet_lab.explain.l2 import Receiver
from podnet_lab.model.route_lookup import mtu

VLAN_HLEN = 4
"""Bytes that a cable's end and a bridge's port let pass beyond their MTU: room for a VLAN tag."""


def too_long(flow: Flow, receiver: Receiver) -> Cause | None:
    """Why a flow's frame is too long for what is on its way to a receiver."""
    most, place, dev = receiver.bottleneck
    return causes_l2.mtu_too_small(place, dev, most, flow.size) if flow.size > most + VLAN_HLEN else None


def too_big(at: At, flow: Flow, answered: int, may_be_cut: bool) -> tuple[Cause | None, Flow]:
    """
    Why a flow's packet is too big for the route that it takes from a place, and the flow.

    *answered* is the kernel's word (0: none). The kernel's own answers (icmp_reply) and a tunnel's packets *may_be_cut*, others not.
    """
    space, route = at.space, at.route
    most = mtu(space, route) if route.raw or not answered else min(mtu(space, route), answered)
    if most < flow.size and may_be_cut:
        flow = replace(flow, size=most)
    elif most < flow.size:
        return causes_l3.fragmentation_needed(at.place, route.dev, most, flow.size), flow
    if at.iif is None and not may_be_cut and (most := space.learnt.get(flow.to, flow.size)) < flow.size:
        return causes_l3.path_mtu_too_small(at.place, flow.to, most, flow.size), flow
    return None, flow
