"""
Results as plain data, in shapes that stay: what ``podnet … --json`` prints, and what a program may keep. Pure.

Each begins with ``ok``: whether what was asked for holds. docs/command-line.md lists the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from podnet_lab.checks.check import Check
from podnet_lab.checks.reachability import Matrix, Ping
from podnet_lab.explain.explanation import Explanation
from podnet_lab.packets.trace import Trace
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step

Record = dict[str, Any]


def check(one: Check) -> Record:
    """One claim."""
    return {"claim": one.claim, "ok": bool(one), "problem": one.problem}


def checks(found: Iterable[Check]) -> Record:
    """The claims of a stage."""
    every = [check(one) for one in found]
    return {"ok": bool(every) and all(one["ok"] for one in every), "checks": every}


def ping(one: Ping) -> Record:
    """One pair that was tried."""
    pair = {"source": one.source.name, "target": one.target.name}
    return pair | {"verdict": str(one.verdict), "seen_as": one.seen_as, "why": one.why}


def matrix(found: Matrix) -> Record:
    """All pairs that were tried; ``total`` is how many ordered pairs there are."""
    counts = {"reached": found.reached, "pairs": len(found), "total": len(found) if found.total is None else found.total}
    return {"ok": bool(found), **counts, "matrix": [ping(one) for one in found]}


def exam(found) -> Record:
    """The three rules (`podnet_lab.checks.exam.Exam`), and the pairs that do not do what they should."""
    pairs = {key: value for key, value in matrix(found.matrix).items() if key in ("reached", "pairs", "total")}
    failures = [ping(one) for one in found.matrix.failures]
    return {"ok": bool(found), "rules": [check(one) for one in found.rules], **pairs, "failures": failures}


def commands(recipe: Mapping[str, Sequence[Step]]) -> list[Record]:
    """Steps as commands, each with its node."""
    return [{"node": node, "command": step.command} for node, steps in recipe.items() for step in steps]


def explanation(found: Explanation) -> Record:
    """What is in the way from one to another, if anything is seen."""
    obstacle = None
    if (first := found.cause) is not None:
        node, namespace = first.place
        where = {"layer": first.layer, "node": node, "namespace": namespace}
        obstacle = {"text": str(first), **where, "hints": list(first.hints), "repair": commands(found.repair)}
    pair = {"source": found.source, "target": found.target}
    ways = {"there": list(found.there), "back": list(found.back), "arrives": found.arrives or None}
    return {"ok": bool(found), **pair, "obstacle": obstacle, **ways, "unsure": list(dict.fromkeys(found.unsure))}


def trace(found: Trace) -> Record:
    """Every interface at which a packet was seen, in order."""
    return {"ok": found.answered, "headline": found.headline, "lost": found.lost, "hops": found.records}


def result(found: Result) -> Record:
    """What running steps did."""
    outcomes = [
        {"node": one.node, "command": one.step.command, "changed": one.changed, "stands": one.stands, "said": one.said}
        for one in found.outcomes
    ]
    return {"ok": True, "changed": found.changed, "outcomes": outcomes}
