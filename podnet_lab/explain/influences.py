"""What may decide on a packet's path, and is not judged: named where the path comes by. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podnet_lab.explain import inventory
from podnet_lab.explain.cause import Place, place_name
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.l2 import BridgePass, port_flags
from podnet_lab.model import Cluster, Namespace
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
        self._name(place, inventory.unjudged_here(look, protocol) if look else ())

    def device(self, place: Place, dev: str, egress: bool) -> None:
        """Of an interface that the frame comes in by, or (*egress*) goes out of."""
        look = self.evidence.look(place, dev)
        self._name(place, inventory.unjudged_device(look, dev, egress) if look else ())

    def bridge(self, passed: BridgePass) -> None:
        """Of a bridge that the frame passes, and of its two ports."""
        look, space = self.evidence.look(passed.place), self.cluster[passed.place[0]].spaces[passed.place[1]]
        self._name(passed.place, inventory.unjudged_bridge(look, passed.bridge, space.ports_of(passed.bridge)) if look else ())
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
