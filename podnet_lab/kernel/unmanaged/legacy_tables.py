"""
Rules of the programs that are older than nftables ("legacy"), as each program tells them.

A table is there once somebody has looked at it, and stays: empty ones say nothing. A program is only run where there is one.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

from podnet_lab.kernel.programs import Missing, run
from podnet_lab.kernel.unmanaged.base import Kind, Look

SAVING = {"iptables-legacy": "ip_tables_names", "ip6tables-legacy": "ip6_tables_names"}
"""Each program that has a -save and a -restore, and the list of this namespace's tables below /proc/net."""

ARPTABLES, EBTABLES = "arptables-legacy", "ebtables-legacy"
"""Those of Debian that have none of their own; a kernel without their tables has none of these lists, and modules."""

EBTABLE_MODULES = "/sys/module/ebtable_"
EMPTYING = {
    ARPTABLES: {"filter": (("-F",), ("-X",), *(("-P", chain, "ACCEPT") for chain in ("INPUT", "OUTPUT", "FORWARD")))},
    EBTABLES: {table: (("-t", table, "--init-table"),) for table in ("filter", "nat", "broute")},
}
_COUNTERS = re.compile(r"\[\d+:\d+\]")


class LegacyTables(Kind):
    """The rules of each such program, as text."""

    name = "rules of"

    def read(self, look: Look) -> dict[str, Any]:
        found = {program: _saved(program) for program, names in SAVING.items() if _listed(names)}
        found |= {ARPTABLES: _told(ARPTABLES, "filter")} if _listed("arp_tables_names") else {}
        there = [table for table in EMPTYING[EBTABLES] if os.path.isdir(EBTABLE_MODULES + table)]
        found |= {EBTABLES: "".join(_told(EBTABLES, table) for table in there)} if there else {}
        return {program: rules for program, rules in found.items() if rules}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        for program in (program for program in now.keys() | then.keys() if now.get(program) != then.get(program)):
            with suppress(Missing, OSError):
                words += _restored(program, now.get(program, ""), then.get(program, ""))
        return words

    def words(self, key: str, value: Any) -> str:
        return f"{self.name} {key} ({value.count('-j ')})"


def _restored(program: str, now: str, then: str) -> list[str]:
    if program in SAVING:
        done = run(f"{program}-restore", given=_emptied(now) + then).returncode == 0
        return [f"{program}-restore ({'as it was' if then else 'none of its rules'})"] if done else []
    commands = [(program, *words) for table in EMPTYING[program].values() for words in table]
    return [" ".join(words) for words in commands if run(*words).returncode == 0 and not then]


def _listed(name: str) -> str:
    try:
        with open(f"/proc/thread-self/net/{name}") as file:
            return file.read()
    except OSError:
        return ""


def _saved(program: str) -> str:
    """Its rules without comments and counters; "" if there is none, and every chain of the kernel's own accepts."""
    try:
        saved = run(f"{program}-save").stdout
    except (Missing, OSError) as problem:
        return str(problem)
    lines = [_COUNTERS.sub("[0:0]", line) for line in saved.splitlines() if line and not line.startswith("#")]
    plain = all(line.startswith("*") or line == "COMMIT" or (line.startswith(":") and " ACCEPT" in line) for line in lines)
    return "" if plain else "\n".join([*lines, ""])


def _emptied(saved: str) -> str:
    """What brings back each table of *saved* to none but the kernel's own chains, all of which accept."""
    lines = [line for line in saved.splitlines() if not line.startswith("-")]
    own = [line for line in lines if not (line.startswith(":") and line.split()[1] == "-")]
    return "\n".join([*(re.sub(r"^(:\S+) \S+", r"\1 ACCEPT", line) for line in own), ""])


def _told(program: str, table: str) -> str:
    """What it lists of a table; "" if it has no rule and no chain of somebody's own, and every chain accepts."""
    try:
        listed = run(program, "-t", table, "-L").stdout
    except (Missing, OSError) as problem:
        return str(problem)
    rules = [line for line in listed.splitlines() if line and not line.startswith("Bridge table")]
    plain = all("policy ACCEPT" in line or "policy: ACCEPT" in line for line in rules)
    return "" if plain else listed
