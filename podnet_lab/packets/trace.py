"""
The path that one packet really took: every interface at which it was captured, in order.

Pure: made of the frames that the nodes captured. On one machine they are ordered by time. Clocks of VMs differ, so there
frames of different nodes are ordered by the packet's time to live, which each router takes one off; see frame_order.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from itertools import groupby
from types import MappingProxyType

from podnet_lab.devices.registry import kind_of
from podnet_lab.model import Snapshot
from podnet_lab.packets import frame_order
from podnet_lab.packets.frames import RST, SYN, Frame
from podnet_lab.packets.pcapng import pcapng

BROADCAST = "ff:ff:ff:ff:ff:ff"

TITLES = {"there": "on the way there", "error": "an error comes back", "back": "on the way back"}

Cluster = Mapping[str, Snapshot]


@dataclass(frozen=True)
class CapturedFrame:
    """A frame captured at one interface of a node, or of a Pod (*namespace*) on it; *time* in nanoseconds by that node's clock."""

    node: str
    namespace: str | None
    dev: str
    out: bool
    time: int
    data: bytes = field(repr=False)
    length: int
    frame: Frame

    @property
    def position(self) -> tuple[object, ...]:
        """Where a frame was captured, and how far it had come: equal for two frames only if the packet was sent again."""
        return self.node, self.namespace, self.dev, self.out, self.frame.kind, self.frame.ttl

    @property
    def place(self) -> str:
        """The Pod, or the node."""
        return self.namespace or self.node


@dataclass(frozen=True)
class Hop:
    """
    A frame of the traced exchange, with the names of its MACs' owners.

    *news* says what has changed since the hop before: a new Ethernet header, another address.
    """

    seen: CapturedFrame
    way: str
    sender: str
    receiver: str
    news: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, object]:
        """The hop as one flat record, for pandas; its time in nanoseconds."""
        frame, seen = self.seen.frame, self.seen
        return {
            "way": self.way,
            "place": seen.place,
            "node": seen.node,
            "interface": seen.dev,
            "direction": "out" if seen.out else "in",
            "kind": frame.kind,
            "from_mac": frame.source_mac,
            "to_mac": frame.target_mac,
            "from_interface": self.sender,
            "to_interface": self.receiver,
            "source": str(frame.source),
            "target": str(frame.target),
            "ttl": frame.ttl,
            "news": ", ".join(self.news),
            "length": seen.length,
            "time": seen.time,
        }

    @property
    def arp(self) -> str:
        """An ARP frame as tcpdump prints it; "" for other frames."""
        frame = self.seen.frame
        request, reply = f"who has {frame.target}? tell {frame.source}", f"{frame.source} is at {self.sender}"
        return {"ARP request": request, "ARP reply": reply}.get(frame.kind, "")

    def __str__(self) -> str:
        frame, seen = self.seen.frame, self.seen
        line = f"ARP: {self.arp}"
        if not self.arp:
            line = f"{frame.source} → {frame.target}  ttl {frame.ttl}  {frame.words}"
            line += "".join(f"  ← {change}" for change in self.news)
        macs = f"[{self.sender} → {self.receiver}]"
        return f"{seen.place:<8} {seen.dev:<14} {'out' if seen.out else 'in ':<3} {macs:<38} {line}"


class Trace(tuple[Hop, ...]):
    """
    The hops of one exchange in order: the packet on its way there, its answer, errors, and the ARP before; true if answered.

    Where all nodes share a clock it is the order of time; in VMs ARP stands before each way, and errors before the way back.
    *lost* counts frames that the capture had no room for.
    """

    headline: str = ""
    answered: bool = False
    lost: int = 0
    ends: tuple[str, str] = ("", "")
    """Who sent it, and to whom."""
    cluster: Cluster = MappingProxyType({})
    """The network as it was when the packet was sent."""

    @classmethod
    def of(cls, hops: Iterable[Hop], headline: str, answered: bool, lost: int = 0) -> Trace:
        """A trace with its headline."""
        self = cls(hops)
        self.headline, self.answered, self.lost = headline, answered, lost
        return self

    def __bool__(self) -> bool:
        return self.answered

    @property
    def records(self) -> list[dict[str, object]]:
        """One flat record for each hop: ``pandas.DataFrame(trace.records)``."""
        return [hop.record for hop in self]

    @property
    def last(self) -> Hop | None:
        """The last hop of the packet, or of its answer; ARP aside."""
        return next(reversed(self.way("back") or self.way("there")), None)

    def way(self, name: str) -> list[Hop]:
        """The hops "there", "back", or "error"."""
        return [hop for hop in self if hop.way == name]

    def save(self, path: str) -> str:
        """Write the frames to *path* as pcapng, for Wireshark: one interface for each place; says how many there are."""
        packets = [(f"{hop.seen.place}:{hop.seen.dev}", hop.seen.time, hop.seen.data, hop.seen.length, str(hop)) for hop in self]
        with open(path, "wb") as file:
            file.write(pcapng(packets))
        return f"{len(packets)} frames of {len({name for name, *_ in packets})} interfaces are in {path}"

    def __str__(self) -> str:
        lines = [self.headline]
        for way, hops in groupby(self, lambda hop: hop.way.removeprefix("ARP ")):
            lines += [f"{TITLES[way]}:", *(f"  {hop}".rstrip() for hop in hops)]
        if not any(hop.way == "there" for hop in self):
            asked = any(hop.seen.frame.kind == "ARP request" for hop in self)
            why = "its sender asked for a MAC, and had none to send it to" if asked else "it did not leave its namespace"
            lines.append(f"the packet was never seen: {why}")
        elif not self.answered and self.last:
            lines.append(f"seen last: {self.last.seen.place}, {self.last.seen.dev}, going {'out' if self.last.seen.out else 'in'}")
        if self.lost:
            lines.append(f"({self.lost} frames were too many to be kept: some hops may be missing)")
        return "\n".join(lines)

    __repr__ = __str__


