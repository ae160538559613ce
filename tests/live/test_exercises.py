"""Every exercise of the lesson, played: untouched it fails, solved it holds, and each mistake is met with its own hint."""

import pytest

from live.exercise_proofs import assert_proved, exercises_about
from podnet_lab.errors import BadInput, LabError, StepError
from podnet_lab.exercises import Check, Exercise, Mistake, attempts
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.solution import Solution, played, prove
from podnet_lab.exercises.solutions import SOLUTIONS
from podnet_lab.exercises.task import NO_MORE
from podnet_lab.networks.registry import LESSON


@pytest.mark.parametrize("name", exercises_about(LESSON))
def test_an_exercise_is_proved(lab, name):
    assert_proved(lab, name)


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
    assert [task.hint(), task.hint(3), task.hint()] == [EXERCISES["bridge-2"].hints[0], EXERCISES["bridge-2"].hints[2], NO_MORE]
    assert [task.hint(2), task.hint(3), task.hint()] == [*EXERCISES["bridge-2"].hints[1:], NO_MORE]
    lab["node1"].shell(SOLUTIONS["bridge-2"].right["two halves"]["node1"])
    assert task.check()
    kept = attempts.read(lab).records["bridge-2"]
    assert (kept.verdict, kept.tries, kept.hints) == ("solved", 2, 3)

    lab.exercise("bridge-2")
    assert attempts.read(lab).records["bridge-2"] == attempts.Record()


def test_the_third_hint_says_what_a_wrong_answer_has_put_in_its_way(lab):
    task = lab.exercise("bridge-2")
    command, mistake = EXERCISES["bridge-2"].hints[2], EXERCISES["bridge-2"].mistakes[0]
    assert task.hint(3) == command
    lab["node1"].shell(SOLUTIONS["bridge-2"].wrong[mistake.name]["node1"])
    assert task.hint(3) == command, "nobody has said yet that it is meant as an answer"
    assert task.check().mistake == mistake
    assert task.hint(3) == f"{command}\nFirst, what is there now: {mistake.hint}"
    assert task.hint() == NO_MORE
    lab["node1"].shell("ip addr flush dev $(ip -o link show type bridge | head -1 | cut -d: -f2)")
    assert task.hint(3) == command, "it is gone, whatever the last check had seen"


def test_hints_of_what_is_broken_begin_anew_when_something_else_is_in_the_way(lab):
    task = lab.exercise("trouble-1")
    first = [task.hint() for _ in range(4)]
    assert (len(set(first)), first[3]) == (4, NO_MORE)
    node, _, command = first[2].partition("# ")
    lab[node].shell(command)
    lab[node].shell("sysctl -qw net.ipv4.ip_forward=0")
    again = task.hint()
    assert again not in first
    assert again.endswith("?")


def test_an_exercise_ends_when_another_one_begins(lab):
    first = lab.exercise("bridge-2")
    lab.exercise("namespaces-1")
    with pytest.raises(LabError, match=r"is at 'namespaces-1' by now; task = lab.exercise\('bridge-2'\)"):
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
    lab.exercise("route-3")
    with pytest.raises(LabError, match=r"with route-3, task.hint\(\) helps"):
        lab.give_up()


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


def test_an_exercise_that_was_begun_again_is_meant_whatever_it_is_kept_as(lab):
    first = lab.exercise("veth-2")
    lab.exercise("veth-2")
    assert lab.task is not first
    assert first.hint() == first.exercise.hint(lab, 1)
    assert not first.check()
    assert lab.task.hint() == first.exercise.hint(lab, 2)
    lab.exercise("bridge-1")
    with pytest.raises(LabError, match=r"is at 'bridge-1' by now; task = lab.exercise\('veth-2'\) begins it again"):
        first.check()


def test_a_bridge_too_many_is_no_answer(lab):
    task = lab.exercise("bridge-1")
    lab["node2"].shell("ip link add br0 type bridge; ip addr add 10.244.16.1/23 dev br0; ip link set br0 up")
    lab["node2"].shell("ip link add other type bridge; ip link set other up")
    assert "it has br0 and other" in str(task.check())
    lab["node2"].shell("ip link del other")
    assert task.check()


def test_a_claim_says_the_address_that_was_tried(lab):
    task = lab.exercise("addr-1")
    lab["node1"].shell(SOLUTIONS["addr-1"].right[next(iter(SOLUTIONS["addr-1"].right))]["node1"])
    assert "reaches 10.244.1.129" in str(task.check())
