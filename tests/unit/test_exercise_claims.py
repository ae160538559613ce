"""What exercises claim, on clusters without a kernel: each claim holds of the lesson's, and fails for what contradicts it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import world

from podnet_lab.checks.check import Check
from podnet_lab.checks.exam import judge_exam
from podnet_lab.checks.reachability import Endpoint, Matrix, Ping, Verdict
from podnet_lab.devices import link
from podnet_lab.exercises.claims import Untested, answers, exam, name_for_ping, reaches, rules_with, straight, unreached
from podnet_lab.exercises.mended_cluster import unchanged
from podnet_lab.model import Ipv4Conf, Namespace, PolicyRule
from podnet_lab.model.nftables import Ruleset
from podnet_lab.plan import plan
from podnet_lab.steps import address, forwarding, neighbour, route

PLAN = plan(3, 2)
WIRED = world.wired(PLAN)
DROPS = Ruleset({("table", "ip", "t"): {}, ("chain", "ip", "t", "c"): {"hook": "forward", "policy": "drop"}})
MASKS = Ruleset({("chain", "ip", "t", "c"): {"hook": "postrouting"}}, {("ip", "t", "c"): ([{"masquerade": None}],)})


def first(cluster):
    return next((one.claim for one in unchanged(cluster, PLAN) if not one), None)


def with_space(name, pod=None, **more):
    node = WIRED[name]
    return {**WIRED, name: replace(node, spaces={**node.spaces, pod: replace(node.spaces[pod], **more)})}


def test_a_wired_cluster_is_as_it_was():
    assert all(unchanged(WIRED, PLAN))
    assert len(list(unchanged(WIRED, PLAN))) == 12


@pytest.mark.parametrize(
    ("node", "steps", "claim"),
    [
        ("node1", [forwarding.off()], "stage 'route'"),
        ("node2", [link.down("veth-2-2", "pod-2-2")], "stage 'addr'"),
        (
            "node1",
            [route.remove("10.244.2.0/24", "192.168.1.12"), *(route.add(f"10.244.2.{n}", "192.168.1.12") for n in (2, 3))],
            "straight",
        ),
        ("node1", [address.add("10.244.1.254/24", dev="v-net-0")], "one address each"),
        ("node1", [address.add("192.168.1.254/24", dev="eth0")], "one address each"),
        ("node1", [route.add("10.244.2.2/32", via="192.168.1.12")], "no route to a single address"),
        ("node1", [route.add("10.244.2.0/24", via="10.244.1.1", namespace="pod-1-2")], "its default route"),
        ("node1", [neighbour.add("10.244.1.3", "02:00:00:00:00:03", dev="veth-1-2", namespace="pod-1-2")], "written by hand"),
    ],
)
def test_what_only_makes_up_for_a_fault_is_seen(node, steps, claim):
    assert claim in first(world.change(WIRED, node, *steps))


def test_what_a_vm_has_of_its_own_makes_up_for_nothing():
    assert all(unchanged(world.change(WIRED, "node1", route.add("169.254.1.1/32", dev="eth0")), PLAN))


@pytest.mark.parametrize(
    ("cluster", "claim"),
    [
        (with_space("node1", rules=DROPS), "no rule of nftables"),
        (with_space("node1", rules=MASKS), "no rule of nftables"),
        (with_space("node1", conf={**WIRED["node1"].own.conf, "v-net-0": Ipv4Conf(True, proxy_arp=True)}), "ARP for others"),
        (with_space("node1", "pod-1-2", policy=(PolicyRule(5, 100),)), "its default route"),
    ],
)
def test_what_no_step_makes_is_seen_as_well(cluster, claim):
    assert claim in first(cluster)


def test_rules_that_can_not_be_read_are_not_taken_for_none():
    (last,) = [one for one in unchanged(with_space("node1", rules=Ruleset(problem="there is no nft")), PLAN) if not one]
    assert isinstance(last, Untested)


@pytest.mark.parametrize(
    ("steps", "holds"),
    [
        ([], [True, True, True]),
        ([route.remove("10.244.2.0/24", "192.168.1.12")], [False, True, False]),
        ([route.add("10.244.2.0/25", via="192.168.1.13")], [True, False, True]),
        ([route.remove("10.244.2.0/24", "192.168.1.12"), route.add("10.244.0.0/16", via="192.168.1.12")], [True, True, True]),
    ],
)
def test_straight_is_a_route_to_all_of_a_nodes_pods_and_to_the_next(steps, holds):
    assert [bool(one) for one in straight(world.change(WIRED, "node1", *steps), "node1", "node2")] == holds


def test_a_rule_is_found_by_what_it_says_and_where():
    space = Namespace(None, rules=MASKS)
    assert rules_with(space, "masquerade") == rules_with(space, "masquerade", "postrouting") == [[{"masquerade": None}]]
    assert rules_with(space, "masquerade", "prerouting") == rules_with(space, "dnat") == []


def test_a_pod_is_called_by_its_node_too_where_two_have_its_name():
    assert name_for_ping(WIRED, "node1", "pod-1-2") == "pod-1-2"
    twice = {**WIRED, "node9": replace(WIRED["node1"], node="node9")}
    assert name_for_ping(twice, "node1", "pod-1-2") == "node1/pod-1-2"


A, B, C = (Endpoint(name, node, name, (f"10.0.0.{n}",)) for n, (name, node) in enumerate([("a", "node1"), ("b", "node1"), ("c", "node2")]))


def asked(*verdicts):
    """A lab whose matrix has these verdicts, for a → b, a → c, b → c."""
    pairs = zip(((A, B), (A, C), (B, C)), verdicts, strict=True)
    matrix = Matrix(Ping(*pair, verdict, "10.0.0.9", "it is dark") for pair, verdict in pairs)
    return SimpleNamespace(check=lambda: judge_exam(Check("unique"), matrix))


R, N, U = Verdict.REACHED, Verdict.NO_REPLY, Verdict.NOT_TESTED


def test_an_exam_says_who_fails_first_and_why_if_it_may():
    assert all(exam(asked(R, R, R)))
    near, far = list(exam(asked(R, N, R)))[1:]
    assert near
    assert far.problem == "1 of 2 pairs do not; a → c: no reply: it is dark"
    assert list(exam(asked(R, N, R), silent=True))[2].problem == "1 of 2 pairs do not; a → c: no reply"


def test_an_exam_that_could_not_be_taken_was_not_failed():
    assert isinstance(list(exam(asked(R, U, R)))[2], Untested)
    known = list(exam(asked(R, U, N)))[2]
    assert (type(known), known.problem) == (Check, "2 of 2 pairs do not; b → c: no reply: it is dark")


@pytest.mark.parametrize(("verdict", "kind", "holds"), [(R, Check, False), (N, Check, True), (U, Untested, False)])
def test_not_reached_is_proved_by_a_try_alone(verdict, kind, holds):
    lab = SimpleNamespace(ping=lambda *_, expect=True: Ping(A, B, verdict, "10.0.0.9", expected=N if expect is False else R))
    assert (type(unreached(lab, "a", "b")), bool(unreached(lab, "a", "b"))) == (kind, holds)
    assert bool(reaches(lab, "a", "b")) == (verdict is R)


@pytest.mark.parametrize(
    ("problem", "who", "words"),
    [("", "b", None), ("", "c", "c did"), ("", None, "a stranger did"), ("connection refused", None, "connection refused")],
)
def test_an_answer_is_by_whom_it_should_be(problem, who, words):
    lab = SimpleNamespace(ask=lambda *_: (SimpleNamespace(problem=problem, who=who),))
    assert answers(lab, "a", "10.96.0.1:80", "b").problem == words
