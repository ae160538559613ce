"""Every fault of the catalogue on the real kernel: explained rightly, really there, and mended."""

import pytest

from podnet_lab.errors import LabError
from podnet_lab.explain.faults import FAULTS, where

EACH = [pytest.param(one, id=one.name, marks=[pytest.mark.nft] if one.layer == "firewall" else []) for one in FAULTS]


@pytest.mark.parametrize("fault", EACH)
def test_a_fault_is_named_at_its_place_and_mended(wired, fault):
    for node, pod, step in ((0, 0, 1), (2, 1, 2)):
        places = where(wired.plan, node, pod, step)
        pair = fault.pair(places)
        assert wired.explain(*pair)
        wired._break(fault, places)
        found = wired.explain(*pair)
        assert found.obstacle is not None, str(found)
        assert (found.obstacle.layer, found.obstacle.place[1] or found.obstacle.place[0]) == (fault.layer, fault.place(places)), str(found)
        assert not wired.trace(*pair), "explained, but it arrives"
        assert [wired.hint()[-1], wired.hint()[:4], bool(wired.hint())] == ["?", "node", True]
        assert wired.give_up().startswith(fault.name)
        assert wired.ping(*pair, patience=12)
        assert wired.explain(*pair)


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


def test_what_is_not_whole_is_not_broken_further(lab):
    with pytest.raises(LabError, match="nothing whole to break"):
        lab.break_something()
