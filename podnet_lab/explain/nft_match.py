"""
Whether one packet fits a part of an nftables rule: true, false, or not known.

Pure. Known: addresses, protocol, ports, ICMP type, interfaces, the connection's state, the mark, whether an address is the
node's own; and of these single values, lists, subnets, sets, and maps (libnftables-json(5)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from podnet_lab.model.nftables import VERDICTS, ChainKey, Ruleset, name

NOT_THERE = object()
"""What a packet has where it has no such field: an echo has no port."""


@dataclass(frozen=True)
class Packet:
    """
    A packet at one hook of a node: an echo request, or of TCP or UDP to *port*; *reply*: it answers one.

    *local_source* and *local_target* say whether the addresses are the node's own, *translated* whether its destination was
    rewritten on this node, *mark* what rules have written on it.
    """

    source: IPv4Address
    target: IPv4Address
    came_in: str | None
    goes_out: str | None
    reply: bool = False
    protocol: str = "icmp"
    port: int | None = None
    local_source: bool = False
    local_target: bool = False
    translated: bool = False
    mark: int = 0


def fits(rules: Ruleset, chain: ChainKey, match: Mapping[str, Any], packet: Packet) -> bool | None:
    """Whether a match fits; None where that is not known."""
    left, right, op = match["left"], match["right"], match["op"]
    has = value(left, packet)
    if has is None or op not in ("==", "!=", "in"):
        return None
    if has is NOT_THERE:
        return False
    same = _is_in(rules, chain, has, right)
    return None if same is None else same != (op == "!=")


def value(left: Any, packet: Packet) -> Any:
    """What the packet has where a match looks; None where that is not known."""
    if not isinstance(left, dict):
        return None
    ((kind, has),) = left.items() if len(left) == 1 else [("", None)]
    match kind:
        case "payload":
            return _payload(has, packet)
        case "meta":
            return _meta(packet).get(has["key"])
        case "ct":
            return _connection(packet).get(has["key"])
        case "fib":
            return _fib(has, packet)
        case "&":
            of, mask = value(has[0], packet), has[1]
            return of & mask if isinstance(of, int) and isinstance(mask, int) else None
        case "concat":
            parts = [value(one, packet) for one in has]
            return None if None in parts else NOT_THERE if NOT_THERE in parts else " . ".join(map(str, parts))
    return None


def _payload(has: Mapping[str, Any], packet: Packet) -> Any:
    protocol, field = has.get("protocol"), has.get("field")
    if protocol == "ip":
        return {"saddr": packet.source, "daddr": packet.target, "protocol": packet.protocol}.get(field)
    if protocol in ("tcp", "udp", "th"):
        if packet.protocol == "icmp" or protocol not in ("th", packet.protocol):
            return NOT_THERE
        return packet.port if field == ("sport" if packet.reply else "dport") else None
    if protocol == "icmp":
        kind = "echo-reply" if packet.reply else "echo-request"
        return NOT_THERE if packet.protocol != "icmp" else kind if field == "type" else None
    return NOT_THERE if protocol in ("ip6", "icmpv6", "arp") else None


def _meta(packet: Packet) -> dict[str, Any]:
    came_in, goes_out = packet.came_in or "", packet.goes_out or ""
    return {
        "l4proto": packet.protocol,
        "iifname": came_in,
        "iif": came_in,
        "oifname": goes_out,
        "oif": goes_out,
        "nfproto": "ipv4",
        "protocol": "ip",
        "mark": packet.mark,
    }


def _connection(packet: Packet) -> dict[str, Any]:
    return {
        "state": "established" if packet.reply else "new",
        "status": "dnat" if packet.translated else "confirmed",
        "direction": "reply" if packet.reply else "original",
    }


def _fib(has: Mapping[str, Any], packet: Packet) -> Any:
    """Only "whose address is it", and of "not its own" not what else it is."""
    if has.get("result") != "type" or len(has.get("flags", ())) != 1:
        return None
    own = packet.local_source if has["flags"] == ["saddr"] else packet.local_target if has["flags"] == ["daddr"] else None
    return None if own is None else "local" if own else "unicast"


def _is_in(rules: Ruleset, chain: ChainKey, has: Any, right: Any) -> bool | None:
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    if isinstance(right, list):
        found = [_is_in(rules, chain, has, one) for one in right]
        return True if True in found else None if None in found else False
    if isinstance(right, str) and right.startswith("@"):
        return _in_set(rules, chain, has, right[1:])
    return _same(has, right)


def _same(has: Any, right: Any) -> bool | None:
    if isinstance(has, IPv4Address):
        return _same_address(has, right)
    if isinstance(right, dict) and "range" in right and isinstance(has, int):
        low, high = right["range"]
        return low <= has <= high if isinstance(low, int) and isinstance(high, int) else None
    if isinstance(right, str) and right.endswith("*"):
        return str(has).startswith(right[:-1])
    return str(right) == str(has) if isinstance(right, str | int) else None


def _same_address(has: IPv4Address, right: Any) -> bool | None:
    if isinstance(right, dict) and "prefix" in right:
        right = f"{right['prefix']['addr']}/{right['prefix']['len']}"
    try:
        if isinstance(right, dict) and "range" in right:
            return IPv4Address(right["range"][0]) <= has <= IPv4Address(right["range"][1])
        return has in IPv4Network(right, strict=False)
    except (ValueError, TypeError):
        return None


def _in_set(rules: Ruleset, chain: ChainKey, has: Any, called: str) -> bool | None:
    """Whether a named set has it; of one that packets fill, and time empties, that is not known."""
    known = rules.objects.get(("set", *chain[:2], called))
    if known is None or "timeout" in known:
        return None
    found = [_same(has, key[4]) for key in rules.objects if key[:4] == ("element", *chain[:2], called)]
    return True if True in found else None if None in found else False


def verdicts(rules: Ruleset, chain: ChainKey, has: Mapping[str, Any], packet: Packet) -> list[tuple[str, str]] | None:
    """The verdicts that a map may have for a packet, as (verb, chain): none, one, or one for each draw; None if not known."""
    key, data = has["key"], has["data"]
    drawn = isinstance(key, dict) and "numgen" in key
    looked_up = None if drawn else value(key, packet)
    if looked_up is NOT_THERE:
        return []
    if looked_up is None and not drawn:
        return None
    if isinstance(data, str):
        found = rules.objects.get(("element", *chain[:2], data[1:], str(looked_up)))
        return None if drawn else [] if found is None else [_words(found)]
    return [verdict for one, verdict in _anonymous(data) if drawn or one == str(looked_up)]


def _anonymous(data: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for element in data["set"]:
        verb, target = next(iter(element[1].items()))
        yield name(element), (verb, target["target"] if target else "")


def _words(found: str) -> tuple[str, str]:
    verb, _, target = found.partition(" ")
    return (verb if verb in VERDICTS or verb == "drop" else "?", target)
