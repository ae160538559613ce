"""
What connection tracking knows of a packet: whether it has an entry, its state, status, mark and first addresses. Pure.

Sources: net/netfilter/nft_ct.c and nf_conntrack_core.c of the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podnet_lab.explain.firewall.kinds import ALL_32, CONNTRACK, Flags, Number, Place, exactly
from podnet_lab.explain.firewall.numbers import BITS, PROTOCOLS
from podnet_lab.explain.firewall.packet import NOT_THERE, Packet


def has_connection(packet: Packet, place: Place) -> bool | None:
    """Whether connection tracking has seen the packet, and keeps an entry; None where that is not known."""
    early = place.hook in ("prerouting", "output")
    if place.hook in ("ingress", "egress") or place.family not in ("ip", "inet") or packet.state == "?":
        return None
    if early and place.priority == CONNTRACK:
        return None
    return not (early and place.priority < CONNTRACK) and not packet.untracked and packet.state != "invalid"


def connection(ct: Mapping[str, Any], packet: Packet, place: Place) -> Any:
    """What ``ct …`` has of a packet; None where that is not known."""
    tracked, key = has_connection(packet, place), ct["key"]
    if tracked is None:
        return None
    if key == "state":
        usual = packet.state or ("established" if packet.reply else "new")
        state = usual if tracked else "untracked" if packet.untracked else "invalid"
        return Flags("ct state", BITS["ct state"][state]) if state in BITS["ct state"] else None
    if not tracked:
        return NOT_THERE
    match key:
        case "status":
            return _status(packet)
        case "direction":
            return exactly("direction", "reply" if packet.reply else "original")
        case "mark":
            return exactly("number", packet.ct_mark if packet.reply or packet.ct_mark is not None else 0)
        case "l3proto":
            return Number("nfproto", 2, 2)
        case "protocol":
            return exactly("protocol", PROTOCOLS.get(packet.protocol))
    return _tuple(key.removeprefix("ip "), ct.get("dir"), packet)


def _status(packet: Packet) -> Flags:
    names = BITS["ct status"]
    there = names["dnat"] * packet.translated | names["snat"] * bool(packet.source_translated)
    there |= (names["seen-reply"] | names["confirmed"]) * packet.reply
    unknown = names["snat"] * (packet.source_translated is None and packet.reply) | names["assured"] * packet.reply
    return Flags("ct status", there, ALL_32 & ~unknown)


def _tuple(key: str, direction: str | None, packet: Packet) -> Any:
    """Addresses and ports of the connection's first packet, before it was rewritten."""
    if direction != "original":
        return None
    if packet.original is None and (packet.reply or packet.translated):
        return None
    source, target, port = packet.original or (packet.source, packet.target, packet.port)
    found = {"saddr": ("address", source), "daddr": ("address", target), "proto-dst": ("port", port)}.get(key)
    return found and exactly(*found)
