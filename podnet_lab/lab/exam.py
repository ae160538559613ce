"""The exam: what Kubernetes expects of a Pod network, each rule with its verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.checks import Check, Checks
from podnet_lab.reach import Matrix, Ping


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


def rules(unique: Check, matrix: Matrix) -> Exam:
    """Judge the three rules; a rule for which there was no pair to try does not hold."""
    near = [ping for ping in matrix if ping.source.node == ping.target.node]
    far = [ping for ping in matrix if ping.source.node != ping.target.node]
    return Exam(
        Checks(
            [
                unique,
                _rule("every Pod reaches every other Pod on its node by that address", near),
                _rule("every Pod reaches every Pod on every other node by that same address, untranslated", far),
            ]
        ),
        matrix,
    )


def _rule(claim: str, pings: list[Ping]) -> Check:
    wrong = [ping for ping in pings if not ping]
    if not pings:
        return Check(claim, "there is no such pair")
    first = str(wrong[0]).removeprefix("FAIL").strip() if wrong else ""
    return Check(claim, f"{len(wrong)} of {len(pings)} pairs do not, first {first}" if wrong else None)
