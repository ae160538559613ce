"""The exam: what Kubernetes expects of a Pod network, each rule with its verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.reachability import Matrix, Ping, Verdict


@dataclass(frozen=True)
class Exam:
    """Three rules, and the matrix that two of them are judged by; true if all hold."""

    rules: Checks
    matrix: Matrix

    def __bool__(self) -> bool:
        return bool(self.rules)

    def __str__(self) -> str:
        return f"{self.rules}\n\n{self.matrix}"

    __repr__ = __str__


def judge_exam(unique: Check, matrix: Matrix) -> Exam:
    """Judge the three rules; a rule for which there was no pair to try does not hold."""
    near = [ping for ping in matrix if ping.source.node == ping.target.node]
    far = [ping for ping in matrix if ping.source.node != ping.target.node]
    none = "there is no such pair" if matrix.total in (None, len(matrix)) else "no such pair was drawn: a sample of more may have one"
    return Exam(
        Checks(
            [
                unique,
                _rule("every Pod reaches every other Pod on its node by that address", near, none),
                _rule("every Pod reaches every Pod on every other node by that same address, untranslated", far, none),
            ]
        ),
        matrix,
    )


def _rule(claim: str, pings: list[Ping], none: str) -> Check:
    if not pings:
        return Check(claim, none)
    failed = [ping for ping in pings if ping.is_broken]
    first = str(replace(failed[0], untold=False)).removeprefix("FAIL").strip() if failed else ""
    problem = f"{len(failed)} of {len(allowed(pings))} pairs do not, first {first}" if failed else None
    return Check(claim + _where_allowed(pings), problem)


def allowed(pings: list[Ping]) -> list[Ping]:
    """The pairs that no NetworkPolicy denies: those that a rule is about."""
    return [ping for ping in pings if ping.verdict != Verdict.DENIED]


def _where_allowed(pings: list[Ping]) -> str:
    """How many pairs are let reach each other, and do, and how many are not let; nothing where all are."""
    may = allowed(pings)
    if not (denied := len(pings) - len(may)):
        return ""
    reached = sum(ping.verdict == Verdict.REACHED for ping in may)
    return f", where NetworkPolicies let it ({reached} of {len(may)} allowed pairs reached, {denied} denied)"
