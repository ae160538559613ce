"""
The way that one packet really took: every interface at which it was seen, in order.

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
class Seen:
    """One frame at one interface of a node, or of a Pod (*namespace*) on it; *time* in nanoseconds by that node's clock."""

    node: str
    namespace: str | None
    dev: str
    out: bool
    time: int
    data: bytes = field(repr=False)
    length: int
    frame: Frame

    @property
    def spot(self) -> tuple[object, ...]:
        """What a frame has in common with itself only if it was sent once more: where it is, and how far it has come."""
        return self.node, self.namespace, self.dev, self.out, self.frame.kind, self.frame.ttl

    @property
    def place(self) -> str:
        """The Pod, or the node."""
        return self.namespace or self.node


@dataclass(frozen=True)
class Hop:
    """
    A frame of the traced exchange, with its MACs by the names of whose they are.

    *news* says what is different from where it was seen before: a new Ethernet header, another address.
    """

    seen: Seen
    way: str
    sender: str
    receiver: str
    news: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, object]:
        """All that is known of it, as one flat record: for pandas."""
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
        """What an ARP frame says; nothing of others."""
        frame = self.seen.frame
        asked, told = f"who has {frame.target}? tell {frame.source}", f"{frame.source} is at {self.sender}"
        return {"ARP request": asked, "ARP reply": told}.get(frame.kind, "")

    def __str__(self) -> str:
        frame, seen = self.seen.frame, self.seen
        what = f"ARP: {self.arp}"
        if not self.arp:
            what = f"{frame.source} → {frame.target}  ttl {frame.ttl}  {frame.words}"
            what += "".join(f"  ← {one}" for one in self.news)
        macs = f"[{self.sender} → {self.receiver}]"
        return f"{seen.place:<8} {seen.dev:<14} {'out' if seen.out else 'in ':<3} {macs:<38} {what}"


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
        """Where the packet, or its answer, was seen last; ARP aside."""
        return next(reversed(self.way("back") or self.way("there")), None)

    def way(self, name: str) -> list[Hop]:
        """The hops "there", "back", or "error"."""
        return [hop for hop in self if hop.way == name]

    def save(self, path: str) -> str:
        """Write the frames to *path* as pcapng, for Wireshark: one interface for each place; says how many there are."""
        packets = [(f"{one.seen.place}:{one.seen.dev}", one.seen.time, one.seen.data, one.seen.length, str(one)) for one in self]
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


def owners(cluster: Cluster) -> dict[str, str]:
    """Whose each MAC is: "pod-1-2" or "node1 eth0"; of a node the interface matters, a Pod mostly has one."""
    found = {}
    for name, node in cluster.items():
        for space in node.spaces.values():
            for link in space.links.values():
                if not kind_of(link).comes_with_namespace:
                    found[link.mac] = space.name if space.name else f"{name} {link.name}"
    # A bridge takes its MAC from a port, where it has none of its own: what is sent to it is for the bridge.
    for name, node in cluster.items():
        found |= {link.mac: f"{name} {link.name}" for link in node.own.links.values() if kind_of(link).switches}
    return found


def echoes(seen: Sequence[Seen], nonce: bytes) -> dict[str, list[Seen]]:
    """The frames of one echo, which carries *nonce*: there, back, and the errors about either."""
    ways = {"echo request": "there", "echo reply": "back"}
    found: dict[str, list[Seen]] = {"there": [], "back": [], "error": []}
    for one in seen:
        frame = one.frame
        if frame.kind in ways and nonce in frame.mark:
            found[ways[frame.kind]].append(one)
        elif frame.quoted is not None and nonce in frame.quoted.mark:
            found["error"].append(one)
    return found


def connection(seen: Sequence[Seen], source: IPv4Address | None, port: int) -> dict[str, list[Seen]]:
    """The first packet of a TCP connection to *port*, its answer, and errors: known by its sequence number, which NAT leaves alone."""
    found: dict[str, list[Seen]] = {"there": [], "back": [], "error": []}
    first = next((one for one in seen if _is_first(one.frame, port) and source in (None, one.frame.source)), None)
    if first is None:
        return found
    number = first.frame.mark[:4]
    acknowledged = ((int.from_bytes(number, "big") + 1) & 0xFFFFFFFF).to_bytes(4, "big")
    for one in seen:
        frame = one.frame
        if frame.kind == "TCP" and frame.flags & ~0xC0 == SYN and frame.mark[:4] == number:
            found["there"].append(one)
        elif frame.kind == "TCP" and frame.flags & (SYN | RST) and frame.mark[4:8] == acknowledged:
            found["back"].append(one)
        elif frame.quoted is not None and frame.quoted.mark[:4] == number:
            found["error"].append(one)
    return found


def _is_first(frame: Frame, port: int) -> bool:
    return frame.kind == "TCP" and frame.flags & ~0xC0 == SYN and frame.ports is not None and frame.ports[1] == port


def build(cluster: Cluster, seen: Sequence[Seen], ways: Mapping[str, Sequence[Seen]], begin: str, *, one_clock: bool = False) -> list[Hop]:
    """The hops in order, with the ARP that was exchanged at the places on the path; *one_clock*: all nodes have the same."""
    known = owners(cluster)
    places = {(one.node, one.namespace) for way in ways.values() for one in way}
    arps = _awaited([one for one in seen if one.frame.kind.startswith("ARP") and _on_path(one, begin, places)])
    hops: list[Hop] = []
    before: dict[str, list[Seen]] = {"there": [], "error": [], "back": []}
    for way, one in frame_order.by_time(cluster, arps, ways) if one_clock else frame_order.by_path(arps, ways, begin):
        news = () if way.startswith("ARP") else _news(before[way], one)
        hops.append(replace(_hop(one, way, known), news=news))
        before.setdefault(way, []).append(one)
    return hops


def _news(before: Sequence[Seen], now: Seen) -> tuple[str, ...]:
    """What a node has rewritten since the packet was seen last; nothing where it sets out, be it once more."""
    if not before or now.spot == before[0].spot:
        return ()
    one, other = before[-1].frame, now.frame
    found = ["new Ethernet header"] if (one.source_mac, one.target_mac) != (other.source_mac, other.target_mac) else []
    found += ["another source"] if one.source != other.source else []
    found += ["another destination"] if one.target != other.target else []
    return tuple(found)


def _on_path(one: Seen, begin: str, places: set) -> bool:
    """Whether a frame was seen where the packet was; if that was nowhere at all, on its node."""
    return (one.node, one.namespace) in places if places else one.node == begin


def _awaited(arps: Sequence[Seen]) -> list[Seen]:
    """Without what a kernel asks a neighbour that it knows, now and then: no packet waits for that, and everybody else is not asked."""
    asked = {frame_order.question(one) for one in arps if one.frame.target_mac == BROADCAST}
    return [one for one in arps if frame_order.question(one) in asked]


def _hop(one: Seen, way: str, known: Mapping[str, str]) -> Hop:
    name = lambda mac: "everybody" if mac == BROADCAST else known.get(mac, mac)  # noqa: E731
    return Hop(one, way, name(one.frame.source_mac), name(one.frame.target_mac))
