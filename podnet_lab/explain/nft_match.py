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
"""The value of a field that a packet does not have: an echo request has no port."""


@dataclass(frozen=True)
class Packet:
    """
    A packet at one hook of a node: an echo request, or of TCP or UDP to *port*; *reply*: it answers one.

    *local_source* and *local_target* say whether the addresses are the node's own, *translated* whether its destination was
    rewritten on this node, *mark* what rules have written on it.
    """

    source: IPv4Address
    target: IPv4Address
    iif: str | None
    oif: str | None
    reply: bool = False
    protocol: str = "icmp"
    port: int | None = None
    local_source: bool = False
    local_target: bool = False
    translated: bool = False
    mark: int = 0


def fits(ruleset: Ruleset, chain: ChainKey, match: Mapping[str, Any], packet: Packet) -> bool | None:
    """Whether a match fits; None where that is not known."""
    left, right, op = match["left"], match["right"], match["op"]
    actual = value(left, packet)
    if actual is None or op not in ("==", "!=", "in"):
        return None
    if actual is NOT_THERE:
        return False
    same = _is_in(ruleset, chain, actual, right)
    return None if same is None else same != (op == "!=")


def value(left: Any, packet: Packet) -> Any:
    """The packet's value of a match's left side; None where that is not known."""
    if not isinstance(left, dict):
        return None
    ((kind, operand),) = left.items() if len(left) == 1 else [("", None)]
    match kind:
        case "payload":
            return _payload(operand, packet)
        case "meta":
            return _meta(packet).get(operand["key"])
        case "ct":
            return _connection(packet).get(operand["key"])
        case "fib":
            return _fib(operand, packet)
        case "&":
            of, mask = value(operand[0], packet), operand[1]
            return of & mask if isinstance(of, int) and isinstance(mask, int) else None
        case "concat":
            parts = [value(part, packet) for part in operand]
            return None if None in parts else NOT_THERE if NOT_THERE in parts else " . ".join(map(str, parts))
    return None


def _payload(payload: Mapping[str, Any], packet: Packet) -> Any:
    protocol, field = payload.get("protocol"), payload.get("field")
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
    iif, oif = packet.iif or "", packet.oif or ""
    return {
        "l4proto": packet.protocol,
        "iifname": iif,
        "iif": iif,
        "oifname": oif,
        "oif": oif,
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


def _fib(fib: Mapping[str, Any], packet: Packet) -> Any:
    """Only "whose address is it", and of "not its own" not what else it is."""
    if fib.get("result") != "type" or len(fib.get("flags", ())) != 1:
        return None
    own = packet.local_source if fib["flags"] == ["saddr"] else packet.local_target if fib["flags"] == ["daddr"] else None
    return None if own is None else "local" if own else "unicast"


def _is_in(ruleset: Ruleset, chain: ChainKey, actual: Any, right: Any) -> bool | None:
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    if isinstance(right, list):
        matches = [_is_in(ruleset, chain, actual, element) for element in right]
        return True if True in matches else None if None in matches else False
    if isinstance(right, str) and right.startswith("@"):
        return _in_set(ruleset, chain, actual, right[1:])
    return _same(actual, right)


def _same(actual: Any, right: Any) -> bool | None:
    if isinstance(actual, IPv4Address):
        return _same_address(actual, right)
    if isinstance(right, dict) and "range" in right and isinstance(actual, int):
        low, high = right["range"]
        return low <= actual <= high if isinstance(low, int) and isinstance(high, int) else None
    if isinstance(right, str) and right.endswith("*"):
        return str(actual).startswith(right[:-1])
    return str(right) == str(actual) if isinstance(right, str | int) else None


def _same_address(actual: IPv4Address, right: Any) -> bool | None:
    if isinstance(right, dict) and "prefix" in right:
        right = f"{right['prefix']['addr']}/{right['prefix']['len']}"
    try:
        if isinstance(right, dict) and "range" in right:
            return IPv4Address(right["range"][0]) <= actual <= IPv4Address(right["range"][1])
        return actual in IPv4Network(right, strict=False)
    except (ValueError, TypeError):
        return None


def _in_set(ruleset: Ruleset, chain: ChainKey, actual: Any, set_name: str) -> bool | None:
    """Whether a named set has a value; None (not known) of a set with a timeout, which packets fill."""
    known = ruleset.objects.get(("set", *chain[:2], set_name))
    if known is None or "timeout" in known:
        return None
    matches = [_same(actual, key[4]) for key in ruleset.objects if key[:4] == ("element", *chain[:2], set_name)]
    return True if True in matches else None if None in matches else False


def verdicts(ruleset: Ruleset, chain: ChainKey, vmap: Mapping[str, Any], packet: Packet) -> list[tuple[str, str]] | None:
    """The verdicts that a verdict map may have for a packet, as (verb, chain): none, one, or each that numgen may draw; None: unknown."""
    key, data = vmap["key"], vmap["data"]
    drawn = isinstance(key, dict) and "numgen" in key
    looked_up = None if drawn else value(key, packet)
    if looked_up is NOT_THERE:
        return []
    if looked_up is None and not drawn:
        return None
    if isinstance(data, str):
        verdict = ruleset.objects.get(("element", *chain[:2], data[1:], str(looked_up)))
        return None if drawn else [] if verdict is None else [_verb_and_chain(verdict)]
    return [verdict for element, verdict in _anonymous(data) if drawn or element == str(looked_up)]


def _anonymous(data: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for element in data["set"]:
        verb, target = next(iter(element[1].items()))
        yield name(element), (verb, target["target"] if target else "")


def _verb_and_chain(verdict: str) -> tuple[str, str]:
    verb, _, target = verdict.partition(" ")
    return (verb if verb in VERDICTS or verb == "drop" else "?", target)
