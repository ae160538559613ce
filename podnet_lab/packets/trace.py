"""
The path that one packet really took: every interface at which it was captured, in order.

Pure: made of the frames that the nodes captured. On one machine they are ordered by time. Clocks of VMs differ, so there
frames of different nodes are ordered by the packet's time to live, which each router takes one off; see frame_order.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from itertools import groupby
from shlex import quote
from types import MappingProxyType

from podnet_lab.devices.registry import kind_of
from podnet_lab.errors import BadInput
from podnet_lab.model import Cluster
from podnet_lab.packets import frame_order
from podnet_lab.packets.frames import BROADCAST, RST, SYN, Frame
from podnet_lab.packets.hop import CapturedFrame, Hop
from podnet_lab.packets.news import news
from podnet_lab.packets.pcapng import pcapng

TITLES = {"there": "on the way there", "error": "an error comes back", "back": "on the way back"}


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
        """
        Write the frames to *path* as pcapng, for Wireshark: one interface for each place; says how many there are.

        Where Wireshark has to be told at which port a tunnel is, it says with which option. BadInput where *path* can't be written.
        """
        packets = [(f"{hop.seen.place}:{hop.seen.dev}", hop.seen.time, hop.seen.data, hop.seen.length, str(hop)) for hop in self]
        bare = {f"{hop.seen.place}:{hop.seen.dev}" for hop in self if not hop.seen.whole.source_mac}
        try:
            with open(path, "wb") as file:
                file.write(pcapng(packets, bare))
        except OSError as error:
            raise BadInput(f"the trace can't be written to {path}: {error.strerror}") from error
        options = sorted({outer.tunnel.decode_as for hop in self for outer in hop.seen.outer} - {""})
        wireshark = f"; to see what is inside the tunnel: wireshark {' '.join(f'-d {option}' for option in options)} {quote(path)}"
        return f"{len(packets)} frames of {len({name for name, *_ in packets})} interfaces are in {path}{wireshark if options else ''}"

    def __str__(self) -> str:
        lines = [self.headline]
        for way, hops in groupby(self, lambda hop: hop.way.removeprefix("ARP ")):
            lines += [f"{TITLES[way]}:", *(f"  {line}".rstrip() for hop in hops for line in str(hop).splitlines())]
        if not any(hop.way == "there" for hop in self):
            asked = any(hop.seen.frame.kind == "ARP request" for hop in self)
            why = "its sender asked for a MAC, and had none to send it to" if asked else "it did not leave its namespace"
            lines.append(f"the packet was never seen: {why}")
        elif not self.answered and self.last:
            seen = self.last.seen
            within = "".join(f", inside {outer.tunnel.words}" for outer in reversed(seen.outer))
            lines.append(f"seen last: {seen.place}, {seen.dev}, going {'out' if seen.out else 'in'}{within}")
        if self.lost:
            lines.append(f"({self.lost} frames were too many to be kept: some hops may be missing)")
        return "\n".join(lines)

    __repr__ = __str__


def mac_owners(cluster: Cluster) -> dict[str, str]:
    """
    The owner of each MAC, by MAC: "pod-1-2", or, as a node has several interfaces, "node1 eth0".

    One that nodes give to several interfaces (Calico's ee:ee:ee:ee:ee:ee) is "a node": which one, the place of a frame says.
    """
    names: dict[str, str] = {}
    for name, node in cluster.items():
        for space in node.spaces.values():
            for link in space.links.values():
                if not kind_of(link).comes_with_namespace:
                    shared = link.mac in names and not space.name and kind_of(link).paired
                    names[link.mac] = space.name if space.name else "a node" if shared else f"{name} {link.name}"
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
        elif frame.quoted is not None and nonce in frame.quoted.innermost.mark:
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
        elif frame.quoted is not None and frame.quoted.innermost.mark[:4] == number:
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
        told = () if way.startswith("ARP") else news(before[way], captured)
        hops.append(_hop(captured, way, known, told))
        before.setdefault(way, []).append(captured)
    return hops


def _on_path(captured: CapturedFrame, begin: str, places: set) -> bool:
    """Whether a frame was captured at a place where the packet was; if that was captured nowhere, on the sender's node."""
    return (captured.node, captured.namespace) in places if places else captured.node == begin


def _awaited(arps: Sequence[CapturedFrame]) -> list[CapturedFrame]:
    """Without the unicast requests by which a kernel confirms a neighbour entry: no packet waits for those."""
    broadcast = {frame_order.arp_question(captured) for captured in arps if captured.frame.target_mac == BROADCAST}
    return [captured for captured in arps if frame_order.arp_question(captured) in broadcast]


def _hop(captured: CapturedFrame, way: str, known: Mapping[str, str], told: tuple[str, ...]) -> Hop:
    name = lambda mac: "everybody" if mac == BROADCAST else mac and known.get(mac, mac)  # noqa: E731
    *outer, (sender, receiver) = [(name(frame.source_mac), name(frame.target_mac)) for frame in (*captured.outer, captured.frame)]
    return Hop(captured, way, sender, receiver, told, tuple(outer))
