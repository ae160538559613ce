"""The way back: tables brought to what they held, object by object."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps, loads
from typing import Any

from podnet_lab.model.nftables import Ruleset, difference, keys_of, ruleset
from podnet_lab.steps.base import Request, Step
from podnet_lab.steps.nft.base import Nft
from podnet_lab.steps.pyroute2_calls import run_nft


@dataclass(frozen=True)
class RestoreTable(Nft):
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
    def pyroute2(self) -> str:
        return run_nft(f'{{"nftables": {self.todo}}}', "-j") if self.then else run_nft(self.typed)

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
    """The steps that bring nftables from *now* to *then*, table by table; none where either is not known."""
    if now.problem or then.problem:
        return ()
    every = dict.fromkeys([*now.tables, *then.tables])
    changed = [table for table in every if now.table(*table) != then.table(*table)]
    return tuple(
        RestoreTable(*table, dumps(then.raw[table]) if table in then.raw else "", dumps(difference(now, then, table))) for table in changed
    )
