"""
A walk's frames at the hooks below IP: ingress and egress of devices, bridges, and ARP. Pure.

Sources: net/core/dev.c, net/bridge/br_input.c, br_forward.c, net/ipv4/arp.c of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.firewall.packet import Packet, arp_reply, arp_request
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.hooks import Hooks
from podnet_lab.explain.l2 import BridgePass, Receiver
from podnet_lab.model import Cluster, Namespace, Route
from podnet_lab.model.route_lookup import ANYWHERE

BRIDGE = ("bridge",)


@dataclass(frozen=True)
class Frames:
    """The frames of a walk, at its *hooks*, from and to a MAC."""

    cluster: Cluster
    hooks: Hooks
    source_mac: str | None = None
    target_mac: str | None = None

    def at_device(self, flow: Flow, place: Place, dev: str, egress: bool) -> tuple[Cause | None, Flow]:
        """What stops a packet's frame at an interface, and the flow after it; rules there may write its time to live."""
        packet = self._packet(flow)
        cause, after = self._device(packet, place, dev, egress)
        return cause, replace(flow, ttl=after.ttl) if after.ttl is not None else flow

    def at_bridge(self, flow: Flow, passed: BridgePass) -> Cause | None:
        """What stops a packet's frame at a bridge."""
        return self._bridge(self._packet(flow), passed)

    def arp(self, place: Place, route: Route, flow: Flow, receiver: Receiver) -> Cause | None:
        """What stops the question for a neighbour's MAC, or the answer, on the way between a place and that neighbour."""
        sender, asked = flow.source or ANYWHERE, route.via or flow.to
        link = self.cluster[place[0]].link(place[1], route.dev)
        request = arp_request(sender, asked, None, None, link.mac)
        answer = replace(arp_reply(asked, sender, None, None, receiver.link.mac), target_mac=link.mac)
        there = (place, route.dev), (receiver.place, receiver.link.name)
        return self._exchanged(request, there, receiver.broadcast_devices, receiver.bridges) or self._exchanged(
            answer,
            there[::-1],
            receiver.devices_back,
            tuple(replace(passed, in_port=passed.out_port, out_port=passed.in_port) for passed in receiver.bridges[::-1]),
        )

    def _exchanged(
        self,
        packet: Packet,
        ends: tuple[tuple[Place, str], tuple[Place, str]],
        devices: tuple[tuple[Place, str, bool], ...],
        bridges: tuple[BridgePass, ...],
    ) -> Cause | None:
        (sender, out_of), (receiver, into) = ends
        causes = [self._frame(sender, "output", ("arp",), replace(packet, oif=out_of))[0]]
        causes += [self._device(packet, *device)[0] for device in devices]
        causes += [self._bridge(packet, passed) for passed in bridges]
        causes += [self._frame(receiver, "input", ("arp",), replace(packet, iif=into))[0]]
        cause = next(filter(None, causes), None)
        what = "the question for its MAC" if packet.operation == "request" else "the answer with its MAC"
        return cause and cause.suffixed(f" ({what}, by ARP)")

    def _device(self, packet: Packet, place: Place, dev: str, egress: bool) -> tuple[Cause | None, Packet]:
        if egress:
            return self._frame(place, "egress", ("netdev",), replace(packet, oif=dev, iif=None), dev)
        return self._frame(place, "ingress", ("netdev", "inet"), replace(packet, iif=dev, oif=None), dev)

    def _bridge(self, packet: Packet, passed: BridgePass) -> Cause | None:
        for hook, iif, oif in bridge_hooks(passed):
            cause, packet = self._frame(passed.place, hook, BRIDGE, replace(packet, iif=iif, oif=oif))
            if cause is not None:
                return cause
        return None

    def _frame(self, place: Place, hook: str, families: tuple[str, ...], packet: Packet, device: str = "") -> tuple[Cause | None, Packet]:
        return self.hooks.frame(place, self._space(place), hook, families, packet, device)

    def _space(self, place: Place) -> Namespace:
        return self.cluster[place[0]].spaces[place[1]]

    def _packet(self, flow: Flow) -> Packet:
        size = flow.asked_size
        source: IPv4Address = flow.source or ANYWHERE
        ends = {"source_mac": self.source_mac, "target_mac": self.target_mac}
        return Packet(source, flow.to, None, None, self.hooks.reply, flow.protocol, flow.port, ttl=flow.ttl, size=size, **ends)


def bridge_hooks(passed: BridgePass) -> Iterator[tuple[str, str | None, str | None]]:
    """(hook, port that the frame came by, port that it leaves by) of each hook of the family bridge, as a frame passes a bridge."""
    if passed.in_port is not None:
        yield "prerouting", passed.in_port, None
        yield ("forward", passed.in_port, passed.out_port) if passed.out_port is not None else ("input", passed.in_port, None)
    else:
        yield "output", None, passed.out_port
    if passed.out_port is not None:
        yield "postrouting", None, passed.out_port
