"""Tables, chains, maps, sets, and the elements of maps; see steps.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from podnet_lab.model import Snapshot
from podnet_lab.model.nft_text import described_text
from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft.base import FAMILY, TABLE, Nft
from podnet_lab.steps.nft.dormant import DORMANT, SetDormant


def key_type(types: tuple[str, ...]) -> str | list[str]:
    """The type of a map's or a set's keys, as nft's JSON has it: one alone is no list."""
    return list(types) if len(types) > 1 else types[0]


def key_parts(key: str) -> Any:
    """A key like ``10.96.0.20 . tcp . 80``, or a subnet, as nft's JSON has it."""
    if "/" in key:
        address, _, length = key.partition("/")
        return {"prefix": {"addr": address, "len": int(length)}}
    parts = [int(part) if part.isdigit() else part for part in key.split(" . ")]
    return {"concat": parts} if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class Named(Nft):
    """A thing with a name in a table."""

    name: str
    table: str = TABLE

    kind = "table"

    @property
    def key(self) -> tuple[str, ...]:
        return (self.kind, FAMILY, self.table, self.name)

    @property
    def _path(self) -> str:
        return f"{self.kind} {FAMILY} {self.table} {self.name}"

    def _there(self, rules: Ruleset) -> dict[str, Any] | None:
        return rules.objects.get(self.key)

    def _described(self) -> dict[str, Any]:
        return {}

    def _is(self, described: dict[str, Any]) -> str:
        """What such a thing is, in words."""
        return described_text(self.kind, described)

    @property
    def typed(self) -> str:
        return f"add {self._path}"

    @property
    def claim(self) -> str:
        return f"there is a {self.kind} {self.name}"

    def commands(self) -> list[dict[str, Any]]:
        place = {"family": FAMILY, "table": self.table, "name": self.name}
        return [{"add": {self.kind: place | self._described()}}]

    def wrong(self, rules: Ruleset) -> str | None:
        if ("table", FAMILY, self.table) not in rules.objects:
            return f"no table is called {self.table}"
        existing = self._there(rules)
        if existing is None:
            return f"no {self.kind} of {self.table} is called {self.name}"
        if existing == self._described():
            return None
        return f"the {self.kind} {self.name} is {self._is(existing)}, and should be {self._is(self._described())}"

    def conflict(self, before: Snapshot) -> str | None:
        existing = before.own.rules.objects.get(self.key)
        if existing in (None, self._described()):
            return None
        return f"a {self.kind} {self.name} is there already, of another kind: it is {self._is(existing)}"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (Remove(self.kind, self.name, self.table),)

    def touches(self) -> tuple:
        return (("nft", None, *self.key),)


@dataclass(frozen=True)
class AddTable(Named):
    """See `table`."""

    @property
    def key(self) -> tuple[str, ...]:
        return ("table", FAMILY, self.name)

    @property
    def _path(self) -> str:
        return f"table {FAMILY} {self.name}"

    def commands(self) -> list[dict[str, Any]]:
        return [{"add": {"table": {"family": FAMILY, "name": self.name}}}]

    def wrong(self, rules: Ruleset) -> str | None:
        if self.key not in rules.objects:
            return f"no table is called {self.name}"
        return f"the table {self.name} is {DORMANT}" if rules.is_dormant(self.key[1:]) else None

    def conflict(self, before: Snapshot) -> str | None:
        return None if before.own.rules.is_dormant(self.key[1:]) else super().conflict(before)

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        there = self.key in before.own.rules.objects  # asleep: it was woken
        return (SetDormant(FAMILY, self.name, True),) if there else super().inverse(before, after)


@dataclass(frozen=True)
class AddChain(Named):
    """See `chain`."""

    hook: str = ""
    does: str = "nat"
    priority: int = 0

    kind = "chain"

    def _described(self) -> dict[str, Any]:
        return {"type": self.does, "hook": self.hook, "prio": self.priority, "policy": "accept"} if self.hook else {}

    @property
    def typed(self) -> str:
        if not self.hook:
            return super().typed
        return f"add {self._path} {{ type {self.does} hook {self.hook} priority {self.priority} ; }}"

    @property
    def claim(self) -> str:
        return f"there is a chain {self.name}" + (f", at the hook {self.hook}" if self.hook else "")


