"""The exercises of notebook 10, played."""

import pytest

from live.exercise_proofs import assert_proved, exercises_about
from podnet_lab import Lab

pytestmark = pytest.mark.nft


@pytest.fixture(scope="module")
def lab():
    with Lab.open(name="flannel-exercises", network="flannel") as lab:
        lab.reset()
        yield lab


@pytest.mark.parametrize("name", exercises_about("flannel"))
def test_an_exercise_is_proved(lab, name):
    assert_proved(lab, name)
