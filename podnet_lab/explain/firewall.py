"""
What a node's nftables do with one packet, as far as this subset goes; of any other rule it says that it can't judge it.

Pure. Judged: base chains of the families ip and inet at the hooks of filtering; source and destination address, protocol,
ICMP type, interface, connection state; counters and comments; accept, drop, reject, return, jump, goto. A rule that this
packet can't fit by one of these is passed over, whatever else it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from podnet_lab.rules import Ruleset

FILTERING = ("prerouting", "input", "forward", "output", "postrouting")
_HARMLESS = {"counter", "log", "xt comment", "notrack"}


@dataclass(frozen=True)
class Packet:
    """An echo request or its reply, at one hook of a node."""

    source: IPv4Address
    target: IPv4Address
    came_in: str | None
    goes_out: str | None
    reply: bool = False


@dataclass(frozen=True)
class Judgement:
    """*verdict*: "accept", "drop", or "unknown"; *why*: the rule, in words."""

    verdict: str
    why: str = ""


ACCEPT = Judgement("accept")


def judge(rules: Ruleset, hook: str, packet: Packet) -> Judgement:
    """What becomes of *packet* at a hook: dropped if one of its chains drops it, unknown if a rule can't be judged."""
    if rules.problem:
        return Judgement("unknown", rules.problem)
    unsure = ACCEPT
    for key, chain in sorted(_base_chains(rules, hook), key=lambda one: one[1]["prio"]):
        found = _walk(rules, key, packet, frozenset()) or Judgement(chain.get("policy", "accept"), f"the policy of chain {key[2]}")
        if found.verdict == "drop":
            return found
        if found.verdict == "unknown":
            unsure = found
    return unsure


def _base_chains(rules: Ruleset, hook: str) -> Iterator[tuple[tuple[str, str, str], Mapping[str, Any]]]:
    for key, value in rules.objects.items():
        if key[0] == "chain" and value.get("hook") == hook and key[1] in ("ip", "inet") and value.get("type") == "filter":
            yield key[1:], value


def _walk(rules: Ruleset, chain: tuple[str, str, str], packet: Packet, above: frozenset) -> Judgement | None:
    """The verdict of a chain; None where it falls off its end, or returns."""
    if chain in above:
        return Judgement("unknown", f"chain {chain[2]} leads back to itself")
    for statements in rules.rules.get(chain, ()):
        found = _rule(rules, chain, statements, packet, above | {chain})
        if found == "return":
            return None
        if found is not None:
            return found
    return None


def _rule(rules: Ruleset, chain: tuple[str, str, str], statements: list, packet: Packet, above: frozenset) -> Judgement | str | None:
    unsure = False
    for one in statements:
        if one is None or next(iter(one)) in _HARMLESS:
            continue
        ((kind, has),) = one.items()
        if kind == "match":
            fits = _fits(has, packet)
            if fits is False:
                return None
            unsure = unsure or fits is None
            continue
        return _verdict(rules, chain, kind, has, packet, above, unsure)
    return None


def _verdict(rules, chain, kind: str, has: Any, packet: Packet, above: frozenset, unsure: bool) -> Judgement | str | None:
    if kind in ("drop", "reject"):
        words = f"a rule of chain {chain[2]} says {kind}"
        return Judgement("unknown", f"{words}, but whether it fits is not for this to judge") if unsure else Judgement("drop", words)
    if kind == "accept":
        return None if unsure else ACCEPT
    if kind == "return":
        return Judgement("unknown", f"a rule of chain {chain[2]} can't be judged") if unsure else "return"
    if kind in ("jump", "goto"):
        found = _walk(rules, (*chain[:2], has["target"]), packet, above)
        if found is None:
            return "return" if kind == "goto" and not unsure else None
        return Judgement("unknown", f"a rule of chain {chain[2]} can't be judged") if unsure and found.verdict == "drop" else found
    if kind == "vmap" and "th" in str(has.get("key")):
        return None  # it looks for a port: an echo has none
    if kind == "mangle":
        return None
    return Judgement("unknown", f"a rule of chain {chain[2]} ({kind}) can't be judged")


def _fits(match: Mapping[str, Any], packet: Packet) -> bool | None:
    """Whether a match fits; None where that is not known."""
    left, right, op = match["left"], match["right"], match["op"]
    has = _value(left, packet)
    if has is None or op not in ("==", "!=", "in"):
        return None
    same = _is_in(has, right)
    return None if same is None else same != (op == "!=")


def _value(left: Any, packet: Packet) -> Any:
    """What the packet has where a match looks; None where that is not known."""
    if not isinstance(left, dict):
        return None
    if payload := left.get("payload"):
        return {
            ("ip", "saddr"): packet.source,
            ("ip", "daddr"): packet.target,
            ("ip", "protocol"): "icmp",
            ("icmp", "type"): "echo-reply" if packet.reply else "echo-request",
            ("tcp", "dport"): False,
            ("udp", "dport"): False,
            ("tcp", "sport"): False,
            ("udp", "sport"): False,
            ("th", "dport"): False,
        }.get((payload.get("protocol"), payload.get("field")))
    if meta := left.get("meta"):
        return {"l4proto": "icmp", "iifname": packet.came_in or "", "oifname": packet.goes_out or "", "iif": packet.came_in or "",
                "oif": packet.goes_out or "", "nfproto": "ipv4"}.get(meta["key"])  # fmt: skip
    if ct := left.get("ct"):
        return {"state": "established" if packet.reply else "new"}.get(ct["key"])
    return None


def _is_in(has: Any, right: Any) -> bool | None:
    if has is False:  # a field that this packet has not
        return False
    if isinstance(right, dict) and "set" in right:
        found = [_is_in(has, one) for one in right["set"]]
        return True if True in found else None if None in found else False
    if isinstance(right, list):
        found = [_is_in(has, one) for one in right]
        return True if True in found else None if None in found else False
    if isinstance(has, IPv4Address):
        if isinstance(right, dict) and "prefix" in right:
            return has in IPv4Network(f"{right['prefix']['addr']}/{right['prefix']['len']}", strict=False)
        return _same_address(has, right)
    return str(right) == has if isinstance(right, str | int) and not str(right).startswith("@") else None


def _same_address(has: IPv4Address, right: Any) -> bool | None:
    try:
        return has == IPv4Address(right)
    except ValueError:
        return None
