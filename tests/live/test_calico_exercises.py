"""The exercises of notebook 11, played."""

import pytest

from live.exercise_proofs import assert_proved, exercises_about
from podnet_lab import Lab


@pytest.fixture(scope="module")
def lab():
    with Lab.open(name="calico-exercises", network="calico") as lab:
        lab.reset()
        yield lab


SHORT, *OTHERS = exercises_about("calico")


@pytest.mark.parametrize("name", [SHORT, *(pytest.param(*one.values, marks=[*one.marks, pytest.mark.long]) for one in OTHERS)])
def test_an_exercise_is_proved(lab, name):
    assert_proved(lab, name)
