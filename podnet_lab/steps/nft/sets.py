"""Sets that a rule looks into, with members that somebody writes; see steps.py. Those that packets fill are in objects.py."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.nft.base import FAMILY, TABLE, Nft
from podnet_lab.steps.nft.objects import Named, key_parts, key_type


@dataclass(frozen=True)
class AddMembersSet(Named):
    """See `members_set`."""

    key_type: tuple[str, ...] = ()
    subnets: bool = False

    kind = "set"

    def _described(self) -> dict[str, Any]:
        return {"type": key_type(self.key_type)}

    def commands(self) -> list[dict[str, Any]]:
        if not self.subnets:
            return super().commands()
        ((verb, what),) = super().commands()[0].items()
        return [{verb: {"set": what["set"] | {"flags": ["interval"]}}}]

    @property
    def typed(self) -> str:
        return f"add {self._path} {{ type {' . '.join(self.key_type)} ; {'flags interval ; ' if self.subnets else ''}}}"


@dataclass(frozen=True)
class SetMembers(Nft):
    """See `set_members`."""

    name: str
    members: tuple[str, ...] = ()
    table: str = TABLE

    @property
    def _where(self) -> tuple[str, str, str]:
        return (FAMILY, self.table, self.name)

    @property
    def typed(self) -> str:
        place = " ".join(self._where)
        return f"flush set {place}" + (f"; add element {place} {{ {', '.join(self.members)} }}" if self.members else "")

    @property
    def claim(self) -> str:
        return f"{self.name} has {len(self.members)} member{'s' if len(self.members) != 1 else ''}"

    def commands(self) -> list[dict[str, Any]]:
        place = {"family": FAMILY, "table": self.table, "name": self.name}
        flush = {"flush": {"set": place}}
        return [flush, {"add": {"element": place | {"elem": list(map(key_parts, self.members))}}}] if self.members else [flush]

    def wrong(self, rules: Ruleset) -> str | None:
        if ("set", *self._where) not in rules.objects:
            return f"no set of {self.table} is called {self.name}"
        has, wanted = rules.members.get(self._where, frozenset()), {*self.members}
        words = [f"lacks {_first(wanted - has)}"] if wanted - has else []
        words += [f"has {_first(has - wanted)}, which should not be in it"] if has - wanted else []
        return f"{self.name} {' and '.join(words)}" if words else None

    def touches(self) -> tuple:
        return (("nft", None, "members", *self._where),)

    def ends(self) -> tuple:
        return self.touches()


MOST_MEMBERS = 3
"""Of which a difference tells the names; the rest is counted."""


def _first(members: Set[str]) -> str:
    shown, more = sorted(members)[:MOST_MEMBERS], len(members) - MOST_MEMBERS
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
