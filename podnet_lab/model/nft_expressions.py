"""
What nft's JSON asks a packet for, or compares it with, as a person types it (nft(8), libnftables-json(5)). Pure.

`Untold` where this page of nft's grammar is not here: then no words are better than wrong ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"(?!\d\d:\d\d)@?[A-Za-z0-9:][A-Za-z0-9_./:-]*|\*")
"""Words that need no quotes: names, addresses, numbers, and the star for all else; a time of day needs some."""

_OPERATORS = ("&", "|", "^", "<<", ">>")
_UNQUALIFIED = ("iif", "iifname", "oif", "oifname")
VERDICTS = ("accept", "drop", "return", "continue")


class Untold(Exception):
    """There is no typed form of this here."""


def only(body: Mapping[str, Any], *known: str) -> None:
    """Raise Untold if there is more in *body* than is *known*: what is left out would not be typed."""
    if body.keys() - set(known):
        raise Untold(f"{sorted(body.keys() - set(known))}")


def quoted(words: str) -> str:
    """A string in nft's own quotes, which have no way to hold one."""
    if '"' in words or "\n" in words:
        raise Untold(words)
    return f'"{words}"'


def expression(value: Any) -> str:
    """An expression: a word, a field, a set of them, a calculation."""
    match value:
        case bool():
            return "exists" if value else "missing"
        case int():
            return str(value)
        case str():
            return value if _PLAIN.fullmatch(value) else quoted(value)
        case list():
            return ",".join(map(expression, value))
        case {**body} if len(body) == 1:
            ((kind, of),) = body.items()
            return _kind(kind, of)
    raise Untold(str(value))


def _kind(kind: str, of: Any) -> str:
    if kind in _OPERATORS:
        return f" {kind} ".join(_operand(one) for one in of)
    if kind in (*VERDICTS, "jump", "goto"):
        return f"{kind} {of['target']}" if of else kind
    written = _WRITTEN.get(kind)
    if written is None:
        raise Untold(kind)
    return written(of)


def _operand(one: Any) -> str:
    if isinstance(one, list):
        return f"({' | '.join(map(expression, one))})"
    return f"({expression(one)})" if isinstance(one, dict) and one.keys() & set(_OPERATORS) else expression(one)


def element(one: Any) -> str:
    """An element of a set, or of a map: a key, and its value."""
    return f"{expression(one[0])} : {expression(one[1])}" if isinstance(one, list) else expression(one)


def _set(of: Any) -> str:
    return f"{{ {', '.join(map(element, of if isinstance(of, list) else [of]))} }}"


def _elem(of: Mapping[str, Any]) -> str:
    only(of, "val", "timeout", "expires", "comment", "counter")
    timeout = f" timeout {of['timeout']}s" if "timeout" in of else ""
    comment = f" comment {quoted(of['comment'])}" if "comment" in of else ""
    return f"{expression(of['val'])}{' counter' * ('counter' in of)}{timeout}{comment}"


def _payload(of: Mapping[str, Any]) -> str:
    if "base" in of:
        only(of, "base", "offset", "len")
        return f"@{of['base']},{of['offset']},{of['len']}"
    only(of, "protocol", "field")
    return f"{of['protocol']} {of['field']}"


def _meta(of: Mapping[str, Any]) -> str:
    only(of, "key")
    return of["key"] if of["key"] in _UNQUALIFIED else f"meta {of['key']}"


def _ct(of: Mapping[str, Any]) -> str:
    only(of, "key", "dir", "family")
    return " ".join(["ct", *(of[part] for part in ("dir", "family", "key") if part in of)])


def _fib(of: Mapping[str, Any]) -> str:
    only(of, "result", "flags")
    flags = of["flags"]
    return f"fib {' . '.join([flags] if isinstance(flags, str) else flags)} {of['result']}"


def _numgen(of: Mapping[str, Any]) -> str:
    only(of, "mode", "mod", "offset")
    return f"numgen {of['mode']} mod {of['mod']}" + (f" offset {of['offset']}" if of.get("offset") else "")


def _jhash(of: Mapping[str, Any]) -> str:
    only(of, "expr", "mod", "seed", "offset")
    more = "".join(f" {name} {of[name]}" for name in ("seed", "offset") if of.get(name))
    return f"jhash {expression(of['expr'])} mod {of['mod']}{more}"


def _keyed(word: str) -> Any:
    def written(of: Mapping[str, Any]) -> str:
        only(of, "key")
        return f"{word} {of['key']}"

    return written


def _tcp_option(of: Mapping[str, Any]) -> str:
    only(of, "name", "field")
    return f"tcp option {of['name']} {of['field']}"


def _map(of: Mapping[str, Any]) -> str:
    only(of, "key", "data")
    return f"{expression(of['key'])} map {expression(of['data'])}"


_WRITTEN = {
    "set": _set,
    "elem": _elem,
    "payload": _payload,
    "meta": _meta,
    "ct": _ct,
    "fib": _fib,
    "rt": _keyed("rt"),
    "socket": _keyed("socket"),
    "numgen": _numgen,
    "jhash": _jhash,
    "tcp option": _tcp_option,
    "map": _map,
    "prefix": lambda of: f"{of['addr']}/{of['len']}",
    "range": lambda of: "-".join(map(expression, of)),
    "concat": lambda of: " . ".join(map(expression, of)),
}
