from collections import Counter
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podnet_lab.checks.check import Check
from podnet_lab.checks.exam import judge_exam
from podnet_lab.checks.reachability import MOST_ENTRIES, MOST_IN_A_GRID, Endpoint, Matrix, Ping, Verdict, expectation, grid, waves
from podnet_lab.errors import BadInput, CheckFailed
from podnet_lab.explain.causes_l2 import link_down
from podnet_lab.lab import ping_pairs


def pod(n, host):
    return Endpoint(f"pod-{n}-{host}", f"node{n}", f"pod-{n}-{host}", (f"10.244.{n}.{host}",))


A, B, C = pod(1, 2), pod(1, 3), pod(2, 2)

PINGS = [
    (Ping(A, B, Verdict.REACHED, "10.244.1.2"), True, "ok    pod-1-2 → pod-1-3: reached, and pod-1-3 saw 10.244.1.2"),
    (
        Ping(A, B, Verdict.REACHED, "10.244.1.2", expected=Verdict.NO_REPLY),
        False,
        "FAIL  pod-1-2 → pod-1-3: reached, and pod-1-3 saw 10.244.1.2, and that was not expected",
    ),
    (
        Ping(A, C, Verdict.TRANSLATED, "192.168.1.11"),
        False,
        "FAIL  pod-1-2 → pod-2-2: reached, but pod-2-2 saw 192.168.1.11, not 10.244.1.2",
    ),
    (
        Ping(A, C, Verdict.NO_REPLY, why="node1 has no route"),
        False,
        "FAIL  pod-1-2 → pod-2-2: no reply: node1 has no route",
    ),
    (
        Ping(A, C, Verdict.NO_REPLY, why="node1 has no route", expected=Verdict.NO_REPLY),
        True,
        "ok    pod-1-2 → pod-2-2: no reply yet, as expected: node1 has no route",
    ),
    (
        Ping(A, C, Verdict.NOT_TESTED, why="pod-2-2 has no address", expected=Verdict.NO_REPLY),
        False,
        "FAIL  pod-1-2 → pod-2-2: could not test: pod-2-2 has no address",
    ),
]


@pytest.mark.parametrize(("ping", "fine", "line"), PINGS)
def test_a_ping_is_true_if_it_is_as_expected_and_says_so_in_one_line(ping, fine, line):
    assert bool(ping) is fine
    assert str(ping) == repr(ping) == line


def test_a_required_ping_comes_back_or_raises():
    assert PINGS[0][0].require() is PINGS[0][0]
    with pytest.raises(CheckFailed, match="node1 has no route"):
        PINGS[3][0].require()


@pytest.mark.parametrize(
    ("word", "verdict"),
    [(True, Verdict.REACHED), (False, Verdict.NO_REPLY), ("reached", Verdict.REACHED), ("no reply", Verdict.NO_REPLY)],
)
def test_an_expectation_is_a_word_or_a_truth(word, verdict):
    assert expectation(word) is expectation(verdict) is verdict


@pytest.mark.parametrize("word", ["", "yes", "Reached", "no_reply", None, 1.5, [], 2])
def test_a_word_that_is_no_expectation_is_refused(word):
    with pytest.raises(BadInput, match="expect is one of reached, translated, no reply, denied by policy, could not test"):
        expectation(word)


def test_a_slip_of_an_expectation_is_told_in_words():
    with pytest.raises(BadInput, match=r"; did you mean 'reached'[?]$"):
        expectation("reach")


def full(members, verdict=Verdict.REACHED):
    return Matrix(Ping(a, b, verdict, a.addresses[0]) for a, b in permutations(members, 2))


def test_a_matrix_is_true_only_if_every_pair_is_and_there_is_one():
    assert full([A, B, C])
    assert not Matrix()
    assert not Matrix([*full([A, B]), PINGS[3][0]])
    assert Matrix([*full([A, B]), PINGS[3][0]]).failures == [PINGS[3][0]]


def test_a_matrix_counts_what_was_reached_not_what_was_expected():
    matrix = Matrix([PINGS[0][0], PINGS[4][0]])
    assert matrix
    assert matrix.reached == 1
    assert matrix.summary == "1 of 2 ordered pairs reached, each seen with the sender's own address"


def test_a_matrix_is_a_table_of_who_sends_and_who_hears():
    matrix = Matrix(
        [Ping(A, B, Verdict.REACHED), Ping(B, A, Verdict.NO_REPLY), Ping(A, C, Verdict.TRANSLATED), Ping(C, A, Verdict.NOT_TESTED)]
    )
    assert str(matrix).splitlines() == [
        "         pod-1-2  pod-1-3  pod-2-2",
        "pod-1-2     ·        ✓        ≠",
        "pod-1-3     ✗        ·",
        "pod-2-2     ?                 ·",
        matrix.summary,
    ]


