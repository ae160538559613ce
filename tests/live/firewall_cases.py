"""Firewalls as people and their programs write them, and what becomes of a packet: the cases in firewalls/, for test_firewalls.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "firewalls"

IPTABLES = r"(?<![-\w])iptables"
"""The program, and no setting with its name in it."""

PRELUDE = """
set -e
chain() { # family, hook (@device), priority, policy, type: a table t with a chain c
  F=$1
  nft add table $1 t
  nft "add chain $1 t c { type ${5:-filter} hook ${2/@/ device } priority $3 ; policy ${4:-accept} ; }"
}
rule() { nft "add rule $F t c $*"; }
"""
"""What the cases of nft are typed with."""


@dataclass(frozen=True)
class Case:
    """
    What is *typed* on a *node*, who then asks whom (by TCP at a *port*, else by an echo), and whether it *arrives*.

    *judged*: an explanation has to know it. *also*: what is typed on other nodes, as (node, command).
    """

    typed: str
    source: str
    target: str
    port: int | None
    arrives: bool
    judged: bool
    node: str
    also: tuple[tuple[str, str], ...] = ()

    @property
    def iptables(self) -> bool:
        """Whether it is typed with iptables, and so is to be tried with both kinds."""
        return re.search(IPTABLES, self.typed) is not None


_HEAD = re.compile(
    r"(?P<name>.+): (?P<source>\S+) -> (?P<target>\S+?)(?: tcp (?P<port>\d+))? (?P<end>arrives|stopped)"
    r"(?P<unsure> \(unsure\))?(?: \[(?P<node>\w+)\])?"
)


def cases(name: str) -> dict[str, Case]:
    """The cases of one file."""
    found: dict[str, Case] = {}
    typed = ""
    for block in (FOLDER / f"{name}.txt").read_text().split("\n== "):
        head, _, body = block.removeprefix("== ").strip().partition("\n")
        has = _HEAD.fullmatch(head)
        assert has, head
        also = tuple(re.findall(r"^\[(\w+)\] (.+)$", body, re.MULTILINE))
        lines = "\n".join(line for line in body.splitlines() if not line.startswith("["))
        typed = typed if lines == "as above" else lines
        port = has["port"] and int(has["port"])
        found[has["name"]] = Case(
            typed, has["source"], has["target"], port, has["end"] == "arrives", not has["unsure"], has["node"] or "node1", also
        )
    return found