def mac_owners(cluster: Cluster) -> dict[str, str]:
    """The owner of each MAC, by MAC: "pod-1-2", or, as a node has several interfaces, "node1 eth0"."""
    names = {}
    for name, node in cluster.items():
        for space in node.spaces.values():
            for link in space.links.values():
                if not kind_of(link).comes_with_namespace:
                    names[link.mac] = space.name if space.name else f"{name} {link.name}"
    # A bridge takes its MAC from a port, where it has none of its own: what is sent to it is for the bridge.
    for name, node in cluster.items():
        names |= {link.mac: f"{name} {link.name}" for link in node.own.links.values() if kind_of(link).switches}
    return names


def echoes(seen: Sequence[CapturedFrame], nonce: bytes) -> dict[str, list[CapturedFrame]]:
    """The frames of one echo, which carries *nonce*: there, back, and the errors about either."""
    ways = {"echo request": "there", "echo reply": "back"}
    frames: dict[str, list[CapturedFrame]] = {"there": [], "back": [], "error": []}
    for captured in seen:
        frame = captured.frame
        if frame.kind in ways and nonce in frame.mark:
            frames[ways[frame.kind]].append(captured)
        elif frame.quoted is not None and nonce in frame.quoted.mark:
            frames["error"].append(captured)
    return frames


def connection(seen: Sequence[CapturedFrame], source: IPv4Address | None, port: int) -> dict[str, list[CapturedFrame]]:
    """The first packet of a TCP connection to *port*, its answer, and errors: known by its sequence number, which NAT leaves alone."""
    frames: dict[str, list[CapturedFrame]] = {"there": [], "back": [], "error": []}
    first = next((captured for captured in seen if _is_first(captured.frame, port) and source in (None, captured.frame.source)), None)
    if first is None:
        return frames
    number = first.frame.mark[:4]
    acknowledged = ((int.from_bytes(number, "big") + 1) & 0xFFFFFFFF).to_bytes(4, "big")
    for captured in seen:
        frame = captured.frame
        if frame.kind == "TCP" and frame.flags & ~0xC0 == SYN and frame.mark[:4] == number:
            frames["there"].append(captured)
        elif frame.kind == "TCP" and frame.flags & (SYN | RST) and frame.mark[4:8] == acknowledged:
            frames["back"].append(captured)
        elif frame.quoted is not None and frame.quoted.mark[:4] == number:
            frames["error"].append(captured)
    return frames


def _is_first(frame: Frame, port: int) -> bool:
    return frame.kind == "TCP" and frame.flags & ~0xC0 == SYN and frame.ports is not None and frame.ports[1] == port


def build(
    cluster: Cluster, seen: Sequence[CapturedFrame], ways: Mapping[str, Sequence[CapturedFrame]], begin: str, *, one_clock: bool = False
) -> list[Hop]:
    """The hops in order, with the ARP that was exchanged at the places on the path; *one_clock*: all nodes have the same."""
    known = mac_owners(cluster)
    places = {(captured.node, captured.namespace) for way in ways.values() for captured in way}
    arps = _awaited([captured for captured in seen if captured.frame.kind.startswith("ARP") and _on_path(captured, begin, places)])
    hops: list[Hop] = []
    before: dict[str, list[CapturedFrame]] = {"there": [], "error": [], "back": []}
    for way, captured in frame_order.by_time(cluster, arps, ways) if one_clock else frame_order.by_path(arps, ways, begin):
        news = () if way.startswith("ARP") else _news(before[way], captured)
        hops.append(replace(_hop(captured, way, known), news=news))
        before.setdefault(way, []).append(captured)
    return hops


def _news(before: Sequence[CapturedFrame], now: CapturedFrame) -> tuple[str, ...]:
    """What has been rewritten since the packet was captured last; nothing where it is sent, be it again."""
    if not before or now.position == before[0].position:
        return ()
    last, new = before[-1].frame, now.frame
    changes = ["new Ethernet header"] if (last.source_mac, last.target_mac) != (new.source_mac, new.target_mac) else []
    changes += ["another source"] if last.source != new.source else []
    changes += ["another destination"] if last.target != new.target else []
    return tuple(changes)


def _on_path(captured: CapturedFrame, begin: str, places: set) -> bool:
    """Whether a frame was captured at a place where the packet was; if that was captured nowhere, on the sender's node."""
    return (captured.node, captured.namespace) in places if places else captured.node == begin


def _awaited(arps: Sequence[CapturedFrame]) -> list[CapturedFrame]:
    """Without the unicast requests by which a kernel confirms a neighbour entry: no packet waits for those."""
    broadcast = {frame_order.arp_question(captured) for captured in arps if captured.frame.target_mac == BROADCAST}
    return [captured for captured in arps if frame_order.arp_question(captured) in broadcast]


def _hop(captured: CapturedFrame, way: str, known: Mapping[str, str]) -> Hop:
    name = lambda mac: "everybody" if mac == BROADCAST else known.get(mac, mac)  # noqa: E731
    return Hop(captured, way, name(captured.frame.source_mac), name(captured.frame.target_mac))