def test_a_table_too_wide_for_a_screen_is_not_printed():
    many = [pod(1, host) for host in range(2, 3 + MOST_IN_A_GRID)]
    assert grid(many, {}) == "(21 × 21: too wide to print)"
    assert len(grid(many[:-1], {}).splitlines()) == MOST_IN_A_GRID + 1


def test_the_exam_needs_a_pair_for_each_rule():
    unique = Check("every Pod has its own unique IP address")
    assert judge_exam(unique, full([A, B, C]))
    assert not judge_exam(unique, full([A, B]))  # nobody on another node
    assert not judge_exam(unique, full([A, C]))  # nobody on the same node
    assert not judge_exam(Check("unique", "10.244.1.2 is there twice"), full([A, B, C]))
    assert not judge_exam(unique, Matrix())


def test_the_exam_names_the_first_pair_that_fails():
    exam = judge_exam(Check("unique"), Matrix([*full([A, B]), PINGS[2][0]]))
    assert [bool(check) for check in exam.rules] == [True, True, False]
    assert "1 of 1 pairs do not, first pod-1-2 → pod-2-2: reached, but pod-2-2 saw 192.168.1.11" in str(exam)


def entries(wave):
    """The neighbour entries that a wave makes, one for each (who writes down, whom): an own count, not the module's."""
    made = set()
    for a, b in wave:
        if a.node == b.node:
            made |= {(a.name, b.name), (b.name, a.name)}
        else:
            made |= {(a.name, a.node), (a.node, a.name), (b.name, b.node), (b.node, b.name), (a.node, b.node), (b.node, a.node)}
    return made


def clusters(most_nodes, most_pods):
    counts = st.lists(st.integers(0, most_pods), min_size=1, max_size=most_nodes)
    return counts.map(lambda each: [pod(n, host) for n, count in enumerate(each, 1) for host in range(2, 2 + count)])


@settings(max_examples=25)
@given(clusters(4, 30), st.randoms(use_true_random=False))
def test_every_pair_is_in_exactly_one_wave_and_no_wave_makes_too_many_entries(members, dice):
    pairs = list(permutations(members, 2))
    dice.shuffle(pairs)
    found = list(waves(pairs))
    assert Counter(pair for wave in found for pair in wave) == Counter(pairs)
    assert all(wave and len(entries(wave)) <= MOST_ENTRIES for wave in found)


def test_waves_stay_small_across_many_nodes():
    members = [pod(n, host) for n in range(1, 31) for host in (2, 3, 4)]
    assert max(len(entries(wave)) for wave in waves(permutations(members, 2))) <= MOST_ENTRIES


def test_no_pairs_make_no_wave():
    assert list(waves([])) == []


def test_a_sample_says_what_it_was_drawn_from():
    ping = Ping(A, B, Verdict.REACHED)
    assert "1 of 1 ordered pairs (drawn from 90) reached" in Matrix.of([ping], 90).summary
    assert "1 of 1 ordered pairs reached" in Matrix.of([ping], 1).summary


@pytest.mark.parametrize(
    ("first", "reason", "patience", "tries"),
    [
        ("silence", None, None, 2),  # slow machines need more than a second for a neighbour's MAC
        ("silence", link_down(("node1", None), "v-net-0"), None, 1),
        ("node1 says network unreachable", None, None, 1),
        ("silence", None, 0.3, 1),  # as asked for
    ],
)
def test_one_pairs_unexplained_silence_is_tried_again_before_it_counts(monkeypatch, first, reason, patience, tries):
    answers = [Ping(A, B, Verdict.NO_REPLY, why=first), Ping(A, B, Verdict.REACHED, "10.244.1.2")]
    asked = []
    monkeypatch.setattr(ping_pairs, "try_pairs", lambda _, pairs, seconds: asked.append(seconds) or [answers[len(asked) - 1]])
    monkeypatch.setattr("podnet_lab.explain.explanation.first_cause", lambda *_: reason)
    found = ping_pairs.one_pair({}, {}, (A, B), patience)
    assert len(asked) == tries
    assert asked[0] == (patience or ping_pairs.PATIENCE)
    assert found.verdict == (Verdict.REACHED if tries == 2 else Verdict.NO_REPLY)
    assert found.why == ("" if tries == 2 else reason or first)


def many(count, addresses):
    return [Endpoint(f"pod-{n}", f"node{n % 2}", f"pod-{n}", addresses(n)) for n in range(count)]


