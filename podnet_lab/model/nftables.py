"""
What nftables holds in a node's own network namespace: tables, chains, maps, their elements, and rules.

Pure. Made from what `nft -j list ruleset` prints (libnftables-json(5)), without what differs from run to run: handles,
counters, and the elements that packets put into a set and that time takes out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from json import dumps
from typing import Any

Key = tuple[str, ...]
"""("table", family, name), ("chain" | "map" | "set", family, table, name) or ("element", family, table, map, key)."""

ChainKey = tuple[str, str, str]
"""(family, table, chain)."""

VERDICTS = frozenset({"accept", "drop", "continue", "return", "goto", "jump"})

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

    def says(self, key: Key) -> Any:
        """What is known of one object; of ("rules", family, table, chain) a chain's rules. None if it is not there."""
        return self.rules.get(key[1:]) if key[0] == "rules" else self.objects.get(key)

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
    return element if isinstance(element, str) else dumps(element, sort_keys=True)


def value(element: Any) -> str:
    """What a map's element leads to: ``goto service-web``; nothing for a set's."""
    if not isinstance(element, list):
        return ""
    found = element[1]
    if isinstance(found, dict) and len(found) == 1 and (verb := next(iter(found))) in VERDICTS:
        target = found[verb]
        return f"{verb} {target['target']}" if target else verb
    return found if isinstance(found, str) else dumps(found, sort_keys=True)


_NAMED = ("chain", "set", "map")
"""Kinds of objects that rules name, and that can be taken away one by one; what else there is (counters, limits) goes the same way."""


def difference(now: Ruleset, then: Ruleset, table: tuple[str, str]) -> list[dict[str, Any]]:
    """
    The commands of nft that bring one table from *now* to *then*, for one transaction; what is the same is not named.

    In an order that the kernel takes: rules go before what they name, and come after it.
    """
    where = {"family": table[0], "table": table[1]}
    gone = {"table": {"family": table[0], "name": table[1]}}
    had, has = then.table(*table), now.table(*table)
    if not had[0]:
        return [{"delete": gone}]
    raw = {_key(one): one for one in then.raw[table]}
    made = [key for key in had[0] if key[0] not in ("element", "table") and had[0][key] != has[0].get(key)]
    lost = [key for key in has[0] if key[0] not in ("element", "table") and has[0][key] != had[0].get(key)]
    chains = {chain for chain in {*had[1], *has[1]} if had[1].get(chain) != has[1].get(chain)}
    chains |= {key[1:] for key in (*made, *lost) if key[0] == "chain"}
    todo: list[dict[str, Any]] = [] if has[0] else [{"add": gone}]
    todo += [{"flush": {"chain": where | {"name": chain[2]}}} for chain in chains if chain in has[1]]
    todo += [
        {"delete": _element(key, where, now)}
        for key in has[0]
        if key[0] == "element" and had[0].get(key) != has[0][key] and key[:4] not in _maps(lost)
    ]
    todo += [{"delete": {key[0]: where | {"name": key[3]}}} for key in sorted(lost, key=_order, reverse=True)]
    todo += [{"add": _plain(raw[key])} for key in sorted(made, key=_order)]
    elements = [key for key in had[0] if key[0] == "element" and (had[0][key] != has[0].get(key) or key[:4] in _maps(made))]
    todo += [{"add": _element(key, where, then)} for key in elements]
    rules = [one for one in then.raw[table] if "rule" in one and (*table, one["rule"]["chain"]) in chains]
    return [*todo, *({"add": _plain(one)} for one in rules)]


def _key(one: Mapping[str, Any]) -> Key:
    ((kind, has),) = one.items()
    return (
        (kind, has["family"], has["name"])
        if kind == "table"
        else (kind, has["family"], has["table"], str(has.get("name", has.get("handle"))))
    )


def _order(key: Key) -> tuple[int, str]:
    """Chains last: the elements and rules that lead to them come after all else, and go before it."""
    return (_NAMED[::-1].index(key[0]) + 1 if key[0] in _NAMED else 0, key[3])


def _maps(keys: Iterable[Key]) -> set[Key]:
    return {("element", *key[1:]) for key in keys if key[0] in ("set", "map")}


def _element(key: Key, where: dict[str, str], of: Ruleset) -> dict[str, Any]:
    """One element as nft printed it."""
    found = next(one for kind in ("map", "set") for one in of.raw[key[1:3]] if one.get(kind, {}).get("name") == key[3])
    ((_, has),) = found.items()
    return {"element": where | {"name": key[3], "elem": [next(one for one in has["elem"] if name(one) == key[4])]}}


def _plain(one: Mapping[str, Any]) -> dict[str, Any]:
    """An object as nft takes it: without its number, and without elements, which come by themselves."""
    ((kind, has),) = one.items()
    return {kind: {what: value for what, value in has.items() if what not in ("handle", "elem")}}


def named_by(command: Mapping[str, Any]) -> Iterator[Key]:
    """The keys of what one command of nft is about, as `Ruleset.says` takes them."""
    ((_, what),) = command.items()
    ((kind, has),) = what.items()
    if kind == "table":
        yield ("table", has["family"], has["name"])
        return
    path = (has["family"], has["table"])
    if kind == "rule":
        yield ("rules", *path, has["chain"])
    elif kind == "element":
        yield from (("element", *path, has["name"], name(one)) for one in has["elem"])
    else:
        yield (kind, *path, str(has.get("name", has.get("handle"))))
        if kind == "chain":
            yield ("rules", *path, has["name"])
