"""Tables that are put to sleep, and woken: the way back from one whose flag `dormant` somebody has changed."""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.base import Request
from podnet_lab.steps.nft.base import Nft

DORMANT = "dormant: its chains are at no hook, and so no packet meets them"
"""What a table is that has this flag."""


@dataclass(frozen=True)
class SetDormant(Nft):
    """
    Detach a table's chains from their hooks, or attach them again; what is in them stays.

    `nft` takes the flag as one types it, and not (1.0.6) as JSON: the kernel is asked itself.
    """

    family: str
    name: str
    dormant: bool

    @property
    def typed(self) -> str:
        return f"add table {self.family} {self.name}{' { flags dormant ; }' if self.dormant else ''}"

    @property
    def claim(self) -> str:
        return f"the table {self.name} {'sleeps: its chains are at no hook' if self.dormant else 'is awake: its chains are at their hooks'}"

    def requests(self) -> list[Request]:
        return [("nft_dormant", None, {"family": self.family, "name": self.name, "dormant": self.dormant})]

    def wrong(self, rules: Ruleset) -> str | None:
        if ("table", self.family, self.name) not in rules.objects:
            return f"no table is called {self.name}"
        if rules.is_dormant((self.family, self.name)) == self.dormant:
            return None
        return f"the table {self.name} is {'not dormant' if self.dormant else DORMANT}"

    def touches(self) -> tuple:
        return (("nft", None, "table", self.family, self.name),)