@dataclass(frozen=True)
class AddMap(Named):
    """See `verdict_map`."""

    key_type: tuple[str, ...] = ()

    kind = "map"

    def _described(self) -> dict[str, Any]:
        return {"type": key_type(self.key_type), "map": "verdict"}

    @property
    def typed(self) -> str:
        return f"add {self._path} {{ type {' . '.join(self.key_type)} : verdict ; }}"


@dataclass(frozen=True)
class AddSet(Named):
    """See `address_set`."""

    timeout: int = 0

    kind = "set"

    def _described(self) -> dict[str, Any]:
        return {"type": "ipv4_addr", "timeout": self.timeout}

    def commands(self) -> list[dict[str, Any]]:
        ((verb, what),) = super().commands()[0].items()
        return [{verb: {"set": what["set"] | {"flags": ["timeout"]}}}]

    @property
    def typed(self) -> str:
        return f"add {self._path} {{ type ipv4_addr ; flags timeout ; timeout {self.timeout}s ; }}"


@dataclass(frozen=True)
class Remove(Nft):
    """See `remove`."""

    kind: str
    name: str
    table: str = TABLE

    @property
    def key(self) -> tuple[str, ...]:
        return ("table", FAMILY, self.name) if self.kind == "table" else (self.kind, FAMILY, self.table, self.name)

    @property
    def typed(self) -> str:
        return f"delete {' '.join(self.key)}"

    @property
    def claim(self) -> str:
        return f"there is no {self.kind} {self.name}"

    def commands(self) -> list[dict[str, Any]]:
        where = {"family": FAMILY, "name": self.name} | ({} if self.kind == "table" else {"table": self.table})
        return [{"delete": {self.kind: where}}]

    def wrong(self, rules: Ruleset) -> str | None:
        return f"{self.kind} {self.name} is still there" if self.key in rules.objects else None

    def touches(self) -> tuple:
        return (("nft", None, *self.key),)

    def ends(self) -> tuple:
        return self.touches()


@dataclass(frozen=True)
class _Element(Nft):
    map: str
    key: str
    verdict: str = ""
    table: str = TABLE

    def _found(self, rules: Ruleset) -> str | None:
        return rules.objects.get(("element", FAMILY, self.table, self.map, self.key))

    def _element(self) -> dict[str, Any]:
        verb, _, target = self.verdict.partition(" ")
        place = {"family": FAMILY, "table": self.table, "name": self.map}
        key = key_parts(self.key)
        return {"element": place | {"elem": [[key, {verb: {"target": target} if target else None}] if self.verdict else key]}}

    def touches(self) -> tuple:
        return (("nft", None, "element", FAMILY, self.table, self.map, self.key),)

    def ends(self) -> tuple:
        return self.touches()


@dataclass(frozen=True)
class AddElement(_Element):
    """See `element`."""

    @property
    def typed(self) -> str:
        return f"add element {FAMILY} {self.table} {self.map} {{ {self.key} : {self.verdict} }}"

    @property
    def claim(self) -> str:
        return f"{self.map} sends {self.key} to {self.verdict.removeprefix('goto ')}"

    def commands(self) -> list[dict[str, Any]]:
        return [{"add": self._element()}]

    def wrong(self, rules: Ruleset) -> str | None:
        if ("map", FAMILY, self.table, self.map) not in rules.objects:
            return f"no map of {self.table} is called {self.map}"
        verdict = self._found(rules)
        if verdict is None:
            return f"{self.map} has nothing for {self.key}"
        return None if verdict == self.verdict else f"{self.map} says {verdict} for {self.key}"

    def conflict(self, before: Snapshot) -> str | None:
        verdict = self._found(before.own.rules)
        return None if verdict in (None, self.verdict) else f"{self.map} has {self.key} already: {verdict}"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveElement(self.map, self.key, self.verdict, self.table),)


@dataclass(frozen=True)
class RemoveElement(_Element):
    """See `remove_element`."""

    @property
    def typed(self) -> str:
        return f"delete element {FAMILY} {self.table} {self.map} {{ {self.key} }}"

    @property
    def claim(self) -> str:
        return f"{self.map} has nothing for {self.key}"

    def commands(self) -> list[dict[str, Any]]:
        return [{"delete": RemoveElement(self.map, self.key, "", self.table)._element()}]

    def wrong(self, rules: Ruleset) -> str | None:
        return f"{self.map} still sends {self.key} to {self._found(rules)}" if self._found(rules) is not None else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (AddElement(self.map, self.key, self._found(before.own.rules) or self.verdict, self.table),)
