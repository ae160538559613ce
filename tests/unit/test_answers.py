"""Answers of servers, counted."""

import pytest

from podnet_lab.checks.answers import Answer, Answers, answers, chi_square
from podnet_lab.errors import CheckFailed


def test_an_answers_parts():
    one = Answer("pod-2-2 on node2 saw 10.244.1.2")
    assert (one.who, one.node, one.client, bool(one)) == ("pod-2-2", "node2", "10.244.1.2", True)
    other = Answer("<!DOCTYPE HTML>")
    assert (other.who, other.node, other.client, bool(other)) == (None, None, None, True)


def test_answers_are_true_only_if_all_came():
    good, bad = ("a on n saw 1.2.3.4", "", 0.5), ("", "no answer", 1.0)
    assert answers([good, good])
    assert not answers([good, bad])
    assert not answers([])
    assert answers([good]).require()
    with pytest.raises(CheckFailed, match="1 × no answer"):
        answers([good, bad]).require()
    with pytest.raises(CheckFailed, match="nobody was asked"):
        Answers().require()


def test_who_how_often_and_how_long():
    found = answers(
        [("b on n saw 1.1.1.1", "", 0.3), ("a on n saw 2.2.2.2", "", 0.1), ("a on n saw 1.1.1.1", "", 0.2), ("", "no answer", 1)]
    )
    assert found.counts == {"a": 2, "b": 1, "no answer": 1}
    assert (found.who, found.clients, found.problems, found.median) == (["a", "b"], ["1.1.1.1", "2.2.2.2"], {"no answer": 1}, 0.3)
    assert str(found).splitlines()[0] == "   1 × a on n saw 1.1.1.1"


def test_chi_square():
    assert chi_square([100, 100, 100]) == 0
    assert chi_square([150, 50]) == 50
