"""
The firewalls of one namespace, made of what `podnet_lab.kernel.firewall` read there: nftables, and iptables of both kinds.

Pure. Rules of iptables-nft stand among nftables' own, but `nft` shows of some of their parts the name alone ("xt"): such a
rule is taken from iptables-nft-save. Tables of iptables-legacy are tables beside the others, of the family ip.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from podnet_lab.model import ebtables, iptables
from podnet_lab.model.nftables import ChainKey, Ruleset, devices_of, ruleset
from podnet_lab.model.save_lines import SavedTable, saved_tables

SAVED = {"ip": iptables.statements, "bridge": ebtables.statements}
"""Families whose rules a program of iptables may have made, and who translates them."""

LEGACY = " (iptables-legacy)"
"""Behind the names of iptables-legacy's tables."""


def firewall_rules(data: Mapping[str, Any]) -> Ruleset:
    """
    The Ruleset of what `podnet_lab.kernel.firewall.firewall` read; what of it could not be read is in *unread*.

    What a program lists and nobody here has ever seen makes a Ruleset with a *problem*.
    """
    try:
        rules = _nftables(data)
        objects, chains = dict(rules.objects), dict(rules.rules)
        for name, table in saved_tables(data.get("legacy", "")).items():
            _add_legacy(name, table, objects, chains)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Ruleset(problem=f"its firewall lists something that podnet_lab can't read ({type(error).__name__}: {error})")
    return replace(rules, objects=objects, rules=chains, unread=tuple((family, words) for family, words in data.get("unread", ())))


def _nftables(data: Mapping[str, Any]) -> Ruleset:
    listing = json.loads(data["listing"])["nftables"] if data.get("listing") else []
    rules = ruleset(listing, devices_of(data.get("devices", ())))
    replaced = dict(rules.rules)
    for family, translate in SAVED.items():
        if text := data.get("saved", {}).get(family):
            replaced |= dict(_replaced(rules, family, saved_tables(text), translate))
    return replace(rules, rules=replaced)


def _replaced(rules: Ruleset, family: str, saved: Mapping[str, SavedTable], translate: Callable) -> Iterator[tuple[ChainKey, tuple]]:
    """Chains of which nft does not show everything, with those rules as the saved table has them."""
    for key, listed in rules.rules.items():
        lines = saved[key[1]].rules.get(key[2], []) if key[0] == family and key[1] in saved else []
        if len(lines) == len(listed) and any(_is_hidden(rule) for rule in listed):
            chains = saved[key[1]].rules
            yield (key, tuple(translate(line, chains) if _is_hidden(rule) else rule for rule, line in zip(listed, lines, strict=True)))


def _is_hidden(rule: Sequence[Any]) -> bool:
    return any(not statement or "xt" in statement for statement in rule)


def _add_legacy(name: str, table: SavedTable, objects: dict, chains: dict) -> None:
    where = ("ip", f"{name}{LEGACY}")
    objects["table", *where] = {}
    for chain, rules in iptables.translated(table).items():
        objects["chain", *where, chain] = iptables.base_chain(name, chain, table.policies.get(chain, ""))
        chains[*where, chain] = rules
