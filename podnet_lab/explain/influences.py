"""What may decide on a packet's path, and is not judged: named where the path comes by. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podnet_lab.devices.registry import kind_of
from podnet_lab.explain import inventory
from podnet_lab.explain.cause import Place, place_name
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.l2 import BridgePass, Receiver, port_flags
from podnet_lab.model import Cluster, Namespace, Route
from podnet_lab.model.close_look import DeviceLook


@dataclass(frozen=True)
class Influences:
    """Names them, into the list *unsure*, of the places and interfaces that a walk passes."""

    cluster: Cluster
    evidence: Evidence
    unsure: list[str]

    def namespace(self, place: Place, protocol: str) -> None:
        """Of a place that the packet gets to."""
        look = self.evidence.look(place)
        if place in self.evidence.gone:
            self.unsure.append(f"{place_name(place)} could not be looked at closely: it is gone, or changes too fast")
        self._name(place, inventory.unjudged_here(look, protocol) if look else ())

    def device(self, place: Place, dev: str, egress: bool) -> None:
        """Of an interface that the frame comes in by, or (*egress*) goes out of."""
        look, link = self.evidence.look(place, dev), self.cluster[place[0]].link(place[1], dev)
        master = self.cluster[place[0]].link(place[1], link.master) if link and link.master else None
        if master is not None and not kind_of(master).switches:
            self._name(place, [f"{dev} is part of {master.name}, a {master.kind}"])
        self._name(place, inventory.unjudged_device(look, dev, egress) if look else ())

    def lacks_carrier(self, place: Place, dev: str) -> bool:
        """Whether an interface that is up can't send: it has no carrier. A bridge's comes from its ports."""
        link = self.cluster[place[0]].link(place[1], dev)
        return self.evidence.asks and link.up and not link.carrier and not kind_of(link).switches

    def bridge(self, passed: BridgePass) -> None:
        """Of a bridge that the frame passes, and of its two ports."""
        look, space = self.evidence.look(passed.place), self.cluster[passed.place[0]].spaces[passed.place[1]]
        self._name(passed.place, inventory.unjudged_bridge(look, passed.bridge) if look else ())
        for port in (space.links[dev] for dev in (passed.in_port, passed.out_port) if dev):
            flags = [flag for flag in port_flags(port) if flag in inventory.UNJUDGED_FLAGS]
            self._name(passed.place, [f"{port.name} is a port with {', '.join(flags)}"] if flags else [])

    def default_ttl(self, place: Place) -> int:
        """The time to live that a place gives what it sends."""
        look = self.evidence.look(place)
        return look.setting("ipv4/ip_default_ttl", 64) if look else 64

    def _name(self, place: Place, words: Iterable[str]) -> None:
        self.unsure.extend(f"{place_name(place)}: {what}, which is not judged" for what in words)


def calls_iptables(evidence: Evidence, place: Place, space: Namespace, bridge: str) -> bool:
    """Whether what a bridge passes on goes through iptables and nftables: of all bridges there, or of this one."""
    look = evidence.look(place)
    return space.bridged or (look is not None and bool(look.devices.get(bridge, DeviceLook()).bridge.get("nf_call_iptables")))


def stays_on_bridge(evidence: Evidence, cluster: Cluster, place: Place, route: Route, by: Receiver | None) -> str | None:
    """
    The port that a packet came in by, whose target was rewritten, if the bridge that it came by passes it on itself.

    Such a packet never leaves the bridge (br_nf_pre_routing_finish): it must not go out by the port that it came in by.
    """
    space = cluster[place[0]].spaces[place[1]]
    if by is None or route.dev != by.link.name or not calls_iptables(evidence, place, space, by.link.name):
        return None
    return next((passed.in_port for passed in by.bridges if (passed.place, passed.bridge) == (place, by.link.name)), None)
