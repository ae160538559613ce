"""While something is to be found out, nothing tells the reason unasked; what was asked for is counted."""

import json
import re

import pytest

from live.fault_cases import OWN, marks
from live.helpers import podnet
from live.lab_facade import inject
from podnet_lab import bridge
from podnet_lab.checks.reachability import UNTOLD
from podnet_lab.exercises import attempts
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.explain.faults import FAULTS
from podnet_lab.networks.registry import LESSON

OFTEN = 12
"""Of so many faults one is tried each time; the others take long, since silence is waited for."""

TRIED = [(LESSON, fault) for fault in FAULTS if not fault.size]
TRIED += [(network, fault) for network, faults in OWN.items() for fault in faults if not fault.size]
EACH = [
    pytest.param(network, one, id=f"{network}-{one.name}", marks=[*marks(one), *([pytest.mark.long] if number % OFTEN else [])])
    for number, (network, one) in enumerate(TRIED)
]


def all_that_is_said(lab, source, target) -> str:
    """What a student sees who tries everything but what is counted as help."""
    exam = lab.check()
    live, matrix = lab.live_topology(), lab.live_matrix(exam.matrix)
    said = [lab.ping(source, target), exam, *exam.matrix.failures]
    if source != target:
        live._do_trace(source, target)
        said.append(live.pane)
    if len({"node" in name for name in (source, target)}) == 1 and source != target:
        matrix._do_pick([source, target])
        said.append(matrix.pane)
    return "\n".join(map(str, said))


def test_nor_is_it_told_by_a_process_that_has_joined_the_lab(wired):
    wired.break_something(fault="the bridge is down", seed=3)
    source, target = wired.broken.pair
    cause = str(wired.explain(source, target).cause)
    said = [podnet(*words).stdout for words in (("matrix",), ("check",), ("check", "--json"), ("matrix", "--json"))]
    assert all("no reply" in one for one in said)
    assert "not answered" in podnet("trace", source, target).stdout
    assert cause not in "".join(said)
    assert said[0].count(UNTOLD) == 1
    assert cause in podnet("explain", source, target).stdout


@pytest.mark.parametrize(("network", "fault"), EACH)
def test_the_cause_of_a_fault_is_not_told(whole, network, fault):
    places = fault_places(whole.everyone(), 0, 0, 1)
    inject(whole, fault, places)
    cause = whole.parts.explainer.explained(*fault.pair(places)).cause
    said = all_that_is_said(whole, *fault.pair(places))
    assert str(cause) not in said
    assert re.sub(r"^.*: ", "", str(cause)) not in said
    if whole.parts.explainer.explained(*fault.pair(places)).cause is None:  # what traffic itself corrects, such as what a tunnel has learnt
        whole.give_up()
        inject(whole, fault, places)
    assert UNTOLD in str(whole.ping(*fault.pair(places)))
    told = whole.parts.explainer.explained(*fault.pair(places)).cause  # asked again: what daemons do goes on meanwhile
    assert str(told) in str(whole.explain(*fault.pair(places))) or fault.takes
    whole.give_up()
    assert UNTOLD not in str(whole.ping(*fault.pair(places), expect=False))


def test_afterwards_reasons_are_told_again(wired):
    wired.break_something(fault="the bridge is down", seed=3)
    source, target = wired.broken.pair
    assert str(wired.ping(source, target)).endswith(f"no reply; {UNTOLD}")
    wired.give_up()
    node = next(node for node in wired if source in node.snapshot().spaces)
    node.shell("ip link set v-net-0 down")
    assert "v-net-0 in" in str(wired.ping(source, target))
    wired.goto("done")
    wired.break_something(fault="the bridge is down", seed=3)
    wired.goto("done")
    node.shell("ip link set v-net-0 down")
    assert "v-net-0 in" in str(wired.ping(source, target)), "goto has mended what was broken"


def mark_of(lab, exercise) -> dict:
    """What `podnet grade` says of an exercise in a lab that runs."""
    marks = json.loads(podnet("grade", "--lab", lab.name, "--json").stdout)["papers"][0]["marks"]
    return next(mark for mark in marks if mark["exercise"] == exercise)


def test_in_an_exercise_too_and_a_teacher_is_told(lab):
    task = lab.exercise("bridge-1")
    lab["node1"].shell("ip netns add a; ip link add a0 type veth peer name eth0 netns a; ip -n a addr add 10.9.9.9/24 dev eth0")
    said = str(lab.ping("a", "node1"))
    assert said.endswith(f"no reply; {UNTOLD}")
    assert not task.check()
    explained = lab.explain("a", "node1")
    assert explained.cause
    assert str(explained.cause) not in said
    lab.explain("a", "node1")
    task.hint()
    record = attempts.read(lab).records["bridge-1"]
    assert (record.explanations, record.hints) == (2, 1)
    mark = mark_of(lab, "bridge-1")
    assert (mark["explanations"], mark["hints"]) == (2, 1)


def test_hints_of_the_lab_count_for_the_exercise_and_its_own_explanations_do_not(lab):
    task = lab.exercise("trouble-1")
    assert lab.hint().endswith("?")
    assert lab.hint()
    assert attempts.read(lab).records["trouble-1"].hints == 2
    task.hint()
    task.check()
    record = attempts.read(lab).records["trouble-1"]
    assert (record.explanations, record.hints) == (0, 2)
    assert not lab.check("veth")
    assert attempts.read(lab).records["trouble-1"].explanations == 1, "a stage's check says what is wrong"
    task.hint(3)
    assert attempts.read(lab).records["trouble-1"].hints == 3


def test_a_mistake_that_was_recognised_is_in_the_mark(lab):
    task = lab.exercise("trouble-4")
    node, pod = re.search(r"(node\d)", lab.fault_hints()[2])[1], re.search(r"-n (pod-\S+)", lab.fault_hints()[2])[1]
    gateway = lab[node].snapshot().own.addresses_of("v-net-0")[0].ip
    lab[node].shell(f"ip -n {pod} route add 10.244.0.0/16 via {gateway}")
    assert task.check().mistake.name == "some of the way"
    mark = mark_of(lab, "trouble-4")
    assert (mark["verdict"], mark["mistake"]) == ("not solved", "some of the way")


def test_no_picture_marks_what_was_broken(wired):
    """What the last run did is marked as new; what was broken since is not among it."""
    wired["node1"].run(bridge.add("br9"))
    assert "br9" in str(wired.topology())
    assert "br9 (bridge)" in wired.live_topology().pane
    wired.break_something(fault="the route to the other node leads astray", seed=3)
    shown, live = wired.topology(), wired.live_topology()
    assert "Changed last" not in live.pane + str(shown)
    assert "192.168.1.254" not in live.pane
    wired.give_up()
