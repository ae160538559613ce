"""
Chains and rules of nftables as a person types them (nft(8)), from what `nft` lists as JSON (libnftables-json(5)). Pure.

What is not known here stays JSON: such a text says what there is, and can't be typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from json import dumps
from typing import Any

from podnet_lab.model.nft_commands import object_words
from podnet_lab.model.nft_expressions import Untold
from podnet_lab.model.nft_statements import typed_rule

ANY_FAMILY = "inet"
"""Of which a chain's words don't depend on whether it has devices."""


def described_text(kind: str, described: Mapping[str, Any]) -> str:
    """What a table, chain, map or set is, in words, from what `podnet_lab.model.nftables` keeps of it."""
    if kind == "table":
        flags = described.get("flags", [])
        return f"one with the flag {', '.join([flags] if isinstance(flags, str) else flags)}" if flags else "one without flags"
    return object_words(kind, {"family": ANY_FAMILY} | described)


def rule_text(rule: Iterable[Mapping[str, Any] | None]) -> str:
    """A rule, as behind `nft add rule FAMILY TABLE CHAIN`."""
    return " ".join(_statement(statement) for statement in rule)


def _statement(statement: Mapping[str, Any] | None) -> str:
    if statement and len(statement) == 1:
        ((kind, body),) = statement.items()
        try:
            return _NOT_TYPED[kind](body) if kind in _NOT_TYPED else typed_rule([statement])
        except (Untold, AttributeError, KeyError, TypeError, ValueError):  # said in a way that is not known here
            pass
    return dumps(statement)


_NOT_TYPED: dict[str, Callable[[Any], str]] = {
    "xt": lambda body: f'xt {body["type"]} "{body["name"]}"',
    "text": lambda body: " ".join(str(body).split()),
}
"""What `nft` lists and does not take: what iptables wrote, and what has no JSON."""

_SEEN_ONLY = {"counter", "log", "comment", "last"}
"""What a rule may do beside, so that somebody sees what passes: it is the same rule with it, and without."""

_NOTE = {"xt": {"type": "match", "name": "comment"}}
"""The same of iptables."""


def same_rule(listed: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether two rules do the same with a packet: what only counts or logs is left aside, and sets have no order."""
    return listed == wanted or bare(listed) == bare(wanted)


def bare(rule: Sequence[Any]) -> list[Any]:
    """A rule without what only counts or logs, its sets sorted: equal for rules that do the same."""
    return [_unordered(statement) for statement in rule if not (statement and (statement.keys() <= _SEEN_ONLY or statement == _NOTE))]


def _unordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: sorted((_unordered(one) for one in body), key=lambda one: dumps(one, sort_keys=True))
            if name in ("set", "flags") and isinstance(body, list)
            else _unordered(body)
            for name, body in value.items()
        }
    return [_unordered(one) for one in value] if isinstance(value, list) else value
