"""What is sent: a packet as a walk follows it, and how a place rewrote it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.explain.cause import Place

MAX_HOPS = 255
"""More places than a packet's time to live lets it pass."""

DEFAULT_TTL = 64
"""The time to live that a packet begins with, where nobody has said otherwise (net.ipv4.ip_default_ttl)."""

DEFAULT_SIZE = 64
"""Bytes of a packet whose size nobody asked for."""

HANDSHAKE_SIZE = 60
"""Bytes of the first packets of a TCP connection, with the options that Linux gives them (tcp_syn_options)."""


@dataclass(frozen=True)
class Flow:
    """
    What is sent: addresses (the sender's None until it is known), protocol, port, size in bytes, and TTL.

    The protocol is "icmp", "tcp" or "udp"; of what a tunnel sends itself also "ipip".

    *may_be_cut*: a router that can't send it whole makes it smaller, or has its sender do so.
    """

    source: IPv4Address | None
    to: IPv4Address
    protocol: str = "icmp"
    port: int | None = None
    size: int = DEFAULT_SIZE
    translated: bool = False
    ttl: int = DEFAULT_TTL
    may_be_cut: bool = False

    @property
    def asked_size(self) -> int | None:
        """Its size, if somebody asked for it: of others rules that go by sizes are not judged."""
        return None if self.size in (DEFAULT_SIZE, HANDSHAKE_SIZE) else self.size


@dataclass(frozen=True)
class Translation:
    """A connection tracking entry of a place that rewrote a flow: the flow *before* and *after* that."""

    place: Place
    before: Flow
    after: Flow


def reply_translation(translations: Sequence[Translation], place: Place, flow: Flow) -> Translation | None:
    """The translation to undo in a reply's target address, before it is routed."""
    here = (translation for translation in translations if translation.place == place)
    return next((translation for translation in here if (translation.after.to, translation.after.source) == (flow.source, flow.to)), None)


def source_translation(translations: Sequence[Translation], place: Place, flow: Flow) -> Translation | None:
    """The translation to undo in a reply's source address."""
    here = (translation for translation in translations if translation.place == place)
    return next((translation for translation in here if translation.after.to == flow.source), None)
