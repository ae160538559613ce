"""Which part of an explanation takes longest, while nothing else runs."""

import time

import pytest

from podnet_lab import Lab
from podnet_lab.checks.reachability import endpoints
from podnet_lab.explain.explanation import explanation


@pytest.mark.alone
def test_an_explanation_of_many_pods_takes_less_time_than_the_look_before_it():
    with Lab.open(pods=60, name="many", where="namespaces") as lab:
        lab.build()
        start = time.perf_counter()
        everyone = lab.everyone()
        looked = time.perf_counter() - start
        ends = endpoints(everyone)
        start = time.perf_counter()
        assert explanation(everyone, ends["pod-1-20"], ends["pod-3-60"])
        assert time.perf_counter() - start < looked
