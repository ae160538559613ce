"""
nftables: tables, chains, maps, and rules, with which a node judges and rewrites packets.

All objects here live in a table of the family ip, in a node's own network namespace; the table is called as kube-proxy
calls its own, where no other is named. A rule's parts are made in statements.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from json import dumps, loads
from shlex import quote
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.rules import Ruleset, difference, named_by, ruleset
from podnet_lab.steps.base import Request, Step
from podnet_lab.steps.statements import Rule, Statement, json, text

FAMILY, TABLE = "ip", "kube-proxy"

HOOKS = {"prerouting": -100, "input": 100, "forward": 0, "output": -100, "postrouting": 100}
"""Where a base chain meets packets, and the priority that address translation has there (linux/netfilter_ipv4.h)."""

_WORD = re.compile(
    "accept|add|arp|bridge|chain|continue|counter|create|ct|delete|drop|element|fib|flush|goto|hook|icmp|inet|ip|ip6|jump|limit|list|log|"
    "map|mark|masquerade|meta|monitor|netdev|notrack|numgen|oif|iif|policy|queue|quota|redirect|reject|rename|replace|reset|return|rule|"
    "ruleset|set|snat|dnat|socket|synproxy|table|tcp|tproxy|type|udp|update|vmap"
)
"""Words of nft's own grammar that a person can't type as a name (nft(8))."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9/\\_.-]*")


