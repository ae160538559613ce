"""
The numbers behind the names in a rule, and the ranges of numbers that its elements stand for. Pure.

Everything that can be compared is a range of whole numbers, from the lowest to the highest: an address, a subnet, a port, a
protocol. What a packet has may be a range, too: a port that its kernel chooses. Names: nft(8), linux/in.h, linux/icmp.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

Range = tuple[int, int]

PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipip": 4, "ipencap": 4, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51,
    "ipv6-icmp": 58, "icmpv6": 58, "ospf": 89, "ospfigp": 89, "pim": 103, "comp": 108, "ipcomp": 108, "vrrp": 112, "l2tp": 115,
    "sctp": 132, "udplite": 136, "all": 0,
}  # fmt: skip

ICMP_TYPES = {
    "echo-reply": 0, "pong": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8, "ping": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "ttl-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16, "address-mask-request": 17,
    "address-mask-reply": 18,
}  # fmt: skip

NAMES: dict[str, Mapping[str, int]] = {
    "protocol": PROTOCOLS,
    "icmp type": ICMP_TYPES,
    "icmp code": {
        "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
        "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
    },
    "dscp": {
        "cs0": 0, "df": 0, "be": 0, "lephb": 1, "cs1": 8, "af11": 10, "af12": 12, "af13": 14, "cs2": 16, "af21": 18, "af22": 20,
        "af23": 22, "cs3": 24, "af31": 26, "af32": 28, "af33": 30, "cs4": 32, "af41": 34, "af42": 36, "af43": 38, "cs5": 40,
        "va": 44, "ef": 46, "cs6": 48, "cs7": 56,
    },
    "ethertype": {"ip": 0x800, "IPv4": 0x800, "arp": 0x806, "ARP": 0x806, "ip6": 0x86DD, "IPv6": 0x86DD, "8021q": 0x8100, "vlan": 0x8100,
                  "802_1Q": 0x8100, "8021ad": 0x88A8},
    "nfproto": {"ipv4": 2, "ip": 2, "ipv6": 10, "ip6": 10},
    "direction": {"original": 0, "reply": 1},
    "pkttype": {"host": 0, "unicast": 0, "broadcast": 1, "multicast": 2, "other": 3},
    "fib type": {
        "unspec": 0, "unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6, "unreachable": 7,
        "prohibit": 8,
    },
    "operation": {"request": 1, "reply": 2, "rrequest": 3, "rreply": 4, "inrequest": 8, "inreply": 9, "nak": 10},
}  # fmt: skip

BITS: dict[str, Mapping[str, int]] = {
    "ct state": {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64},
    "ct status": {
        "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512,
    },
    "tcp flags": {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128},
}  # fmt: skip


def number(token: Any, kind: str) -> int | None:
    """The number of a single name, address or number of a kind; None where it is not known."""
    if isinstance(token, bool):
        return int(token)
    if isinstance(token, int):
        return token
    if isinstance(token, Mapping) and "|" in token:
        return bits(token["|"], kind)
    if not isinstance(token, str):
        return None
    if (named := {**NAMES.get(kind, {}), **BITS.get(kind, {})}.get(token)) is not None:
        return named
    try:
        return _PARSERS.get(kind, lambda text: int(text, 0))(token)
    except ValueError:
        return None


_PARSERS = {
    "address": lambda text: int(IPv4Address(text)),
    "mac": lambda text: int("".join(part.zfill(2) for part in text.split(":")), 16),
}


def bits(tokens: Any, kind: str) -> int | None:
    """All bits of one token, or of several; None where one is not known."""
    numbers = [number(token, kind) for token in (tokens if isinstance(tokens, list) else [tokens])]
    if None in numbers:
        return None
    found = 0
    for one in numbers:
        found |= one
    return found


def span(token: Any, kind: str) -> Range | None:
    """The lowest and the highest number that an element of a rule or a set stands for; None where that is not known."""
    if isinstance(token, Mapping) and "range" in token:
        low, high = (number(end, kind) for end in token["range"])
        return None if low is None or high is None else (low, high)
    if isinstance(token, Mapping) and "prefix" in token:
        return _prefix(token["prefix"]["addr"], token["prefix"]["len"], kind)
    if isinstance(token, str) and "/" in token and kind == "address":
        return _prefix(*token.split("/"), kind)
    found = number(token, kind)
    return None if found is None else (found, found)


def _prefix(address: Any, length: Any, kind: str) -> Range | None:
    if kind != "address":
        return None
    try:
        network = IPv4Network(f"{address}/{length}", strict=False)
    except ValueError:
        return None
    return int(network[0]), int(network[-1])
