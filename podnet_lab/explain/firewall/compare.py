"""
Whether what a packet has is what a rule asks for: true, false, or None, not known. Pure.

The right side of a match, and the keys of sets and maps: single ones, ranges, subnets, wildcards, concatenations
(libnftables-json(5)).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from podnet_lab.explain.firewall.elements import Elements, elements, is_default
from podnet_lab.explain.firewall.kinds import Flags, Name, Number, Place
from podnet_lab.explain.firewall.numbers import bits, span
from podnet_lab.explain.firewall.packet import NOT_THERE, Packet
from podnet_lab.explain.firewall.values import value
from podnet_lab.model.nftables import Ruleset


def fits(ruleset: Ruleset, table: tuple[str, str], match: Mapping[str, Any], packet: Packet, place: Place) -> bool | None:
    """Whether a match fits; None where that is not known."""
    actual, right, op = value(match["left"], packet, place), match["right"], match["op"]
    if actual is NOT_THERE:
        return False
    if actual is None:
        return None
    if op in ("<", ">", "<=", ">="):
        return _ordered(actual, op, right)
    if isinstance(actual, Flags) and not _is_set(right):
        return _bits_fit(actual, op, right)
    if op not in ("==", "!=", "in"):
        return None
    same = among(actual, _asked(ruleset, table, right))
    return None if same is None else same != (op == "!=")


def _is_set(right: Any) -> bool:
    return (isinstance(right, Mapping) and "set" in right) or (isinstance(right, str) and right.startswith("@"))


def _asked(ruleset: Ruleset, table: tuple[str, str], right: Any) -> Elements:
    if isinstance(right, str) and right.startswith("@"):
        return elements(ruleset, table, right[1:])
    tokens = right["set"] if isinstance(right, Mapping) and "set" in right else right
    return Elements([(token, None) for token in (tokens if isinstance(tokens, list) else [tokens])])


def _ordered(actual: Any, op: str, right: Any) -> bool | None:
    asked = span(right, actual.kind) if isinstance(actual, Number) else None
    if asked is None:
        return None
    low, high = actual.low, actual.high
    match op:
        case "<":
            return _both(low < asked[0], high < asked[0])
        case "<=":
            return _both(low <= asked[0], high <= asked[0])
        case ">":
            return _both(low > asked[0], high > asked[0])
    return _both(low >= asked[0], high >= asked[0])


def _both(first: bool, second: bool) -> bool | None:
    return first if first == second else None


def _bits_fit(actual: Flags, op: str, right: Any) -> bool | None:
    """`in`: has one of them, `!`: has none of them, `==` and `!=`: these, and no others."""
    asked = bits(right, actual.kind)
    if asked is None:
        return None
    if op in ("in", "!"):
        some = True if actual.set & asked else None if asked & ~actual.known else False
        return None if some is None else some == (op == "in")
    if op not in ("==", "!="):
        return None
    if (actual.set ^ asked) & actual.known:
        return op == "!="
    return None if actual.known != (1 << 32) - 1 else op == "=="


def among(actual: Any, asked: Elements) -> bool | None:
    """Whether a value is among elements; None where that is not known."""
    if asked.unknown:
        return None
    return any_of(same(actual, key) for key, _ in asked.pairs)


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """True if one is true, None if one is not known, else False."""
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def same(actual: Any, token: Any) -> bool | None:
    """Whether a value is what one element says."""
    if isinstance(token, Mapping) and "elem" in token:
        fresh = token["elem"].get("expires", 60) > 5
        found = same(actual, token["elem"]["val"])
        return found if fresh or not found else None
    if is_default(token):
        return True
    if isinstance(actual, tuple):
        return _parts(actual, token)
    if isinstance(actual, Name):
        return _named(actual.text, token)
    if isinstance(actual, Flags):
        return _bits_fit(actual, "==", token)
    asked = span(token, actual.kind)
    if asked is None:
        return None
    if actual.high < asked[0] or actual.low > asked[1]:
        return False
    return True if asked[0] <= actual.low and actual.high <= asked[1] else None


def _parts(actual: tuple, token: Any) -> bool | None:
    parts = token.get("concat") if isinstance(token, Mapping) else None
    if parts is None or len(parts) != len(actual):
        return None
    answers = [same(each, part) for each, part in zip(actual, parts, strict=True)]
    return False if False in answers else None if None in answers else True


def _named(name: str, token: Any) -> bool | None:
    if isinstance(token, bool):  # `missing` and `exists`
        return bool(name) == token
    if not isinstance(token, str):
        return None
    return name.startswith(token[:-1]) if token.endswith("*") else name == token
