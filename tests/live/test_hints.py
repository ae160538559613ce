"""Hints about what was broken on purpose, followed to the letter: each can be typed as it stands, and in the end all is whole."""

import pytest

from live.helpers import everything
from live.lab_facade import inject
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.explain.faults import FAULTS

ROUNDS = 4
"""What was broken, and what had gone along with it."""

EACH = [pytest.param(one, id=one.name, marks=[pytest.mark.nft] if "nft" in one.needs else []) for one in FAULTS]
PLACES = [(0, 0, 1), *(pytest.param(place, marks=pytest.mark.long) for place in ((2, 1, 2), (1, 0, 1), (2, 0, 1), (1, 1, 2)))]


def followed(lab) -> list[str]:
    """Ask for hints, and do what they say, until there are no more; returns what was typed."""
    typed = []
    for _ in range(ROUNDS):
        question = lab.hint()
        if "nothing is seen in the way any more" in question:
            return typed
        assert question.endswith("?")
        look, mend = lab.hint(), lab.hint()
        assert lab.hint().startswith("there are no more hints")
        for words in (look, mend):
            assert "…" not in words
            assert "…" not in question
        node, _, command = look.partition("# ")
        lab[node].shell(command, may_fail=True)  # what is not there can't be shown
        node, _, command = mend.partition("# ")
        lab[node].shell(f"set -e; {command}")
        typed.append(mend)
    raise AssertionError(f"after {typed} there are hints still: {lab.hint()}")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", EACH)
def test_following_the_hints_mends_it(wired, fault, place):
    before = everything(wired)
    places = fault_places(wired.everyone(), *place)
    inject(wired, fault, places)
    cause = wired.explain(*fault.pair(places), size=fault.size).cause  # it knows less: only what the kernels say
    assert "…" not in "".join(cause.hints)
    assert cause.hints[2].startswith((f"{cause.place[0]}# ", "no command can be told: "))
    typed = followed(wired)
    assert 1 <= len(typed) <= 2, typed
    assert all(one.startswith(f"{fault.node(places)}# ") for one in typed[:1]), typed
    assert wired.check()
    assert wired.ping(*fault.pair(places), patience=12)
    wired.give_up()
    assert everything(wired) == before
