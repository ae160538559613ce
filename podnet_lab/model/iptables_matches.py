"""
The matches of iptables as nft's JSON says them (libnftables-json(5)), each a statement of a rule. Pure.

What is not translated becomes ``{"unjudged": …}``, a match that may hold or not. Sources: iptables-extensions(8), xt_conntrack.c,
xt_physdev.c, xt_addrtype.c of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from podnet_lab.model.save_lines import Option, Part

Statement = dict[str, Any]

UNKNOWN_NUMBERS = ("limit", "hashlimit", "quota", "connlimit", "connbytes", "rateest", "nfacct", "recent")
"""Matches that count."""


def payload(protocol: str, field: str) -> Statement:
    """A field of a header."""
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key: str) -> Statement:
    """Something about the packet that is in no header."""
    return {"meta": {"key": key}}


def ct(key: str, direction: str = "") -> Statement:
    """Something of the packet's connection."""
    return {"ct": {"key": key} | ({"dir": direction} if direction else {})}


def match(left: Any, right: Any, negated: bool = False, op: str = "==") -> Statement:
    """A match; *negated*: its opposite."""
    return {"match": {"op": {"==": "!=", "in": "!"}[op] if negated else op, "left": left, "right": right}}


def network(text: str) -> Any:
    """An address, or a subnet, also with a mask of dots."""
    address, _, length = text.partition("/")
    if not length:
        return text
    bits = sum(bin(int(part)).count("1") for part in length.split(".")) if "." in length else int(length)
    return address if bits == 32 else {"prefix": {"addr": address, "len": bits}}


def interface(text: str) -> str:
    """The name of an interface; ``eth+`` stands for all that begin so."""
    return f"{text[:-1]}*" if text.endswith("+") else text


def span(text: str, highest: int, separator: str = ":") -> Any:
    """A number, or a range of numbers, of which either end may be left out."""
    if separator not in text:
        return int(text, 0)
    low, _, high = text.partition(separator)
    return {"range": [int(low or "0", 0), int(high or str(highest), 0)]}


def masked(left: Any, text: str, negated: bool = False) -> Statement:
    """A number, or some of its bits: ``0x4000/0x4000``."""
    number, _, mask = text.partition("/")
    return match({"&": [left, int(mask, 0)]} if mask else left, int(number, 0), negated)


def matches(part: Part) -> Iterator[Statement]:
    """The statements of one part of a rule: of one match, or of the options that stand before all of them."""
    if part.name == "comment":
        return
    if part.name == "statistic":
        yield {"drawn": None}
        return
    flags = frozenset(option.name for option in part.options)
    for option in part.options:
        found = _translated(part, option, flags)
        yield from [unjudged(part, option)] if found is None else found if isinstance(found, list) else [found]
    if part.kind == "match" and not part.options and part.name not in ("tcp", "udp", "icmp", "mark"):
        yield unjudged(part)


def unjudged(part: Part, option: Option | None = None) -> Statement:
    """A match that may hold or not."""
    if part.name in UNKNOWN_NUMBERS:
        return {"unjudged": f"goes by a limit or a count ({part.name}), and how that stands is not known"}
    return {"unjudged": f"has the match {part.name or (option and option.name)}, which is not for this to judge"}


def _translated(part: Part, option: Option, flags: frozenset[str]) -> Statement | list[Statement] | None:
    made = _OPTIONS.get((part.name, option.name))
    try:
        return made(option, flags) if made else None
    except (ValueError, IndexError):
        return None


def _addresses(field: str) -> Callable[..., Statement]:
    return lambda option, _: match(payload("ip", field), network(option.argument), option.negated)


def _interfaces(key: str) -> Callable[..., Statement]:
    return lambda option, _: match(meta(key), interface(option.argument), option.negated)


def _ports(protocol: str, field: str) -> Callable[..., Statement]:
    return lambda option, _: match(payload(protocol, field), span(option.argument, 65535), option.negated)


def _several(*fields: str) -> Callable[..., Statement | None]:
    def made(option: Option, _: frozenset[str]) -> Statement | None:
        ports = {"set": [span(text, 65535) for text in option.argument.split(",")]}
        if len(fields) == 1:
            return match(payload("th", fields[0]), ports, option.negated)
        return None if option.negated else {"any": [match(payload("th", field), ports) for field in fields]}

    return made


def _protocol(option: Option, _: frozenset[str]) -> Statement | list:
    name = option.argument.lower()
    return [] if name in ("all", "0") else match(meta("l4proto"), name, option.negated)


def _fragment(option: Option, _: frozenset[str]) -> Statement:
    return match({"&": [payload("ip", "frag-off"), 0x1FFF]}, 0, not option.negated)


def _tcp_flags(option: Option, _: frozenset[str]) -> Statement:
    everything = ["fin", "syn", "rst", "psh", "ack", "urg"]
    mask, compared = (
        everything if text == "ALL" else [] if text == "NONE" else [flag.lower() for flag in text.split(",")] for text in option.arguments
    )
    return match({"&": [payload("tcp", "flags"), mask]}, compared, option.negated)


def _syn(option: Option, _: frozenset[str]) -> Statement:
    return match({"&": [payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]]}, ["syn"], option.negated)


