"""Rules, and several steps of nft as one transaction; see steps.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from podnet_lab.model import Snapshot
from podnet_lab.model.nft_text import rule_text, same_rule
from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft.base import FAMILY, TABLE, Nft
from podnet_lab.steps.nft.statements import Rule, json, text
from podnet_lab.steps.pyroute2_calls import literal


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
        chain = rules.rules.get(self._where)
        if chain is None:
            return f"no chain of {self.table} is called {self.chain}"
        return None if json(self.rule) in chain else f"no rule of {self.chain} says so"

    def ends(self) -> tuple:
        return (("nft", None, "all rules", *self._where),)  # what said that others are all there are

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        ruleset = after.own.rules
        at = max(number for number, rule in enumerate(ruleset.rules[self._where]) if rule == json(self.rule))
        return (RemoveRule(self.chain, self.table, self.rule, ruleset.handles[self._where][at]),)


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
    def pyroute2(self) -> str:
        # The rule itself is looked for: its number is another one wherever the chain was filled anew.
        chain = ", ".join(map(literal, self._where))
        lines = (
            f'listed = json.loads(subprocess.check_output(["nft", "-j", "list", "chain", {chain}]))["nftables"]',
            f'rules = [part["rule"] for part in listed if part.get("rule", {{}}).get("expr") == {literal(json(self.rule))}]',
            f'subprocess.run(["nft", "delete", "rule", {chain}, "handle", str(rules[-1]["handle"])], check=True)',
        )
        return "\n".join(lines)

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
        chain = rules.rules.get(self._where)
        if chain is None:
            return f"no chain of {self.table} is called {self.chain}"
        return f"{self.chain}{words}" if (words := difference(chain, self.rules, self._wanted)) else None

    def touches(self) -> tuple:
        return (("nft", None, "rules", *self._where), ("nft", None, "all rules", *self._where))

    def ends(self) -> tuple:
        return self.touches()


def difference(listed: Sequence[Any], rules: Sequence[Rule], wanted: Sequence[Any] | None = None) -> str:
    """
    In words behind a chain's name, the first rule that is not as it should be; "" where all are.

    *listed* is what the chain has, *rules* what it should have, *wanted* the same as nft lists them. Those at both ends that are right
    are left aside: so one rule too many is said to be just that.
    """
    should = [json(rule) for rule in rules] if wanted is None else wanted
    if [*listed] == [*should]:
        return ""
    pairs = zip(listed, should, strict=False)
    first = next((number for number, pair in enumerate(pairs) if not same_rule(*pair)), min(len(listed), len(should)))
    last, most = 0, min(len(listed), len(should)) - first
    while last < most and same_rule(listed[-1 - last], should[-1 - last]):
        last += 1
    there, lacking = listed[first : len(listed) - last], rules[first : len(rules) - last]
    if there and lacking:
        return f"'s rule {first + 1} is `{rule_text(there[0])}`, and should be `{text(lacking[0])}`"
    if there:
        return f" has {_counted(there)} that should not be there: `{rule_text(there[0])}`"
    return f" lacks {_counted(lacking)}: `{text(lacking[0])}`" if lacking else ""


def _counted(rules: Sequence[Any]) -> str:
    return "a rule" if len(rules) == 1 else f"{len(rules)} rules, the first of them"


@dataclass(frozen=True)
class Transaction(Nft):
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
        return [command for step in self.steps for command in step.commands()]

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