def test_pods_without_an_address_could_not_be_tested_however_many_they_are(monkeypatch):
    """No reply and could not test are different answers; a bound on the slow way must not turn one into the other."""
    pods = many(40, lambda _: ())
    monkeypatch.setattr(ping_pairs, "endpoints", lambda _: {one.name: one for one in pods})
    found = ping_pairs.all_pairs({}, {})
    assert len(found) == 40 * 39 > ping_pairs.MOST_FOR_LONG
    assert {ping.verdict for ping in found} == {Verdict.NOT_TESTED}


def test_pairs_whose_address_is_changed_on_the_way_are_all_told_so_however_many_they_are(monkeypatch):
    """A mesh takes them for silent; what is true of them only the slow way says."""
    pods = many(40, lambda n: (f"10.244.0.{n + 2}",))
    monkeypatch.setattr(ping_pairs, "endpoints", lambda _: {one.name: one for one in pods})
    # Answered, but the target heard nobody of that address. The walk's opinion does not stand in for the kernels'.
    monkeypatch.setattr(ping_pairs.ping_mesh_schedule, "confirmed", lambda _, ends, *__: [bytes([1] * len(ends.all))] * len(ends.all))
    monkeypatch.setattr("podnet_lab.explain.explanation.first_cause", lambda *_: pytest.fail("it was asked before anybody tried"))
    tried = []

    def try_pairs(_, pairs, patience):
        tried.append((len(pairs), patience))
        return [Ping(*pair, Verdict.TRANSLATED, "192.168.1.11") for pair in pairs]

    monkeypatch.setattr(ping_pairs, "try_pairs", try_pairs)
    found = ping_pairs.all_pairs({}, {})
    assert {ping.verdict for ping in found} == {Verdict.TRANSLATED}
    assert tried[0] == (ping_pairs.MOST_FOR_LONG, ping_pairs.LONG_PATIENCE)
    assert sum(count for count, _ in tried) == 40 * 39


def test_two_pods_with_one_address_are_tried_before_anybody_explains_them(monkeypatch):
    pods = many(3, lambda n: ("10.244.0.2",) if n < 2 else ("10.244.0.9",))
    monkeypatch.setattr(ping_pairs, "endpoints", lambda _: {one.name: one for one in pods})
    monkeypatch.setattr(ping_pairs.ping_mesh_schedule, "confirmed", lambda _, ends, *__: [bytes(len(ends.all))] * len(ends.all))
    monkeypatch.setattr("podnet_lab.explain.explanation.first_cause", lambda *_: pytest.fail("it was asked before anybody tried"))
    monkeypatch.setattr(
        ping_pairs, "try_pairs", lambda _, pairs, __: [Ping(*pair, Verdict.REACHED, pair[0].addresses[0]) for pair in pairs]
    )
    assert [ping.verdict for ping in ping_pairs.all_pairs({}, {})] == [Verdict.REACHED] * 6


def test_what_a_policy_denies_is_neither_reached_nor_broken():
    why = "denied by NetworkPolicy default/web: no ingress rule lets 10.244.1.2 in to 10.244.1.3 (ICMP)"
    denied, reached = Ping(A, B, Verdict.DENIED, why=why), Ping(B, A, Verdict.REACHED, "10.244.1.3")
    assert not denied
    assert not denied.is_broken
    assert str(denied) == f"FAIL  {A.name} → {B.name}: {why}"
    assert replace(denied, expected=Verdict.NO_REPLY)
    assert replace(denied, expected=Verdict.DENIED)
    assert not replace(reached, expected=Verdict.DENIED)
    matrix = Matrix.of([denied, reached], 2)
    assert matrix
    assert matrix.denied == [denied]
    assert matrix.failures == []
    assert "⊘" in str(matrix)
    assert matrix.summary.endswith("; 1 denied by NetworkPolicy")
    rule = judge_exam(Check("unique"), matrix).rules[1]
    assert rule
    counted = ", where NetworkPolicies let it (1 of 1 allowed pairs reached, 1 denied)"
    assert str(rule) == f"ok    every Pod reaches every other Pod on its node by that address{counted}"
    broken = replace(reached, verdict=Verdict.NO_REPLY, why="node1 is asleep")
    said = str(judge_exam(Check("unique"), Matrix.of([denied, denied, broken, reached], 4)).rules[1])
    assert ", where NetworkPolicies let it (1 of 2 allowed pairs reached, 2 denied)" in said
    assert ": 1 of 2 pairs do not, first pod-1-3 → pod-1-2: no reply: node1 is asleep" in said, "what is denied is not counted as wrong"
    untold = matrix.without_reasons()
    assert not untold, "while something is to be found out, it is a silence as others are"
    assert untold[0].verdict == Verdict.NO_REPLY
    assert "NetworkPolicy" not in f"{untold}{untold[0]}"
