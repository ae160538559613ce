"""
What nftables holds in a node's own network namespace: tables, chains, maps, their elements, and rules.

Pure. Made from what `nft -j list ruleset` prints (libnftables-json(5)), without what differs from run to run: handles,
counters, and the elements that packets put into a set and that time takes out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from json import dumps
from typing import Any

Key = tuple[str, ...]
"""("table", family, name), ("chain" | "map" | "set", family, table, name) or ("element", family, table, map, key)."""

ChainKey = tuple[str, str, str]
"""(family, table, chain)."""

VERDICTS = frozenset({"accept", "drop", "continue", "return", "goto", "jump"})

WRITES = re.compile(r"(?:add|update|delete) @(\S+)")
"""A statement, as one types it, that writes into a set or a map."""

_VOLATILE = {"handle", "packets", "bytes", "expires"}
_SETS = ("set", "map")


@dataclass(frozen=True)
class Ruleset:
    """
    A namespace's nftables: *objects* by key, and the statements of each chain's *rules*, in order.

    *problem* says why it is not known (there are tables, and no program `nft` to read them), *unread* what of one family is
    not: (family, why). *raw* has each table as `nft` printed it, and *handles* the numbers by which `nft delete rule` knows the
    rules. A statement that `nft` has no JSON for is {"text": as one types it}.
    """

    objects: Mapping[Key, Any] = field(default_factory=dict)
    rules: Mapping[ChainKey, tuple[Any, ...]] = field(default_factory=dict)
    problem: str = ""
    raw: Mapping[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict, compare=False, repr=False)
    handles: Mapping[ChainKey, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)
    unread: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.objects) or bool(self.problem) or bool(self.unread)

    @cached_property
    def sets(self) -> dict[ChainKey, list[Any]]:
        """The elements of each named set and map, as `nft` printed them, by (family, table, name)."""
        bodies = (
            (table, body) for table, entries in self.raw.items() for entry in entries for kind, body in entry.items() if kind in _SETS
        )
        return {(*table, body["name"]): body.get("elem", []) for table, body in bodies}

    @cached_property
    def members(self) -> dict[ChainKey, frozenset[str]]:
        """The keys of the elements of each named set and map that has some, by (family, table, name)."""
        found: dict[ChainKey, set[str]] = {}
        for key in self.objects:
            if key[0] == "element":
                found.setdefault(key[1:4], set()).add(key[4])
        return {place: frozenset(keys) for place, keys in found.items()}

    @cached_property
    def filled(self) -> frozenset[ChainKey]:
        """The named sets and maps that packets put elements into, so that nobody knows for long what is in them."""
        found = set()
        for chain, rules in self.rules.items():
            for statement in (statement for rule in rules for statement in rule if statement):
                for kind in _SETS:
                    if isinstance(body := statement.get(kind), Mapping) and "op" in body:
                        found.add((*chain[:2], body[kind].removeprefix("@")))
                if written := WRITES.match(statement.get("text", "")):
                    found.add((*chain[:2], written[1]))
        return frozenset(found)

    def is_dormant(self, table: tuple[str, str]) -> bool:
        """Whether a table has the flag dormant: its chains are not attached to any hook."""
        flags = (self.objects.get(("table", *table)) or {}).get("flags", ())
        return "dormant" in ([flags] if isinstance(flags, str) else flags)

    def table(self, family: str, name: str) -> tuple[dict[Key, Any], dict[ChainKey, Any]]:
        """The objects and the rules of one table."""
        return (
            {key: value for key, value in self.objects.items() if key[1:3] == (family, name)},
            {key: value for key, value in self.rules.items() if key[:2] == (family, name)},
        )

    def get(self, key: Key) -> Any:
        """One object by its key, or, by ("rules", family, table, chain), a chain's rules; None if it is not there."""
        return self.rules.get(key[1:]) if key[0] == "rules" else self.objects.get(key)

    @property
    def tables(self) -> list[tuple[str, str]]:
        """(family, name) of each table."""
        return [key[1:] for key in self.objects if key[0] == "table"]


def devices_of(listed: Sequence[Sequence[Any]]) -> dict[ChainKey, list[str]]:
    """The devices of chains at ingress and egress, from (family, table, chain, devices) as an agent reads them."""
    return {(family, table, chain): list(devices) for family, table, chain, devices in listed}


def ruleset(listing: Iterable[Mapping[str, Any]], devices: Mapping[ChainKey, Sequence[str]] | None = None) -> Ruleset:
    """A Ruleset from the objects of `nft -j list ruleset`; *devices* are those of chains at ingress and egress, which nft leaves out."""
    objects: dict[Key, Any] = {}
    rules: dict[ChainKey, list] = {}
    raw: dict[tuple[str, str], list] = {}
    handles: dict[ChainKey, list[int]] = {}
    for entry in listing:
        ((kind, body),) = entry.items()
        if kind == "metainfo":
            continue
        table = (body["family"], body["name"] if kind == "table" else body["table"])
        raw.setdefault(table, []).append(entry)
        if kind == "rule":
            chain = (*table, body["chain"])
            statements = [{"text": one} if isinstance(one, str) else one for one in body["expr"]]
            rules.setdefault(chain, []).append(_steady(statements) if _counts(statements) else statements)
            handles.setdefault(chain, []).append(body["handle"])
        else:
            key = (kind, *table) if kind == "table" else (kind, *table, body["name"])
            described = ("flags",) if kind == "table" else _DESCRIBE
            objects[key] = {name: value for name, value in body.items() if name in described}
            if kind == "chain":
                rules.setdefault((*table, body["name"]), [])
                if (attached := (devices or {}).get((*table, body["name"]))) is not None:
                    objects[key]["dev"] = list(attached)
            if "timeout" not in body:
                objects |= {("element", *table, body["name"], name(element)): value(element) for element in body.get("elem", ())}
    return Ruleset(
        objects,
        {chain: tuple(statements) for chain, statements in rules.items()},
        "",
        {table: tuple(entries) for table, entries in raw.items()},
        {chain: tuple(numbers) for chain, numbers in handles.items()},
    )


