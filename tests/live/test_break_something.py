"""What `lab.break_something()` promises: the same seed breaks the same, hints, and what it will not break."""

import pytest

from podnet_lab.errors import BadInput, LabError
from podnet_lab.explain.faults import CABLES, ROUTES


@pytest.mark.nft
def test_a_seed_breaks_the_same_thing_and_only_once(wired):
    first = wired.break_something(seed=7)
    with pytest.raises(LabError, match="broken already"):
        wired.break_something(seed=7)
    told = wired.give_up()
    assert wired.check()
    assert wired.break_something(seed=7) == first
    assert wired.give_up() == told
    with pytest.raises(LabError, match="nothing was broken"):
        wired.hint()


def test_a_fault_may_be_asked_for_by_its_name_and_says_what_it_needs(wired):
    assert "any more" in wired.break_something(seed=1, fault=ROUTES[0].name)
    assert wired.give_up().startswith(ROUTES[0].name)
    assert "with 1400 bytes" in wired.break_something(fault="the cable's MTU is too small")
    wired.give_up()
    with pytest.raises(BadInput, match="no fault is called 'rain'"):
        wired.break_something(fault="rain")
    blocked = next(one for one in CABLES if one.needs)
    with pytest.raises(LabError, match="can't be made here: no-such-program"):
        wired.break_something(fault=type(blocked)(**{**vars(blocked), "needs": ("no-such-program",)}))


def test_there_are_three_hints_and_the_fourth_says_so(wired):
    wired.break_something(seed=7)
    hints = [wired.hint() for _ in range(5)]
    assert len(set(hints[:3])) == 3
    assert [hint.startswith("there are no more hints: lab.give_up()") for hint in hints] == [False, False, False, True, True]
    wired.give_up()


def test_what_is_broken_gives_nothing_away_when_it_is_shown(wired):
    assert wired.broken is None
    words = wired.break_something(seed=7)
    assert repr(wired.broken) == str(wired.broken) == words
    assert wired.broken.fault.name not in words
    wired.give_up()
    assert wired.broken is None


def test_hints_begin_anew_for_what_a_repair_has_shown(wired):
    wired.break_something(seed=1, fault="the Pod's end is down")
    places = wired.broken.where
    assert " up; ip -n " in [wired.hint() for _ in range(4)][2], "all of the repair"
    wired[places.node.name].shell(f"ip -n {places.pod.name} link set {places.pod.dev} up")
    assert "route add default" in [wired.hint() for _ in range(3)][2], "its default route went with the interface"
    wired.give_up()


def test_a_hint_says_that_it_is_mended(wired):
    wired.break_something(seed=1, fault=ROUTES[0].name)
    source, target = wired.broken.pair
    wired.run(wired.explain(source, target).repair)
    assert wired.hint().startswith(f"nothing is seen in the way any more, from {source} to {target} and back")
    wired.give_up()


def test_what_is_not_whole_is_not_broken_further(lab):
    with pytest.raises(LabError, match="nothing whole to break"):
        lab.break_something()
