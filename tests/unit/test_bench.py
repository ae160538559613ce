"""The benchmark's own judgement: its aims, its guard, and that nobody is fast by doing less."""

import sys

import pytest

from bench import __main__ as bench
from bench.aims import AIMS, BATCHED, BRIDGE_PLUGIN, BUILT, PLUGIN, SNAPSHOT, STEP, THERE, TRACE, VERIFIED, C
from bench.contenders import Contender

ALL = dict.fromkeys(("mesh", "pingall", "memory", "memory per Pod", "open", "import", "close"), 1.0)
ALL |= {STEP: 0.02, SNAPSHOT: 0.05, TRACE: 0.4}
ALL |= {f"big: {part}": 1.0 for part in ("open", "build", "check")}
ALL |= {f"policies: {part}": 1.0 for part in ("compile", "apply", "switch")}
ALL |= {f"200: {name}": 1.0 for name in (C, BUILT, VERIFIED)} | {f"330: {C}": 1.0, f"330: {VERIFIED}": 1.0}
ALL |= {f"one {verb}: {who}{there}": 1.0 for verb in ("ADD", "DEL") for who in (PLUGIN, BRIDGE_PLUGIN) for there in ("", THERE)}
ALL |= {f"{pods}: {VERIFIED}": pods / 1000 for pods in (25, 250)}


def test_an_aim_is_measured_or_says_that_it_was_not():
    text = bench.report({name: [value] * 3 for name, value in ALL.items()})
    reached, missed, untried = _tables(text)
    assert [row.partition(": faster than ")[2].partition(" |")[0] for row in untried] == ["the shell script", "the CNI plugins", "Mininet"]
    assert "| 200 Pods on one node, built, against the C program | ≤ 1.05 × | 1.00 × |" in reached
    assert "| a snapshot of 330 Pods | ≤ 50 ms | 50.0 ms |" in reached
    assert "| one step in a lab of 330 Pods | ≤ 15 ms | 20.0 ms |" in missed
    slow = bench.report({name: [value * (2 if VERIFIED in name else 1)] for name, value in ALL.items()})
    reached, missed, untried = _tables(slow)
    assert "| 200 Pods on one node, built and verified, against the C program's build | ≤ 1.15 × | 2.00 × |" in missed
    assert "| the same on a node with 100 Pods | ≤ 0.5 × | 1.00 × |" in missed
    assert "| one ADD: podnet-cni | 1000.0 ms |" in slow
    assert "| cost of a Pod, 250 on a node against 25 | ≤ 1.3 × | 1.00 × |" in reached


def test_the_batched_program_stands_beside_and_decides_nothing():
    one, other = AIMS[0], {f"200: {C}": 1.0, f"200: {BUILT}": 1.0}
    assert one.measured(other) == "1.00 ×"
    other[f"200: {BATCHED}"] = 0.5
    assert one.measured(other) == "1.00 × (2.00 × the batched one)"
    assert one.holds(one.measure(other))
    assert one.measured({f"200: {BATCHED}": 0.5, f"200: {BUILT}": 1.0}) == "", "an aim is a ratio to the other"
    assert [aim.aim for aim in AIMS if aim.batched(dict.fromkeys(ALL, 1.0) | {f"{pods}: {BATCHED}": 1.0 for pods in (200, 330)})] == [
        "≤ 1.05 ×",
        "≤ 1.15 ×",
        "≤ 1.05 ×",
    ]


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


def test_a_part_is_measured_anew_and_the_rest_of_the_run_is_kept(monkeypatch, tmp_path, capsys):
    old = {"open": [0.25], "network flannel: wire": [1.0], "network gone: wire": [2.0], "growth 1 × 20: podnet_lab, built": [3.0]}
    bench.store(tmp_path, old)
    monkeypatch.setattr(bench, "figures", lambda module, *words: {f"network {module}: wire": [148.0] * int(words[-1])})
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "networks", "--rounds", "9", "--out", str(tmp_path)])
    assert bench.main() == 0
    kept = {name: old[name] for name in ("open", "growth 1 × 20: podnet_lab, built")}
    assert bench.stored(tmp_path) == kept | {"network networks: wire": [148.0] * 3}
    assert "| networks | | | | | 148 |" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "growth"])
    with pytest.raises(SystemExit, match="--out FOLDER"):
        bench.main()