_DESCRIBE = ("type", "hook", "prio", "policy", "dev", "map", "timeout")


def _counts(statements: list) -> bool:
    return any(name in statement for statement in statements if statement for name in ("counter", "quota", "set"))


def _steady(statements: Any) -> Any:
    """The statements without counters' values and other numbers that change by themselves."""
    if isinstance(statements, list):
        return [_steady(statement) for statement in statements]
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
    """The value of a map's element, such as ``goto service-web``; "" for a set's."""
    if not isinstance(element, list):
        return ""
    verdict = element[1]
    if isinstance(verdict, dict) and len(verdict) == 1 and (verb := next(iter(verdict))) in VERDICTS:
        target = verdict[verb]
        return f"{verb} {target['target']}" if target else verb
    return verdict if isinstance(verdict, str) else dumps(verdict, sort_keys=True)


_REFERRED_TO = ("chain", "set", "map")
"""Kinds of objects that rules refer to, in the order in which they are added; other kinds (counters, limits) are added before them."""


def difference(now: Ruleset, then: Ruleset, table: tuple[str, str]) -> list[dict[str, Any]]:
    """
    The commands, in nft's JSON, that bring one table from *now* to *then* in one transaction; equal objects are left alone.

    In an order that the kernel takes: rules are deleted before what they refer to, and added after it.
    """
    where = {"family": table[0], "table": table[1]}
    gone = {"table": {"family": table[0], "name": table[1]}}
    wanted, present = then.table(*table), now.table(*table)
    if not wanted[0]:
        return [{"delete": gone}]
    raw = {_key(entry): entry for entry in then.raw[table]}
    made = [key for key in wanted[0] if key[0] not in ("element", "table") and wanted[0][key] != present[0].get(key)]
    lost = [key for key in present[0] if key[0] not in ("element", "table") and present[0][key] != wanted[0].get(key)]
    chains = {chain for chain in {*wanted[1], *present[1]} if wanted[1].get(chain) != present[1].get(chain)}
    chains |= {key[1:] for key in (*made, *lost) if key[0] == "chain"}
    todo: list[dict[str, Any]] = [] if present[0] else [{"add": gone}]
    todo += [{"flush": {"chain": where | {"name": chain[2]}}} for chain in chains if chain in present[1]]
    todo += [
        {"delete": _element(key, where, now)}
        for key in present[0]
        if key[0] == "element" and wanted[0].get(key) != present[0][key] and key[:4] not in _maps(lost)
    ]
    todo += [{"delete": {key[0]: where | {"name": key[3]}}} for key in sorted(lost, key=_order, reverse=True)]
    todo += [{"add": _plain(raw[key])} for key in sorted(made, key=_order)]
    elements = [key for key in wanted[0] if key[0] == "element" and (wanted[0][key] != present[0].get(key) or key[:4] in _maps(made))]
    todo += [{"add": _element(key, where, then)} for key in elements]
    rules = [entry for entry in then.raw[table] if "rule" in entry and (*table, entry["rule"]["chain"]) in chains]
    return [*todo, *({"add": _plain(entry)} for entry in rules)]


def _key(entry: Mapping[str, Any]) -> Key:
    ((kind, body),) = entry.items()
    return (
        (kind, body["family"], body["name"])
        if kind == "table"
        else (kind, body["family"], body["table"], str(body.get("name", body.get("handle"))))
    )


def _order(key: Key) -> tuple[int, str]:
    """
    A sorting key for adding; what is deleted goes the other way round.

    Chains come before maps, whose elements lead to them: `nft` sends those of a map of intervals with the map itself.
    """
    return (_REFERRED_TO.index(key[0]) + 1 if key[0] in _REFERRED_TO else 0, key[3])


def _maps(keys: Iterable[Key]) -> set[Key]:
    return {("element", *key[1:]) for key in keys if key[0] in ("set", "map")}


def _element(key: Key, where: dict[str, str], of: Ruleset) -> dict[str, Any]:
    """One element in nft's JSON, as nft printed it in the ruleset *of*."""
    listed = next(entry for kind in ("map", "set") for entry in of.raw[key[1:3]] if entry.get(kind, {}).get("name") == key[3])
    ((_, body),) = listed.items()
    return {"element": where | {"name": key[3], "elem": [next(element for element in body["elem"] if name(element) == key[4])]}}


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An object as nft takes it: without its handle, and without elements, which are added by commands of their own."""
    ((kind, body),) = entry.items()
    return {kind: {field: value for field, value in body.items() if field not in ("handle", "elem")}}


def keys_of(command: Mapping[str, Any]) -> Iterator[Key]:
    """The keys of the objects that a command in nft's JSON changes, as `Ruleset.get` takes them."""
    ((_, subject),) = command.items()
    ((kind, body),) = subject.items()
    if kind == "table":
        yield ("table", body["family"], body["name"])
        return
    path = (body["family"], body["table"])
    if kind == "rule":
        yield ("rules", *path, body["chain"])
    elif kind == "element":
        yield from (("element", *path, body["name"], name(element)) for element in body["elem"])
    else:
        yield (kind, *path, str(body.get("name", body.get("handle"))))
        if kind == "chain":
            yield ("rules", *path, body["name"])