def _icmp(option: Option, _: frozenset[str]) -> Statement | list | None:
    kind, _, code = option.argument.partition("/")
    if kind in ("any", "255"):
        return match(meta("l4proto"), "icmp", option.negated)
    if not code:
        return match(payload("icmp", "type"), _number_or_name(kind), option.negated)
    both = [match(payload("icmp", "type"), _number_or_name(kind)), match(payload("icmp", "code"), int(code))]
    return None if option.negated else both


def _number_or_name(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _state(option: Option, _: frozenset[str]) -> Statement | list[Statement]:
    names = option.argument.lower().split(",")
    states, statuses = [name for name in names if name not in ("snat", "dnat")], [name for name in names if name in ("snat", "dnat")]
    if not statuses:
        return match(ct("state"), states, option.negated, "in")
    if option.negated:
        return [match(ct("state"), states or 0, True, "in"), match(ct("status"), statuses, True, "in")]
    return {"any": [match(ct("state"), states or 0, op="in"), match(ct("status"), statuses, op="in")]}


def _status(option: Option, _: frozenset[str]) -> Statement | None:
    names = {"SEEN_REPLY": "seen-reply"}
    wanted = [names.get(name, name.lower()) for name in option.argument.split(",")]
    return None if "none" in wanted else match(ct("status"), wanted, option.negated, "in")


def _original(key: str, made: Callable[[str], Any] = network) -> Callable[..., Statement]:
    return lambda option, _: match(ct(key, "original"), made(option.argument), option.negated)


def _address_type(which: str) -> Callable[..., Statement | None]:
    def made(option: Option, flags: frozenset[str]) -> Statement | None:
        limited = [end for end in ("iif", "oif") if f"--limit-iface-{end[0]}{'n' if end == 'iif' else 'ut'}" in flags]
        kinds = [name.lower() for name in option.argument.split(",")]
        return match({"fib": {"result": "type", "flags": [which, *limited]}}, {"set": kinds}, option.negated)

    return made


def _physdev(which: str) -> Callable[..., Statement]:
    named = which in ("in", "out")
    return lambda option, _: match({"physdev": which}, interface(option.argument) if named else 1, option.negated)


def _ttl(op: str) -> Callable[..., Statement]:
    def made(option: Option, _: frozenset[str]) -> Statement:
        found = match(payload("ip", "ttl"), int(option.argument), option.negated)
        return found if op == "==" else {"match": found["match"] | {"op": op}}

    return made


def _range(field: str) -> Callable[..., Statement]:
    return lambda option, _: match(payload("ip", field), {"range": option.argument.split("-")}, option.negated)


_CONNTRACK = {
    "--ctstate": _state,
    "--ctstatus": _status,
    "--ctproto": lambda option, _: match(ct("protocol"), _number_or_name(option.argument), option.negated),
    "--ctdir": lambda option, _: match(ct("direction"), option.argument.lower(), option.negated),
    "--ctorigsrc": _original("ip saddr"),
    "--ctorigdst": _original("ip daddr"),
    "--ctorigdstport": _original("proto-dst", lambda text: span(text, 65535)),
}

_OPTIONS: dict[tuple[str, str], Callable[..., Statement | list | None]] = {
    ("", "-s"): _addresses("saddr"),
    ("", "-d"): _addresses("daddr"),
    ("", "-i"): _interfaces("iifname"),
    ("", "-o"): _interfaces("oifname"),
    ("", "-p"): _protocol,
    ("", "-f"): _fragment,
    **{(name, f"--{field}"): _ports(name, field) for name in ("tcp", "udp") for field in ("sport", "dport")},
    ("tcp", "--tcp-flags"): _tcp_flags,
    ("tcp", "--syn"): _syn,
    ("icmp", "--icmp-type"): _icmp,
    ("multiport", "--sports"): _several("sport"),
    ("multiport", "--dports"): _several("dport"),
    ("multiport", "--ports"): _several("sport", "dport"),
    **{("conntrack", name): made for name, made in _CONNTRACK.items()},
    ("state", "--state"): _state,
    ("mark", "--mark"): lambda option, _: masked(meta("mark"), option.argument, option.negated),
    ("connmark", "--mark"): lambda option, _: masked(ct("mark"), option.argument, option.negated),
    ("addrtype", "--src-type"): _address_type("saddr"),
    ("addrtype", "--dst-type"): _address_type("daddr"),
    ("addrtype", "--limit-iface-in"): lambda *_: [],
    ("addrtype", "--limit-iface-out"): lambda *_: [],
    **{("physdev", f"--physdev-{which}"): _physdev(which) for which in ("in", "out", "is-in", "is-out", "is-bridged")},
    ("ttl", "--ttl-eq"): _ttl("=="),
    ("ttl", "--ttl-lt"): _ttl("<"),
    ("ttl", "--ttl-gt"): _ttl(">"),
    ("length", "--length"): lambda option, _: match(meta("length"), span(option.argument, 65535), option.negated),
    ("pkttype", "--pkt-type"): lambda option, _: match(meta("pkttype"), option.argument, option.negated),
    ("iprange", "--src-range"): _range("saddr"),
    ("iprange", "--dst-range"): _range("daddr"),
    ("dscp", "--dscp"): lambda option, _: match(payload("ip", "dscp"), int(option.argument, 0), option.negated),
    ("mac", "--mac-source"): lambda option, _: match(payload("ether", "saddr"), option.argument, option.negated),
}
