"""While something is to be found out, nothing tells the reason unasked; what was asked for is counted."""

import json
import re

import pytest

from live.helpers import podnet
from live.lab_facade import inject
from podnet_lab.checks.reachability import UNTOLD
from podnet_lab.exercises import attempts
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.explain.faults import FAULTS

EACH = [pytest.param(one, id=one.name, marks=[pytest.mark.nft] if "nft" in one.needs else []) for one in FAULTS if not one.size]


def all_that_is_said(lab, source, target) -> str:
    """What a student sees who tries everything but what is counted as help."""
    live, matrix = lab.live_topology(), lab.live_matrix()
    live._do_trace(source, target) if source != target else None
    matrix._do_pick([source, target]) if source != target and "node" not in target else None
    said = [lab.ping(source, target), lab.matrix(), lab.check(), lab.trace(source, target, patience=0.3), live.pane, matrix.pane]
    said += [podnet(*words).stdout for words in (("ping", source, target), ("matrix",), ("check",), ("check", "--json"))]
    return "\n".join(map(str, said))


@pytest.mark.parametrize("fault", EACH)
def test_the_cause_of_a_fault_is_not_told(wired, fault):
    places = fault_places(wired.everyone(), 0, 0, 1)
    inject(wired, fault, places)
    cause = wired.parts.observer.explained(*fault.pair(places)).cause
    said = all_that_is_said(wired, *fault.pair(places))
    assert str(cause) not in said
    assert re.sub(r"^.*: ", "", str(cause)) not in said
    assert UNTOLD in str(wired.ping(*fault.pair(places)))
    assert str(cause) in str(wired.explain(*fault.pair(places)))
    wired.give_up()
    assert UNTOLD not in str(wired.ping(*fault.pair(places), expect=False))


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


def test_in_an_exercise_too_and_a_teacher_is_told(lab):
    task = lab.exercise("bridge-1")
    lab.goto  # noqa: B018 - an exercise ends with it
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
    (mark,) = json.loads(podnet("grade", "--json").stdout)["papers"][0]["marks"]
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
    assert not lab.check("bridge")
    assert attempts.read(lab).records["trouble-1"].explanations == 1, "a stage's check says what is wrong"
    task.hint(3)
    assert attempts.read(lab).records["trouble-1"].hints == 3


def test_a_mistake_that_was_recognised_is_in_the_mark(lab):
    task = lab.exercise("trouble-4")
    node, pod = re.search(r"(node\d)", lab.fault_hints()[2])[1], re.search(r"-n (pod-\S+)", lab.fault_hints()[2])[1]
    lab[node].shell(
        f"ip -n {pod} route add 10.244.0.0/16 via $(ip -n {pod} -4 -o addr show scope global | sed -E 's/.*inet ([0-9.]+)\\.[0-9]+.*/\\1.1/')"
    )
    assert task.check().mistake.name == "some of the way"
    (mark,) = json.loads(podnet("grade", "--json").stdout)["papers"][0]["marks"]
    assert (mark["verdict"], mark["mistake"]) == ("not solved", "some of the way")
