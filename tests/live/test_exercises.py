"""Every exercise of the lesson, played: untouched it fails, solved it holds, and each mistake is met with its own hint."""

import pytest

from live.helpers import everything
from podnet_lab.errors import BadInput, LabError, StepError
from podnet_lab.exercises import Check, Exercise, Mistake, Untested, attempts
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.solution import Solution, played, prove
from podnet_lab.exercises.solutions import SOLUTIONS

EACH = [pytest.param(name, marks=[pytest.mark.nft] if "nft" in one.needs else []) for name, one in EXERCISES.items()]


@pytest.mark.parametrize("name", EACH)
def test_an_exercise_is_proved(lab, name):
    before = everything(lab)
    claims = list(prove(lab, EXERCISES[name], SOLUTIONS[name]))
    untested = [claim for claim in claims if isinstance(claim, Untested)]

    assert [claim for claim in claims if not claim and claim not in untested] == []
    assert len(claims) >= 3
    lab.reset()
    assert everything(lab) == before
    if untested:
        pytest.skip("; ".join(f"{one.claim}: {one.problem}" for one in untested))


def test_a_proof_can_fail(lab):
    never = Exercise("x-1", "t", "t", lambda _: [Check("never", "no")], ("a", "b", "c"), (Mistake("m", lambda _: True, "h"),))
    always = Exercise("x-2", "t", "t", lambda _: [Check("always")], ("a", "b", "c"), (Mistake("m", lambda _: False, "h"),))
    solution = Solution(right={"any": {}}, wrong={"m": {}})

    assert [bool(claim) for claim in prove(lab, never, solution)] == [False, False, True]
    assert [bool(claim) for claim in prove(lab, always, solution)] == [False, True, False]
    with pytest.raises(BadInput, match="no right answer"):
        list(prove(lab, never, Solution(right={}, wrong={"m": {}})))
    with pytest.raises(BadInput, match="no wrong answer and no mistake"):
        list(prove(lab, never, Solution(right={"any": {}})))


def test_what_was_tried_is_kept_in_the_lab_and_begins_anew(lab):
    task = lab.exercise("bridge-2")
    assert not task.check()
    assert [task.hint(), task.hint(3), task.hint()] == [EXERCISES["bridge-2"].hints[0], *[EXERCISES["bridge-2"].hints[2]] * 2]
    lab["node1"].shell(SOLUTIONS["bridge-2"].right["two halves"]["node1"])
    assert task.check()
    kept = attempts.read(lab).records["bridge-2"]
    assert (kept.verdict, kept.tries, kept.hints) == ("solved", 2, 3)

    lab.exercise("bridge-2")
    assert attempts.read(lab).records["bridge-2"] == attempts.Record()


def test_an_exercise_ends_when_another_one_begins(lab):
    first = lab.exercise("bridge-2")
    lab.exercise("namespaces-1")
    with pytest.raises(LabError, match=r"is at 'namespaces-1' by now; lab.exercise\('bridge-2'\)"):
        first.check()


def test_an_exercise_ends_when_the_lab_goes_elsewhere_and_keeps_what_was_reached(lab):
    """Where goto leads is nobody's answer, even if it is the right one."""
    task = lab.exercise("route-3")
    lab["node1"].shell(SOLUTIONS["route-3"].right["the long one deleted"]["node1"])
    assert task.check()
    for leave in (lambda: lab.goto("done"), lab.reset):
        task = lab.exercise("addr-2")
        leave()
        with pytest.raises(LabError, match="the lab has left this exercise"):
            task.check()
        assert attempts.read(lab).at == ""
        assert attempts.read(lab).records["route-3"].verdict == "solved"


def test_building_the_plan_is_no_answer_to_another_task(lab):
    for name in ("bridge-1", "bridge-2", "veth-1", "veth-2", "addr-1", "route-1", "route-2"):
        task = lab.exercise(name)
        try:
            lab.build()
        except StepError:  # something else is there already
            continue
        assert not task.check(), name


def test_records_that_somebody_has_scribbled_over_are_no_records(lab):
    task = lab.exercise("bridge-2")
    lab["outside"].shell(f"echo '[1]' > {attempts.FILE}")
    assert attempts.read(lab) == attempts.Records()
    with pytest.raises(LabError, match="has left this exercise"):
        task.check()


def test_who_gives_up_has_not_solved_it(lab):
    """The kernels look the same; whoever asks in the same process can tell."""
    task = lab.exercise("trouble-4")
    lab.give_up()
    assert not task.check()
    assert "begins again" in task.check().why
    assert attempts.read(lab).records["trouble-4"].given_up


def test_there_is_no_such_exercise(lab):
    with pytest.raises(BadInput, match="no exercise is called 'bridge-9'; there are namespaces-1"):
        lab.exercise("bridge-9")
    with pytest.raises(BadInput, match="hints 1, 2 and 3"):
        lab.exercise("bridge-2").hint(4)


def test_an_answer_by_steps_counts_like_one_by_hand(lab):
    from podnet_lab import address, bridge, link

    task = lab.exercise("bridge-1")
    lab["node2"].run(bridge.add("b"), link.up("b"), address.add("10.244.32.1/23", dev="b"))
    assert task.check()


def test_a_check_that_can_not_ask_says_so_and_does_not_pass(lab):
    def asks_nobody(lab):
        yield Check("something holds")
        lab.ping("nobody", "nobody else")

    found = played(lab, Exercise("x-1", "t", "t", asks_nobody, ("a", "b", "c")), {})
    assert not found
    assert found.verdict == "could not test"
    assert "no Pod or node is called 'nobody'" in found.why
