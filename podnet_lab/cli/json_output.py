"""
Results as plain data, in shapes that stay: what ``podnet … --json`` prints, and what a program may keep. Pure.

Each begins with ``ok``: whether what was asked for holds. docs/command-line.md lists the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podnet_lab.checks.check import Check
    from podnet_lab.checks.reachability import Matrix, Ping
    from podnet_lab.explain.explanation import Explanation
    from podnet_lab.packets.trace import Trace
    from podnet_lab.recipes.by_hand import ByHand
    from podnet_lab.recipes.results import Result
    from podnet_lab.steps.base import Step

Record = dict[str, Any]


def check(claim: Check) -> Record:
    """One claim."""
    return {"claim": claim.claim, "ok": bool(claim), "problem": claim.problem}


def checks(claims: Iterable[Check]) -> Record:
    """The claims of a stage."""
    every = [check(claim) for claim in claims]
    return {"ok": bool(every) and all(record["ok"] for record in every), "checks": every}


def ping(ping: Ping) -> Record:
    """One pair that was tried."""
    pair = {"source": ping.source.name, "target": ping.target.name}
    return pair | {"verdict": str(ping.verdict), "seen_as": ping.seen_as, "why": ping.why}


def matrix(matrix: Matrix) -> Record:
    """All pairs that were tried; ``total`` is how many ordered pairs there are."""
    counts = {"reached": matrix.reached, "pairs": len(matrix), "total": len(matrix) if matrix.total is None else matrix.total}
    return {"ok": bool(matrix), **counts, "matrix": [ping(pair) for pair in matrix]}


def exam(exam) -> Record:
    """The three rules (`podnet_lab.checks.exam.Exam`), and the pairs that are not as expected."""
    pairs = {key: value for key, value in matrix(exam.matrix).items() if key in ("reached", "pairs", "total")}
    failures = [ping(pair) for pair in exam.matrix.failures]
    return {"ok": bool(exam), "rules": [check(rule) for rule in exam.rules], **pairs, "failures": failures}


def commands(recipe: Mapping[str, Sequence[Step]]) -> list[Record]:
    """Steps as commands, each with its node."""
    return [{"node": node, "command": step.command} for node, steps in recipe.items() for step in steps]


def explanation(explanation: Explanation) -> Record:
    """The first cause that stops a packet from source to target, if any is seen, and the path; docs call the cause ``obstacle``."""
    obstacle = None
    if (first := explanation.cause) is not None:
        node, namespace = first.place
        where = {"layer": first.layer, "node": node, "namespace": namespace}
        obstacle = {"text": str(first), **where, "hints": list(first.hints), "repair": commands(explanation.repair)}
    pair = {"source": explanation.source, "target": explanation.target}
    ways = {"there": list(explanation.there), "back": list(explanation.back), "arrives": explanation.arrives or None}
    unsure = {"unsure": list(dict.fromkeys(explanation.unsure)), "suspect": str(explanation.suspect) if explanation.suspect else None}
    return {"ok": bool(explanation), **pair, "obstacle": obstacle, **ways, **unsure, "answered": explanation.answered}


def trace(trace: Trace) -> Record:
    """The hops of a packet, in order."""
    return {"ok": trace.answered, "headline": trace.headline, "lost": trace.lost, "hops": trace.records}


def by_hand(typed: ByHand) -> Record:
    """Commands that a person would have typed, the way back, and what no step says; ok where they say all."""
    return {"ok": bool(typed), "steps": typed.records, "undo": commands(typed.undo), "unsaid": list(typed.unsaid)}


def result(result: Result) -> Record:
    """The outcomes of a run of steps."""
    outcomes = [
        {"node": outcome.node, "command": outcome.step.command, "changed": outcome.changed, "stands": outcome.stands, "said": outcome.said}
        for outcome in result.outcomes
    ]
    return {"ok": True, "changed": result.changed, "outcomes": outcomes}
