"""One frame of a traced exchange, at the interface where it was captured. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from podnet_lab.packets.frames import Frame

BEFORE_HEADERS = 28
"""Characters of a hop's line for its place, interface and direction."""


@dataclass(frozen=True)
class CapturedFrame:
    """
    A frame captured at one interface of a node, or of a Pod (*namespace*) on it; *time* in nanoseconds by that node's clock.

    *whole* is all of it, *frame* the packet that is followed, and *outer* what that is inside of in tunnels, from the outside in.
    Of a later piece of a packet that was cut *first* is the first one, which alone has the headers of what is inside.
    """

    node: str
    namespace: str | None
    dev: str
    out: bool
    time: int
    data: bytes = field(repr=False)
    length: int
    whole: Frame
    first: CapturedFrame | None = None

    @property
    def frame(self) -> Frame:
        """The packet that is followed, without what is around it in a tunnel."""
        return self.whole.innermost if self.first is None else self.first.frame

    @property
    def outer(self) -> tuple[Frame, ...]:
        """The packets around it, from the outside in; none where it is in no tunnel."""
        return self.whole.layers[:-1] if self.first is None else (self.whole, *self.first.outer[1:])

    @property
    def position(self) -> tuple[object, ...]:
        """Where a frame was captured, and how far it had come: equal for two frames only if the packet was sent again."""
        around = tuple((outer.ttl, outer.piece) for outer in self.outer)
        return self.node, self.namespace, self.dev, self.out, self.frame.kind, self.frame.ttl, around

    @property
    def place(self) -> str:
        """The Pod, or the node."""
        return self.namespace or self.node


@dataclass(frozen=True)
class Hop:
    """
    A frame of the traced exchange, with the names of its MACs' owners.

    *news* says what has changed since the hop before: a new Ethernet header, another address, a packet around it.
    *outer_ends* are the owners of the MACs of each packet around it, from the outside in.
    """

    seen: CapturedFrame
    way: str
    sender: str
    receiver: str
    news: tuple[str, ...] = ()
    outer_ends: tuple[tuple[str, str], ...] = ()

    @property
    def record(self) -> dict[str, object]:
        """The hop as one flat record, for pandas; its time in nanoseconds. What is told of a tunnel is None where there is none."""
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
            "size": frame.size or None,
            "news": ", ".join(self.news),
            "length": seen.length,
            "time": seen.time,
            **self._outer_record,
        }

    @property
    def _outer_record(self) -> dict[str, object]:
        """Of a frame in several tunnels, the header on the outside."""
        names = ("tunnel", "vni", "outer_from_mac", "outer_to_mac", "outer_from_interface", "outer_to_interface", "outer_source")
        names += ("outer_target", "outer_ttl", "outer_source_port", "outer_target_port", "outer_size")
        if not self.seen.outer:
            return dict.fromkeys(names)
        outer, tunnel = self.seen.outer[0], self.seen.outer[0].tunnel
        ports = outer.ports or (None, None)
        macs = (outer.source_mac, outer.target_mac, *self.outer_ends[0])
        known = (tunnel.name, tunnel.vni, *macs, str(outer.source), str(outer.target), outer.ttl, *ports, outer.size)
        return dict(zip(names, known, strict=True))

    @property
    def arp(self) -> str:
        """An ARP frame as tcpdump prints it; "" for other frames."""
        frame = self.seen.frame
        request, reply = f"who has {frame.target}? tell {frame.source}", f"{frame.source} is at {self.sender}"
        return {"ARP request": request, "ARP reply": reply}.get(frame.kind, "")

    def __str__(self) -> str:
        """One line; of a packet in a tunnel the outer headers, and below them the inner ones, with the bytes of both frames."""
        seen = self.seen
        place = f"{seen.place:<8} {seen.dev:<14} {'out' if seen.out else 'in ':<3} "
        *outer, inner = [f"{macs and f'[{macs}]':<38} {'  '.join(said)}" for macs, said in self.layers("ARP: ")]
        lines = [*outer, inner + "".join(f"  ← {change}" for change in self.news)]
        return "\n".join([place + lines[0], *(f"{'└ ':>{BEFORE_HEADERS}}{inside}" for inside in lines[1:])])

    def layers(self, arp: str = "") -> list[tuple[str, tuple[str, ...]]]:
        """
        Of the frame itself and of what is inside it, from the outside in: the owners of its MACs, and what its other headers say.

        Where it is ARP, *arp* stands before that. Of a later piece of a packet nothing that is inside is said again.
        """
        ends = [*self.outer_ends, (self.sender, self.receiver)]
        said = [_headers(frame, bool(self.seen.outer)) for frame in self.seen.whole.layers]
        said[-1] = (arp + self.arp,) if self.arp and self.seen.first is None else said[-1]
        return [(f"{sender} → {receiver}" if sender else "", words) for (sender, receiver), words in zip(ends, said, strict=False)]


def _headers(frame: Frame, sized: bool) -> tuple[str, str, str]:
    """What an IPv4 packet says; with the bytes of its frame on the wire, from its own headers on, where it is to be *sized*."""
    words = frame.tunnel.words if frame.tunnel else frame.words
    words += f", {frame.piece.words}" if frame.piece else ""
    words += f", {frame.bytes} bytes" if sized else ""
    return f"{frame.source} → {frame.target}", f"ttl {frame.ttl}", words
