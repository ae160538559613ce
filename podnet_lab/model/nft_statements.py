"""A rule of nft's JSON, statement by statement, as a person types it. Pure; see nft_expressions.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podnet_lab.model.nft_expressions import VERDICTS, Untold, expression, only, quoted

_SAID_ALONE = ("==", "in")
"""Comparisons that are typed without a word, but after what is calculated."""

_CALCULATED = frozenset({"&", "|", "^", "<<", ">>", "numgen", "jhash"})
_INTERFACES = ("iif", "iifname", "oif", "oifname")


def typed_rule(statements: Iterable[Mapping[str, Any]]) -> str:
    """A rule's statements; Untold where one of them has no typed form here."""
    return " ".join(_statement(*next(iter(one.items()))) for one in statements)


def _statement(kind: str, of: Any) -> str:
    if kind in VERDICTS or kind == "notrack":
        return kind
    if kind in ("jump", "goto"):
        return f"{kind} {of['target']}"
    if kind in ("snat", "dnat", "masquerade", "redirect"):
        return _translation(kind, of or {})
    if kind in ("counter", "limit", "quota") and isinstance(of, str):
        return f"{kind} name {quoted(of)}"
    written = _WRITTEN.get(kind)
    if written is None:
        raise Untold(kind)
    return written(of)


def _match(of: Mapping[str, Any]) -> str:
    left, operator, right = of["left"], of["op"], of["right"]
    if operator == "!":  # none of these bits
        return f"{expression(left)} ! {expression(right)}"
    calculated = isinstance(left, dict) and left.keys() & _CALCULATED
    said = "" if operator in _SAID_ALONE and not calculated else f"{'==' if operator == 'in' else operator} "
    return f"{expression(left)} {said}{_compared(left, operator, right)}"


def _compared(left: Any, operator: str, right: Any) -> str:
    if isinstance(right, list) and operator != "in":
        return f"({' | '.join(map(expression, right))})"
    if isinstance(right, str) and not right.startswith("@") and isinstance(left, dict) and left.get("meta", {}).get("key") in _INTERFACES:
        return quoted(right)  # as all the world writes it
    return expression(right)


def _vmap(of: Mapping[str, Any]) -> str:
    only(of, "key", "data")
    return f"{expression(of['key'])} vmap {expression(of['data'])}"


def _mangle(of: Mapping[str, Any]) -> str:
    only(of, "key", "value")
    return f"{expression(of['key'])} set {expression(of['value'])}"


def _counter(of: Mapping[str, Any] | None) -> str:
    return "counter"  # what it has counted is nobody's to type


def _limit(of: Mapping[str, Any]) -> str:
    only(of, "rate", "burst", "per", "inv", "rate_unit", "burst_unit")
    over = "over " if of.get("inv") else ""
    unit = f" {of['rate_unit']}" if of.get("rate_unit", "packets") != "packets" else ""
    burst = f" burst {of['burst']} {of.get('burst_unit', 'packets')}" if of.get("burst") else ""
    return f"limit rate {over}{of['rate']}{unit}/{of.get('per', 'second')}{burst}"


def _quota(of: Mapping[str, Any]) -> str:
    only(of, "val", "val_unit", "inv", "used", "used_unit")
    return f"quota {'over ' if of.get('inv') else ''}{of['val']} {of.get('val_unit', 'bytes')}"


def _log(of: Mapping[str, Any] | None) -> str:
    only(of or {}, "prefix", "group", "snaplen", "level")
    words = [f"{name} {quoted(value) if name == 'prefix' else value}" for name, value in (of or {}).items()]
    return " ".join(["log", *words])


def _reject(of: Mapping[str, Any] | None) -> str:
    if not of:
        return "reject"
    only(of, "type", "expr")
    return f"reject with {of['type']}" if of["type"] == "tcp reset" else f"reject with {of['type']} {of['expr']}"


def _translation(kind: str, of: Mapping[str, Any]) -> str:
    only(of, "addr", "port", "family", "flags")
    address, port, flags = of.get("addr"), of.get("port"), of.get("flags", ())
    to = "" if address is None else expression(address)
    if port is not None:
        to = f"[{to}]:{expression(port)}" if isinstance(address, str) and ":" in address else f"{to}:{expression(port)}"
    family = f" {of['family']}" if "family" in of else ""
    words = [f"{kind}{family}", f"to {to}" if to else "", ",".join([flags] if isinstance(flags, str) else flags)]
    return " ".join(filter(None, words))


def _set(of: Mapping[str, Any]) -> str:
    only(of, "op", "elem", "set")
    return f"{of['op']} {of['set']} {{ {expression(of['elem'])} }}"


_WRITTEN = {
    "match": _match,
    "vmap": _vmap,
    "mangle": _mangle,
    "counter": _counter,
    "limit": _limit,
    "quota": _quota,
    "log": _log,
    "reject": _reject,
    "set": _set,
}