def nft_name(name: str) -> str:
    """Give *name* back if nft takes it; raise BadInput if not."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 200:
        raise BadInput(f"{name!r} can't be a name for nft: a letter, then letters, digits and / _ . -, at most 200 of them")
    if _WORD.fullmatch(name):
        raise BadInput(f"{name!r} is a word of nft's own, and can't be a name")
    return name


@dataclass(frozen=True)
class Nft(Step):
    """A step that is one or more commands of nft, taken as one transaction: all of them, or none."""

    @property
    def typed(self) -> str:
        """What a person types behind `nft`."""
        raise NotImplementedError

    @property
    def command(self) -> str:
        return f"nft {self.typed if re.fullmatch('[A-Za-z0-9 ./_-]*', self.typed) else quote(self.typed)}"

    def commands(self) -> list[dict[str, Any]]:
        """The same for nft's JSON interface."""
        raise NotImplementedError

    def requests(self) -> list[Request]:
        return [("nft", None, {"commands": self.commands()})]

    def contradiction(self, now: Snapshot) -> str | None:
        return now.own.rules.problem or self.wrong(now.own.rules)

    def wrong(self, rules: Ruleset) -> str | None:
        """What in *rules* contradicts the claim, or None if it holds."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Object(Nft):
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

    @property
    def typed(self) -> str:
        return f"add {self._path}"

    @property
    def claim(self) -> str:
        return f"there is a {self.kind} {self.name}"

    def commands(self) -> list[dict[str, Any]]:
        named = {"family": FAMILY, "table": self.table, "name": self.name}
        return [{"add": {self.kind: named | self._described()}}]

    def wrong(self, rules: Ruleset) -> str | None:
        if ("table", FAMILY, self.table) not in rules.objects:
            return f"no table is called {self.table}"
        found = self._there(rules)
        if found is None:
            return f"no {self.kind} of {self.table} is called {self.name}"
        return None if found == self._described() else f"the {self.kind} {self.name} is another one: {found}"

    def conflict(self, before: Snapshot) -> str | None:
        found = before.own.rules.objects.get(self.key)
        return None if found in (None, self._described()) else f"a {self.kind} {self.name} is there already, of another kind: {found}"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (Remove(self.kind, self.name, self.table),)

    def touches(self) -> tuple:
        return (("nft", None, *self.key),)


@dataclass(frozen=True)
class AddTable(_Object):
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
        return None if self.key in rules.objects else f"no table is called {self.name}"


@dataclass(frozen=True)
class AddChain(_Object):
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
class AddMap(_Object):
    """See `verdict_map`."""

    key_type: tuple[str, ...] = ()

    kind = "map"

    def _described(self) -> dict[str, Any]:
        return {"type": list(self.key_type), "map": "verdict"}

    @property
    def typed(self) -> str:
        return f"add {self._path} {{ type {' . '.join(self.key_type)} : verdict ; }}"


@dataclass(frozen=True)
class AddSet(_Object):
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

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return restore_tables(after.own.rules, before.own.rules)

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
        parts = [int(one) if one.isdigit() else one for one in self.key.split(" . ")]
        verb, _, target = self.verdict.partition(" ")
        named = {"family": FAMILY, "table": self.table, "name": self.map}
        key = {"concat": parts} if len(parts) > 1 else parts[0]
        return {"element": named | {"elem": [[key, {verb: {"target": target} if target else None}] if self.verdict else key]}}

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
        found = self._found(rules)
        if found is None:
            return f"{self.map} has nothing for {self.key}"
        return None if found == self.verdict else f"{self.map} says {found} for {self.key}"

    def conflict(self, before: Snapshot) -> str | None:
        found = self._found(before.own.rules)
        return None if found in (None, self.verdict) else f"{self.map} has {self.key} already: {found}"

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


@dataclass(frozen=True)
class _InChain(Nft):
    chain: str
    table: str = TABLE

    @property
    def _where(self) -> tuple[str, str, str]:
        return (FAMILY, self.table, self.chain)

    def _add(self, rule: Rule) -> dict[str, Any]:
        return {"add": {"rule": {"family": FAMILY, "table": self.table, "chain": self.chain, "expr": json(rule)}}}

    def _typed(self, rule: Rule) -> str:
        return f"add rule {FAMILY} {self.table} {self.chain} {text(rule)}"

    def touches(self) -> tuple:
        return (("nft", None, "rules", *self._where),)

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return restore_tables(after.own.rules, before.own.rules)


@dataclass(frozen=True)
class AddRule(_InChain):
    """See `rule`."""

    rule: Rule = ()

    @property
    def typed(self) -> str:
        return self._typed(self.rule)

    @property
    def claim(self) -> str:
        return f"{self.chain} has the rule: {text(self.rule)}"

    def commands(self) -> list[dict[str, Any]]:
        return [self._add(self.rule)]

    def wrong(self, rules: Ruleset) -> str | None:
        found = rules.rules.get(self._where)
        if found is None:
            return f"no chain of {self.table} is called {self.chain}"
        return None if json(self.rule) in found else f"no rule of {self.chain} says so"

    def ends(self) -> tuple:
        return (("nft", None, "all rules", *self._where),)  # what said that others are all there are

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        has = after.own.rules
        at = max(number for number, one in enumerate(has.rules[self._where]) if one == json(self.rule))
        return (RemoveRule(self.chain, self.table, self.rule, has.handles[self._where][at]),)


@dataclass(frozen=True)
class RemoveRule(_InChain):
    """
    Delete one rule: undo's way back from `rule`.

    `nft` knows rules by number; the one shown was the rule's when this step was made, and the agent looks for the rule itself:
    a chain that was filled anew has other numbers.
    """

    rule: Rule = ()
    handle: int = 0

    @property
    def typed(self) -> str:
        return f"delete rule {FAMILY} {self.table} {self.chain} handle {self.handle}"

    @property
    def claim(self) -> str:
        return f"{self.chain} has it no more: {text(self.rule)}"

    def commands(self) -> list[dict[str, Any]]:
        return [{"delete": {"rule": {"family": FAMILY, "table": self.table, "chain": self.chain, "expr": json(self.rule)}}}]

    def wrong(self, rules: Ruleset) -> str | None:
        return f"{self.chain} still has it: {text(self.rule)}" if json(self.rule) in rules.rules.get(self._where, ()) else None


@dataclass(frozen=True)
class SetRules(_InChain):
    """See `set_rules`."""

    rules: tuple[Rule, ...] = ()

    @property
    def typed(self) -> str:
        return "; ".join([f"flush chain {FAMILY} {self.table} {self.chain}", *map(self._typed, self.rules)])

    @cached_property
    def _wanted(self) -> tuple[list[dict[str, Any]], ...]:
        return tuple(map(json, self.rules))

    @property
    def claim(self) -> str:
        return f"{self.chain} has these rules and no other" if self.rules else f"{self.chain} has no rules"

    def commands(self) -> list[dict[str, Any]]:
        flush = {"flush": {"chain": {"family": FAMILY, "table": self.table, "name": self.chain}}}
        return [flush, *map(self._add, self.rules)]

    def wrong(self, rules: Ruleset) -> str | None:
        found = rules.rules.get(self._where)
        if found is None:
            return f"no chain of {self.table} is called {self.chain}"
        return None if found == self._wanted else f"{self.chain} has other rules"

    def touches(self) -> tuple:
        return (("nft", None, "rules", *self._where), ("nft", None, "all rules", *self._where))

    def ends(self) -> tuple:
        return self.touches()


@dataclass(frozen=True)
class Together(Nft):
    """See `together`."""

    steps: tuple[Nft, ...]
    words: str

    def __hash__(self) -> int:
        return self._hash

    # Kept, for the nodes of a lab share these steps, and a run asks each of them several times.

    @cached_property
    def _hash(self) -> int:
        return hash((self.steps, self.words))

    @cached_property
    def _commands(self) -> list[dict[str, Any]]:
        return [one for step in self.steps for one in step.commands()]

    @cached_property
    def _touches(self) -> tuple:
        return tuple(dict.fromkeys(key for step in self.steps for key in step.touches()))

    @cached_property
    def _ends(self) -> tuple:
        return tuple(dict.fromkeys(key for step in self.steps for key in step.ends()))

    @property
    def typed(self) -> str:
        return "; ".join(step.typed for step in self.steps)

    @property
    def claim(self) -> str:
        return self.words

    def commands(self) -> list[dict[str, Any]]:
        return self._commands

    def wrong(self, rules: Ruleset) -> str | None:
        return next((wrong for step in self.steps if (wrong := step.wrong(rules)) is not None), None)

    def conflict(self, before: Snapshot) -> str | None:
        return next((taken for step in self.steps if (taken := step.conflict(before)) is not None), None)

    def touches(self) -> tuple:
        return self._touches

    def ends(self) -> tuple:
        return self._ends

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return restore_tables(after.own.rules, before.own.rules)


@dataclass(frozen=True)
class MendTable(Nft):
    """
    Bring a table back to what it held: undo's and roll-back's way from what took more than a word.

    *then* is what `nft` had printed of it, "" if it was not there; *todo* are the commands that take it there from what it is,
    as JSON. What is the same stays untouched, and so do the addresses in sets that packets filled.
    """

    family: str
    name: str
    then: str
    todo: str

    @property
    def typed(self) -> str:
        return f"(the table {self.family} {self.name} as it was)" if self.then else f"delete table {self.family} {self.name}"

    @property
    def command(self) -> str:
        return f"nft -j -f - <<'EOF'\n{{\"nftables\": {self.todo}}}\nEOF" if self.then else f"nft {self.typed}"

    @property
    def claim(self) -> str:
        return f"the table {self.name} is {'as it was' if self.then else 'gone'}"

    def commands(self) -> list[dict[str, Any]]:
        return loads(self.todo)

    def wrong(self, rules: Ruleset) -> str | None:
        wanted = ruleset(loads(self.then)) if self.then else Ruleset()
        done = {key for one in loads(self.todo) for key in named_by(one)}
        return None if all(rules.says(key) == wanted.says(key) for key in done) else f"the table {self.name} is not"

    def touches(self) -> tuple:
        return (("nft", None, "table", self.family, self.name),)

    def ends(self) -> tuple:
        return self.touches()


def restore_tables(now: Ruleset, then: Ruleset) -> tuple[Step, ...]:
    """The steps that bring nftables from *now* to *then*, table by table; none where either is not known."""
    if now.problem or then.problem:
        return ()
    every = dict.fromkeys([*now.tables, *then.tables])
    changed = [one for one in every if now.table(*one) != then.table(*one)]
    return tuple(MendTable(*one, dumps(then.raw[one]) if one in then.raw else "", dumps(difference(now, then, one))) for one in changed)


def table(name: str = TABLE) -> AddTable:
    """
    Make a table: a folder for chains and maps.

    By hand::

        nft add table ip kube-proxy
    """
    return AddTable(nft_name(name), nft_name(name))


def chain(name: str, hook: str = "", does: str = "nat", priority: int | None = None, table: str = TABLE) -> AddChain:
    """
    Make a chain: a list of rules. With a *hook* packets meet it by themselves, else where a rule sends them there.

    *does* is "nat" or "filter"; *priority* says which of several chains at a hook comes first (the lower).

    By hand::

        nft add chain ip kube-proxy services
        nft 'add chain ip kube-proxy nat-prerouting { type nat hook prerouting priority -100 ; }'
    """
    if hook and hook not in HOOKS:
        raise BadInput(f"no hook is called {hook!r}; there are {', '.join(HOOKS)}")
    if does not in ("nat", "filter"):
        raise BadInput(f"a chain does nat or filter, not {does!r}")
    if not hook and priority is not None:
        raise BadInput("only a chain with a hook has a priority")
    if does == "nat" and hook == "forward":
        raise BadInput("there is no address translation at the hook forward: it comes before or after")
    where = (HOOKS[hook] if does == "nat" else 0) if hook and priority is None else priority or 0
    return AddChain(nft_name(name), nft_name(table), hook, does if hook else "nat", where)


KEYS = {"address": ("ipv4_addr", "inet_proto", "inet_service"), "port": ("inet_proto", "inet_service")}
"""What a map of verdicts is looked up by: address, protocol and port; or protocol and port."""


def verdict_map(name: str, by: str = "address", table: str = TABLE) -> AddMap:
    """
    Make a map that says what becomes of a packet, by destination address, protocol and port (*by* "port": the last two).

    By hand::

        nft 'add map ip kube-proxy service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }'
    """
    if by not in KEYS:
        raise BadInput(f"a map is looked up by {' or '.join(KEYS)}, not by {by!r}")
    return AddMap(nft_name(name), nft_name(table), KEYS[by])


def address_set(name: str, timeout: int, table: str = TABLE) -> AddSet:
    """
    Make a set of addresses that are forgotten *timeout* seconds after they were last seen.

    By hand::

        nft 'add set ip kube-proxy affinity-web { type ipv4_addr ; flags timeout ; timeout 10800s ; }'
    """
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 1 <= timeout <= 86400:
        raise BadInput(f"a time-out is 1 to 86,400 seconds, not {timeout!r}")
    return AddSet(nft_name(name), nft_name(table), timeout)


def element(map: str, key: str, verdict: str, table: str = TABLE) -> AddElement:
    """
    Write into a map what becomes of packets with *key*.

    By hand::

        nft 'add element ip kube-proxy service-ips { 10.96.0.20 . tcp . 80 : goto service-web }'
    """
    _verdict(verdict)
    return AddElement(nft_name(map), _key(key), verdict, nft_name(table))


def remove_element(map: str, key: str, table: str = TABLE) -> RemoveElement:
    """
    Take *key* out of a map.

    By hand::

        nft 'delete element ip kube-proxy service-ips { 10.96.0.20 . tcp . 80 }'
    """
    return RemoveElement(nft_name(map), _key(key), "", nft_name(table))


def _key(key: str) -> str:
    if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z0-9.]+( \. [A-Za-z0-9.]+)*", key):
        raise BadInput(f"{key!r} is no key like 10.96.0.20 . tcp . 80")
    return key


def _verdict(verdict: str) -> None:
    verb, _, target = str(verdict).partition(" ")
    if verb in ("goto", "jump"):
        nft_name(target)
    elif verdict not in ("accept", "drop", "return"):
        raise BadInput(f"{verdict!r} is no verdict like 'goto service-web' or 'drop'")


def rule(chain: str, *statements: Statement, table: str = TABLE) -> AddRule:
    """
    Add a rule at the end of a chain.

    By hand::

        nft add rule ip kube-proxy nat-prerouting jump services
    """
    return AddRule(nft_name(chain), nft_name(table), _rule(statements))


def set_rules(chain: str, rules: Sequence[Sequence[Statement]], table: str = TABLE) -> SetRules:
    """
    Give a chain exactly these rules, in one transaction: no packet meets half of them.

    By hand::

        nft 'flush chain ip kube-proxy service-web; add rule ip kube-proxy service-web meta l4proto tcp dnat to 10.244.1.2:8080'
    """
    return SetRules(nft_name(chain), nft_name(table), tuple(map(_rule, rules)))


def _rule(statements: Sequence[Statement]) -> Rule:
    if not statements or not all(isinstance(one, Statement) for one in statements):
        raise BadInput("a rule is made of statements, as podnet_lab.steps.statements makes them")
    return tuple(statements)


def remove(kind: str, name: str, table: str = TABLE) -> Remove:
    """
    Delete a table, chain, map or set, with what is in it. The kernel refuses while a rule still names it.

    By hand::

        nft delete table ip kube-proxy
    """
    if kind not in ("table", "chain", "map", "set"):
        raise BadInput(f"{kind!r} is not one of table, chain, map, set")
    return Remove(kind, nft_name(name), nft_name(table))


def together(steps: Sequence[Nft], claim: str) -> Together:
    """Several steps of nft as one transaction, so that no packet meets some of them without the others."""
    if not steps or not all(isinstance(one, Nft) for one in steps):
        raise BadInput("only steps of nft can be taken together")
    return Together(tuple(steps), claim)
