"""
What nodes' nftables have that NetworkPolicies do not say, or have not and they do: a rule typed by hand, a chain that was flushed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json import dumps

from podnet_lab.model.nftables import Ruleset
from podnet_lab.policies.compile import cluster_steps
from podnet_lab.policies.names import TABLE
from podnet_lab.policies.objects import PolicyCluster
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft.base import FAMILY, Nft
from podnet_lab.steps.nft.objects import Remove
from podnet_lab.steps.nft.rules import Transaction

Differences = Mapping[str, tuple[str, ...]]
"""By node, what is different there; a node without differences is not in it."""

_WITHIN = {"rules": "chain", "members": "set", "element": "map"}
"""What the kernel keeps a kind of fact in: the words of such a step begin with that one's name."""


def differences(cluster: PolicyCluster, rules: Mapping[str, Ruleset]) -> Differences:
    """What on which node is not as *cluster*'s policies say; *rules* are the nodes' nftables."""
    steps = cluster_steps(cluster, rules, dict.fromkeys(rules, False))
    found = {node: _differences(steps[node], now) for node, now in rules.items()}
    return {node: words for node, words in found.items() if words}


def tables(rules: Mapping[str, Ruleset]) -> dict[str, int]:
    """The nodes that have the table of NetworkPolicies, whoever made it, and how many objects are in it."""
    sizes = {node: sum(key[1:3] == (FAMILY, TABLE) for key in now.objects) for node, now in rules.items()}
    return {node: size for node, size in sizes.items() if size}


MAY_STOP = ("drop", "reject", "queue", "text", "xt")
"""Statements after which a packet may not go on; of the last two nft does not say what they are."""


def beside(rules: Mapping[str, Ruleset]) -> Differences:
    """By node, in words, which tables of others may keep a packet from its way: they are no NetworkPolicies."""
    found = {}
    for node, now in rules.items():
        if there := [" ".join(table) for table in now.tables if table != (FAMILY, TABLE) and _may_drop(now, table)]:
            found[node] = (f"{node} has other rules that may drop it, in the table {' and '.join(there)}",)
    return found


def _may_drop(rules: Ruleset, table: tuple[str, str]) -> bool:
    objects, chains = rules.table(*table)
    described = [value for key, value in objects.items() if key[0] == "chain"]
    if rules.is_dormant(table) or not any("hook" in chain for chain in described):
        return False
    listed = dumps(list(chains.values()))
    says_drop = "drop" in [chain.get("policy") for chain in described] or "drop" in objects.values()
    return says_drop or any(f'"{statement}"' in listed for statement in MAY_STOP)


def _differences(steps: Sequence[Step], rules: Ruleset) -> tuple[str, ...]:
    if rules.problem:
        return (rules.problem,)
    if ("table", FAMILY, TABLE) not in rules.objects:
        return (f"no table is called {TABLE}",)
    wrong = ((step, step.wrong(rules)) for step in _single(steps))
    return tuple(dict.fromkeys(_in_words(step, words) for step, words in wrong if words is not None))


def _single(steps: Iterable[Step]) -> Iterable[Nft]:
    for step in steps:
        if isinstance(step, Transaction):
            yield from _single(step.steps)
        elif isinstance(step, Nft):
            yield step


def _in_words(step: Nft, words: str) -> str:
    if isinstance(step, Remove):
        return f"{step.kind} {step.name} is of none of them"
    kind = _WITHIN.get(step.touches()[0][2], "")
    return words if not kind or words.startswith(("no ", "the ")) else f"{kind} {words}"
