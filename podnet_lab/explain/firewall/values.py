"""
What a packet has for the left side of a match, or for the key of a map; None where that is not known. Pure.

Sources: net/netfilter/nft_meta.c, nft_ct.c, nft_fib.c, nft_payload.c of the kernel, net/ipv4/netfilter/nft_fib_ipv4.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from podnet_lab.explain.firewall.connection import connection
from podnet_lab.explain.firewall.kinds import ALL_32, ANY_CLIENT, CLIENTS, SIZES, Flags, Name, Number, Place, exactly
from podnet_lab.explain.firewall.numbers import ICMP_TYPES, PROTOCOLS, bits, number
from podnet_lab.explain.firewall.packet import NOT_THERE, Packet


def value(left: Any, packet: Packet, place: Place) -> Any:
    """A Number, Name, Flags, a tuple of such (concatenation), NOT_THERE, or None: not known."""
    if isinstance(left, int):
        return Number("number", left, left)
    if not isinstance(left, Mapping) or len(left) != 1:
        return None
    ((kind, body),) = left.items()
    match kind:
        case "payload":
            return _payload(body, packet, place)
        case "meta":
            return _meta(body["key"], packet, place)
        case "ct":
            return connection(body, packet, place)
        case "fib":
            return _fib(body, packet)
        case "physdev":
            return _port(body, packet)
        case "&" | "|" | "^" | "<<" | ">>" | "+":
            return _computed(kind, body, packet, place)
        case "concat":
            return _together(tuple(value(part, packet, place) for part in body))
    return _NEVER.get(kind)


_NEVER = {"exthdr": NOT_THERE, "ip option": Number("number", 0, 0)}
"""What no packet that is judged here has: headers of IPv6, and options of IPv4."""


def _together(parts: tuple) -> Any:
    return NOT_THERE if NOT_THERE in parts else None if None in parts else parts


def _payload(payload: Mapping[str, Any], packet: Packet, place: Place) -> Any:
    protocol, field = payload.get("protocol"), payload.get("field")
    if protocol in ("ether", "vlan", "arp"):
        return _frame(protocol, field, packet, place)
    if protocol in ("ip6", "icmpv6", "igmp", "esp", "ah", "comp", "sctp", "dccp", "udplite", "gre", "vxlan", "geneve"):
        return NOT_THERE if protocol != "vxlan" or packet.protocol != "udp" else None
    if packet.ethertype != "ip":
        return None if protocol in (None, "th") else NOT_THERE
    if protocol == "ip":
        return _ip(field, packet)
    if protocol in ("tcp", "udp", "th"):
        return _transport(protocol, field, packet)
    if protocol == "icmp":
        return _icmp(field, packet) if packet.protocol == "icmp" else NOT_THERE
    return None


_SAME_IN_ALL = {"version": (4, 4), "hdrlength": (5, 5), "id": (0, 65535), "checksum": (0, 65535)}


def _ip(field: str | None, packet: Packet) -> Any:
    match field:
        case "saddr" | "daddr":
            return exactly("address", packet.source if field == "saddr" else packet.target)
        case "protocol":
            return exactly("protocol", PROTOCOLS.get(packet.protocol))
        case "ttl" | "dscp":
            return exactly(field, getattr(packet, field))
        case "length":
            return _size(packet)
        case "ecn":
            return Number("number", 0, 0) if packet.protocol == "icmp" else None
    return Number("number", *_SAME_IN_ALL[field]) if field in _SAME_IN_ALL else None


def _size(packet: Packet) -> Number:
    return Number("number", *(SIZES if packet.size is None else (packet.size, packet.size)))


def _transport(protocol: str, field: str | None, packet: Packet) -> Any:
    if protocol != "th" and protocol != packet.protocol:
        return NOT_THERE
    if packet.protocol not in ("tcp", "udp"):
        # A raw look at bytes that are something else, in an echo its type, code and checksum: in a map's key they are one part of several.
        return Number("port", 0, 65535) if field in ("sport", "dport") else None
    if field in ("sport", "dport"):
        server = (field == "sport") == packet.reply
        client = ANY_CLIENT if packet.source_translated else CLIENTS
        return Number("port", *client) if not server else exactly("port", packet.port)
    if field == "flags" and protocol == "tcp":
        return Flags("tcp flags", bits(["syn", "ack"] if packet.reply else ["syn"], "tcp flags"))
    return None


def _icmp(field: str | None, packet: Packet) -> Any:
    match field:
        case "type":
            kind = ICMP_TYPES["echo-reply" if packet.reply else "echo-request"]
            return Number("icmp type", kind, kind)
        case "code":
            return Number("icmp code", 0, 0)
        case "id" | "sequence" | "checksum":
            return Number("number", 0, 65535)
    return None


def _frame(protocol: str, field: str | None, packet: Packet, place: Place) -> Any:
    if protocol == "vlan":
        return NOT_THERE
    if protocol == "arp":
        return _arp(field, packet) if packet.ethertype == "arp" else NOT_THERE
    if field == "type":
        return exactly("ethertype", packet.ethertype)
    if place.family in ("ip", "inet") and place.hook == "output":
        return NOT_THERE
    return exactly("mac", packet.source_mac if field == "saddr" else packet.target_mac if field == "daddr" else None)


def _arp(field: str | None, packet: Packet) -> Any:
    match field:
        case "operation":
            return exactly("operation", packet.operation)
        case "saddr ip":
            return exactly("address", packet.source)
        case "daddr ip":
            return exactly("address", packet.target)
        case "saddr ether":
            return exactly("mac", packet.source_mac)
        case "daddr ether":
            return exactly("mac", packet.target_mac if packet.operation == "reply" else "00:00:00:00:00:00")
        case "htype":
            return Number("number", 1, 1)
        case "ptype":
            return Number("ethertype", 0x800, 0x800)
        case "hlen":
            return Number("number", 6, 6)
        case "plen":
            return Number("number", 4, 4)
    return None


def _meta(key: str, packet: Packet, place: Place) -> Any:
    of_ip = place.family in ("ip", "inet") and place.hook not in ("ingress", "egress")
    match key:
        case "iif" | "iifname" | "oif" | "oifname":
            return Name((packet.iif if key.startswith("i") else packet.oif) or "")
        case "mark":
            return exactly("number", packet.mark)
        case "l4proto":
            return exactly("protocol", PROTOCOLS.get(packet.protocol)) if packet.ethertype == "ip" else NOT_THERE
        case "protocol":
            return exactly("ethertype", packet.ethertype)
        case "skuid" | "skgid":
            return NOT_THERE if place.hook == "forward" else None
        case "random":
            return Number("number", 0, ALL_32)
    return {"nfproto": Number("nfproto", 2, 2), "length": _size(packet), "pkttype": Number("pkttype", 0, 0)}.get(key) if of_ip else None


def _fib(fib: Mapping[str, Any], packet: Packet) -> Any:
    """Whose address it is: unicast, if not in the table local (nft_fib4_eval_type); and whether there is a way back (nft_fib4_eval)."""
    flags = set(fib.get("flags", ()))
    if fib.get("result") == "oif" and flags == {"saddr", "iif"}:
        return None if packet.way_back is None else Name(packet.way_back)
    if fib.get("result") != "type":
        return None
    own = packet.local_source if "saddr" in flags else packet.local_target
    if own and flags & {"iif", "oif"}:
        return None
    address = packet.source if "saddr" in flags else packet.target
    return exactly("fib type", "local" if own else _kind_of_address(address))


def _kind_of_address(address: IPv4Address) -> str | None:
    if int(address) == 0 or address == IPv4Address("255.255.255.255"):
        return "broadcast"
    return "multicast" if address.is_multicast else "unicast"


def _port(which: str, packet: Packet) -> Any:
    """The port of a bridge that a packet came by, or will leave by (xt_physdev.c)."""
    if which in ("in", "out"):
        port = packet.in_port if which == "in" else packet.out_port
        return None if port is None else Name(port)
    ports = {"is-in": [packet.in_port], "is-out": [packet.out_port], "is-bridged": [packet.in_port, packet.out_port]}[which]
    return Number("number", 0, 0) if "" in ports else None if None in ports else Number("number", 1, 1)


def _computed(operator: str, operands: list, packet: Packet, place: Place) -> Any:
    """A value with bits masked, set, or moved; only of what is known exactly."""
    left, right = (_operand(operand, packet, place) for operand in operands)
    if NOT_THERE in (left, right):
        return NOT_THERE
    if _is_fragment_offset(operands, operator, packet):
        return Number("number", 0, 0)
    if isinstance(left, Flags):
        mask = bits(operands[1], left.kind)
        return None if mask is None or operator != "&" or mask & ~left.known else Flags(left.kind, left.set & mask)
    if not isinstance(left, Number):
        return None
    other = right.exact if isinstance(right, Number) else number(operands[1], left.kind)
    if left.exact is None or other is None:
        return None
    return exactly(left.kind, _OPERATIONS[operator](left.exact, other))


_OPERATIONS = {
    "&": lambda left, right: left & right,
    "|": lambda left, right: left | right,
    "^": lambda left, right: left ^ right,
    "<<": lambda left, right: left << right & ALL_32,
    ">>": lambda left, right: left >> right,
    "+": lambda left, right: min(max(left + right, 0), 255),  # of a time to live
}


def _operand(operand: Any, packet: Packet, place: Place) -> Any:
    return value(operand, packet, place) if isinstance(operand, Mapping | int) else None


def _is_fragment_offset(operands: list, operator: str, packet: Packet) -> bool:
    """Whether only the bits of ``ip frag-off`` are asked for that say that it is a fragment: no whole packet is one."""
    field = isinstance(operands[0], Mapping) and operands[0].get("payload", {}) == {"protocol": "ip", "field": "frag-off"}
    whole = packet.size is None or packet.size <= SIZES[1]
    return field and whole and operator == "&" and isinstance(operands[1], int) and not operands[1] & 0xC000
