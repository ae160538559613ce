"""The benchmark's own judgement: its aims, its guard, and that nobody is fast by doing less."""

import sys

import pytest

from bench import __main__ as bench
from bench.aims import AIMS, BUILT, VERIFIED, C
from bench.contenders import Contender

ALL = dict.fromkeys(("mesh", "pingall", "memory", "memory per Pod", "open", "import", "close"), 1.0)
ALL |= {f"big: {part}": 1.0 for part in ("open", "build", "check")}
ALL |= {f"200: {name}": 1.0 for name in (C, BUILT, VERIFIED)} | {f"330: {C}": 1.0, f"330: {VERIFIED}": 1.0}
ALL |= {f"{pods}: {VERIFIED}": pods / 1000 for pods in (25, 250)}


def test_an_aim_is_measured_or_says_that_it_was_not():
    text = bench.report({name: [value] * 3 for name, value in ALL.items()})
    reached, missed, untried = _tables(text)
    assert [row.partition(": faster than ")[2].partition(" |")[0] for row in untried] == ["the shell script", "the CNI plugins", "Mininet"]
    assert "| 200 Pods on one node, built, against the C program | ≤ 1.1 × | 1.00 × |" in reached
    slow = bench.report({name: [value * (2 if VERIFIED in name else 1)] for name, value in ALL.items()})
    reached, missed, untried = _tables(slow)
    assert "| 200 Pods on one node, built and verified, against the C program's build | ≤ 1.3 × | 2.00 × |" in missed
    assert "| cost of a Pod, 250 on a node against 25 | ≤ 1.3 × | 1.00 × |" in reached


def _tables(text):
    """The rows under "reached", "missed" and "not measured", in that order; none where there is no such table."""
    at = {}
    for part in text.split("\n\n"):
        heading, _, *rows = part.splitlines()
        at[heading.strip("| ").partition(" | ")[0]] = rows
    order = [name for name in at if name in ("reached", "missed", "not measured")]
    assert order == [name for name in ("reached", "missed", "not measured") if name in at]
    return [at.get(name, []) for name in ("reached", "missed", "not measured")]


def test_every_aim_can_be_missed():
    for aim in AIMS:
        assert aim.measure({}) is None
        assert aim.holds(1e-9) != aim.holds(1e12)


@pytest.mark.parametrize(("ours", "worst"), [(1.0, 0), (2.3, 1), (2.7, 2)])
def test_the_guard_fails_at_half_the_speed(monkeypatch, capsys, ours, worst):
    class Fake:
        def __init__(self, name):
            self.name = name

        def missing(self):
            return None

        def run(self, nodes, pods):
            return 1.0 if self.name == C else ours

    monkeypatch.setattr(bench, "contenders", lambda program: [Fake(name) for name in (C, BUILT, VERIFIED)])
    monkeypatch.setattr(bench, "program", lambda: None)
    assert bench.quick() == worst
    assert f"{ours:.2f} × the C program" in capsys.readouterr().out


def test_the_guard_does_not_pass_without_a_compiler(monkeypatch):
    monkeypatch.setattr(bench, "contenders", lambda program: [])
    monkeypatch.setattr(bench, "program", lambda: None)
    assert bench.quick() == 1


@pytest.mark.parametrize(("says", "words"), [("0.5 5", "counts 5, not 6"), ("0.5", "somebody"), ("", "somebody")])
def test_who_makes_less_or_says_nothing_is_no_contender(monkeypatch, says, words):
    monkeypatch.setattr("bench.contenders.quiet", lambda: None)
    one = Contender("somebody", lambda nodes, pods: [sys.executable, "-c", f"print({says!r})"], own_namespaces=True)
    with pytest.raises(RuntimeError, match=words):
        one.run(2, 3)
    same = Contender("somebody", lambda nodes, pods: [sys.executable, "-c", "print(0.5, 6)"], own_namespaces=True)
    assert same.run(2, 3) == 0.5
