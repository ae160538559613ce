"""Exercises played as their solutions say, for the tests of every Pod network's."""

import pytest

from live.helpers import everything
from podnet_lab.exercises import Untested
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.solution import prove
from podnet_lab.exercises.solutions import SOLUTIONS


def exercises_about(network):
    """Parameters: the names of the exercises about one network."""
    about = {name: one for name, one in EXERCISES.items() if one.network == network}
    return [pytest.param(name, marks=[pytest.mark.nft] if "nft" in one.needs else []) for name, one in about.items()]


def assert_proved(lab, name):
    """Untouched it fails, each right answer solves it, each mistake is recognised; and the lab is afterwards as it was before."""
    before = everything(lab)
    claims = list(prove(lab, EXERCISES[name], SOLUTIONS[name]))
    untested = [claim for claim in claims if isinstance(claim, Untested)]

    assert [claim for claim in claims if not claim and claim not in untested] == []
    assert len(claims) >= 3
    lab.reset()
    assert everything(lab) == before
    if untested:
        pytest.skip("; ".join(f"{one.claim}: {one.problem}" for one in untested))
