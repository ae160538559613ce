"""The way back: tables brought to what they held, object by object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from json import dumps, loads
from typing import Any

from podnet_lab.model.nft_commands import typed_commands
from podnet_lab.model.nftables import Ruleset, difference, keys_of, ruleset
from podnet_lab.steps.base import Request, Step
from podnet_lab.steps.nft.base import Nft
from podnet_lab.steps.nft.dormant import SetDormant
from podnet_lab.steps.pyroute2_calls import run_nft

MOST_TYPED = 400
"""Characters that are one line for a person; what is longer is a line for each command."""


def _given(text: str, options: str = "") -> str:
    return f"nft {options}-f - <<'EOF'\n{text}EOF"


@dataclass(frozen=True)
class RestoreTable(Nft):
    """
    Bring a table back to what it held: undo's and roll-back's way from what took more than a word.

    *then* is what `nft` had printed of it, "" if it was not there; *todo* are the commands that take it there from what it is,
    as JSON. What is the same stays untouched, and so do the addresses in sets that packets filled. *text* is what a person would
    give to `nft -f` for the whole table, where that is known; else these commands are typed, where nft's JSON has a typed form here.
    """

    family: str
    name: str
    then: str
    todo: str
    text: str = field(default="", compare=False, repr=False)

    @cached_property
    def _lines(self) -> list[str]:
        """The commands as they are typed; none where that is not known."""
        return typed_commands(loads(self.todo)) or []

    @property
    def typed(self) -> str:
        return "; ".join(self._lines) or f"(the table {self.family} {self.name} as it was)"

    @property
    def command(self) -> str:
        if self.text:
            return _given(self.text)
        if not self._lines:
            return _given(f'{{"nftables": {self.todo}}}\n', "-j ")
        return super().command if len(self.typed) <= MOST_TYPED else _given("".join(f"{line}\n" for line in self._lines))

    @property
    def pyroute2(self) -> str:
        if self.text:
            return run_nft(self.text)
        return run_nft(self.typed) if self._lines else run_nft(f'{{"nftables": {self.todo}}}', "-j")

    @property
    def unsaid(self) -> str:
        if '"xt"' in self.then:
            return f"rules of the table {self.family} {self.name} that iptables wrote, and nft can't take"
        if self.then and any(isinstance(one, str) for entry in loads(self.then) for one in entry.get("rule", {}).get("expr", ())):
            return f"rules of the table {self.family} {self.name} that nft can't take as it lists them"
        return ""

    @property
    def claim(self) -> str:
        return f"the table {self.name} is {'as it was' if self.then else 'gone'}"

    def commands(self) -> list[dict[str, Any]]:
        return loads(self.todo)

    def requests(self) -> list[Request]:
        """One for each command: an ordinary user's `nft` can't send a big table at once (`podnet_lab.kernel.nft_program`)."""
        return [("nft", None, {"commands": [command]}) for command in self.commands()]

    def wrong(self, rules: Ruleset) -> str | None:
        wanted = ruleset(loads(self.then)) if self.then else Ruleset()
        done = {key for command in loads(self.todo) for key in keys_of(command)}
        return None if all(rules.get(key) == wanted.get(key) for key in done) else f"the table {self.name} is not"

    def touches(self) -> tuple:
        return (("nft", None, "table", self.family, self.name),)

    def ends(self) -> tuple:
        return self.touches()


def restore_tables(now: Ruleset, then: Ruleset) -> tuple[Step, ...]:
    """
    The steps that bring nftables from *now* to *then*, table by table; none where it is not known what they were.

    Where what there is now can't be read, tables of then are made anew, each in place of what there may be of it.
    """
    if then.problem:
        return ()
    return tuple(step for table in dict.fromkeys([*now.tables, *then.tables]) for step in _restore_table(table, now, then))


def _restore_table(table: tuple[str, str], now: Ruleset, then: Ruleset) -> Iterator[Step]:
    wanted, dormant = then.table(*table), then.is_dormant(table)
    listed = dumps(then.raw[table]) if table in then.raw else ""
    if now.problem:
        gone = {"table": {"family": table[0], "name": table[1]}}
        yield RestoreTable(*table, listed, dumps([{"add": gone}, {"delete": gone}, *difference(now, then, table)]))
    elif now.table(*table) != wanted and (commands := difference(now, then, table)):
        yield RestoreTable(*table, listed, dumps(commands))
    if listed and dormant != now.is_dormant(table):
        yield SetDormant(*table, dormant)
