"""What of a network's own table of nftables is not as its stage writes it: chains, where they are attached, and each rule. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podnet_lab.checks.check import Check
from podnet_lab.model import Snapshot
from podnet_lab.model.nft_text import described_text
from podnet_lab.model.nftables import Ruleset
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft.base import FAMILY, Nft

MOST = 3
"""Differences that a check tells; the rest is counted."""


def written(claim: str, node: Snapshot, table: str, steps: Iterable[Step]) -> Check:
    """
    Whether a node's *table* is as *steps* write it, and has no other chain at a hook.

    Rules are compared by what they do: whoever adds a counter, or a log, has changed nothing. Other tables are not asked.
    """
    rules = node.own.rules
    wrong = [rules.problem] if rules.problem else list(dict.fromkeys(_differences(rules, table, steps)))
    more = [f"and {len(wrong) - MOST} more"] if len(wrong) > MOST else []
    return Check(claim, "; ".join([*wrong[:MOST], *more]) or None)


def _differences(rules: Ruleset, table: str, steps: Iterable[Step]) -> Iterator[str]:
    known = set()
    for step in (step for step in steps if isinstance(step, Nft)):
        known |= {key[2:] for key in step.touches()}
        if (words := step.wrong(rules)) is None:
            continue
        yield f"chain {words}" if any(key[2] == "rules" for key in step.touches()) and not words.startswith("no ") else words
        if words.startswith("no table"):
            return
    for key, described in rules.objects.items():
        if key[:3] == ("chain", FAMILY, table) and "hook" in described and key not in known:
            yield f"chain {key[3]} should not be there: it is {described_text('chain', described)}"
