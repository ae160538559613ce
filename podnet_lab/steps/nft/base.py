"""What every step of nft is: commands that are typed, and given to `nft` as JSON, as one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.base import Request, Step
from podnet_lab.steps.pyroute2_calls import run_nft

FAMILY, TABLE = "ip", "kube-proxy"

HOOKS = {"prerouting": -100, "input": 100, "forward": 0, "output": -100, "postrouting": 100}
"""Where a base chain meets packets, and the priority that address translation has there (linux/netfilter_ipv4.h)."""

_WORD = re.compile(
    "accept|add|arp|bridge|chain|continue|counter|create|ct|delete|drop|element|fib|flush|goto|hook|icmp|inet|ip|ip6|jump|limit|list|log|"
    "map|mark|masquerade|meta|monitor|netdev|notrack|numgen|oif|iif|policy|queue|quota|redirect|reject|rename|replace|reset|return|rule|"
    "ruleset|set|snat|dnat|socket|synproxy|table|tcp|tproxy|type|udp|update|vmap"
)
"""Words of nft's own grammar that a person can't type as a name (nft(8))."""

_HOLDERS = {"element": "map", "members": "set", "rules": "chain", "all rules": "chain"}
"""What objects of nft are in, beside their table."""

LONGEST_NAME = 200
"""Letters of a name; the kernel takes some more (NFT_NAME_MAXLEN)."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9/\\_.-]*")


def nft_name(name: str) -> str:
    """Give *name* back if nft takes it; raise BadInput if not."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise BadInput(f"{name!r} can't be a name for nft: a letter, then letters, digits and / _ . -, at most {LONGEST_NAME} of them")
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

    @property
    def pyroute2(self) -> str:
        return run_nft(self.typed)

    def commands(self) -> list[dict[str, Any]]:
        """The same for nft's JSON interface."""
        raise NotImplementedError

    def requests(self) -> list[Request]:
        return [("nft", None, {"commands": self.commands()})]

    def ends(self) -> tuple:
        return ()  # what is added to a table leaves the rest of it standing

    def contradiction(self, now: Snapshot) -> str | None:
        return now.own.rules.problem or self.wrong(now.own.rules)

    def wrong(self, rules: Ruleset) -> str | None:
        """What in *rules* contradicts the claim, or None if it holds."""
        raise NotImplementedError

    def depends(self) -> set:
        """Its facts, each with the table that it is in, and the map or chain."""
        facts: set = {("namespace", None)}
        for fact in self.touches():
            _, _, kind, *path = fact
            facts.update((fact, ("nft", None, "table", *path[:2])))
            if (holder := _HOLDERS.get(kind)) is not None:
                facts.add(("nft", None, holder, *path[:3]))
        return facts
