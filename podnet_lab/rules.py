"""
What nftables holds in a node's own network namespace: tables, chains, maps, their elements, and rules.

Pure. Made from what `nft -j list ruleset` prints (libnftables-json(5)), without what differs from run to run: handles,
counters, and the elements that packets put into a set and that time takes out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, ...]
"""("table", family, name), ("chain" | "map" | "set", family, table, name) or ("element", family, table, map, key)."""

ChainKey = tuple[str, str, str]
"""(family, table, chain)."""

_VOLATILE = {"handle", "packets", "bytes", "expires"}


@dataclass(frozen=True)
class Ruleset:
    """
    A namespace's nftables: *objects* by key, and the statements of each chain's *rules*, in order.

    *problem* says why it is not known (there are tables, and no program `nft` to read them). *raw* has each table as `nft`
    printed it, and *handles* the numbers by which `nft delete rule` knows the rules.
    """

    objects: Mapping[Key, Any] = field(default_factory=dict)
    rules: Mapping[ChainKey, tuple[Any, ...]] = field(default_factory=dict)
    problem: str = ""
    raw: Mapping[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict, compare=False, repr=False)
    handles: Mapping[ChainKey, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.objects) or bool(self.problem)

    def table(self, family: str, name: str) -> tuple[dict[Key, Any], dict[ChainKey, Any]]:
        """All that one table holds, to be compared with what it held."""
        return (
            {key: value for key, value in self.objects.items() if key[1:3] == (family, name)},
            {key: value for key, value in self.rules.items() if key[:2] == (family, name)},
        )

    @property
    def tables(self) -> list[tuple[str, str]]:
        """(family, name) of each table."""
        return [key[1:] for key in self.objects if key[0] == "table"]


def ruleset(listing: Iterable[Mapping[str, Any]]) -> Ruleset:
    """A Ruleset from the objects of `nft -j list ruleset`."""
    objects: dict[Key, Any] = {}
    rules: dict[ChainKey, list] = {}
    raw: dict[tuple[str, str], list] = {}
    handles: dict[ChainKey, list[int]] = {}
    for one in listing:
        ((kind, has),) = one.items()
        if kind == "metainfo":
            continue
        table = (has["family"], has["name"] if kind == "table" else has["table"])
        raw.setdefault(table, []).append(one)
        if kind == "rule":
            chain = (*table, has["chain"])
            rules.setdefault(chain, []).append(_steady(has["expr"]) if _counts(has["expr"]) else has["expr"])
            handles.setdefault(chain, []).append(has["handle"])
        else:
            key = (kind, *table) if kind == "table" else (kind, *table, has["name"])
            objects[key] = {name: value for name, value in has.items() if name in _DESCRIBE}
            if kind == "chain":
                rules.setdefault((*table, has["name"]), [])
            if "timeout" not in has:
                objects |= {("element", *table, has["name"], name(one)): value(one) for one in has.get("elem", ())}
    return Ruleset(
        objects,
        {chain: tuple(found) for chain, found in rules.items()},
        "",
        {table: tuple(found) for table, found in raw.items()},
        {chain: tuple(found) for chain, found in handles.items()},
    )


_DESCRIBE = ("type", "hook", "prio", "policy", "dev", "map", "timeout")


def _counts(statements: list) -> bool:
    return any(name in one for one in statements for name in ("counter", "quota", "set"))


def _steady(statements: Any) -> Any:
    """The same without counters' counts and other numbers that change by themselves."""
    if isinstance(statements, list):
        return [_steady(one) for one in statements]
    if isinstance(statements, dict):
        return {name: _steady(value) for name, value in statements.items() if name not in _VOLATILE}
    return statements


def name(element: Any) -> str:
    """The key of a set's or a map's element as a person types it: ``10.96.0.20 . tcp . 80``."""
    if isinstance(element, list):  # a map's element: key and value
        element = element[0]
    if isinstance(element, dict) and "elem" in element:
        element = element["elem"]["val"]
    if isinstance(element, dict) and "concat" in element:
        return " . ".join(map(str, element["concat"]))
    if isinstance(element, dict) and "prefix" in element:
        return f"{element['prefix']['addr']}/{element['prefix']['len']}"
    return str(element)


def value(element: Any) -> str:
    """What a map's element leads to: ``goto service-web``; nothing for a set's."""
    if not isinstance(element, list):
        return ""
    found = element[1]
    if isinstance(found, dict):
        ((verb, target),) = found.items()
        return f"{verb} {target['target']}" if target else verb
    return str(found)
