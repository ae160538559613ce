"""What a lab remembers of attempts at exercises: read whatever somebody has written there, and kept."""

import json

import pytest

from podnet_lab.exercises import attempts
from podnet_lab.exercises.attempts import Record, Records
from podnet_lab.lab.unaided import Unaided


class Place:
    """A node that has one file, and what was typed there."""

    def __init__(self, text):
        self.text, self.typed = text, []

    def read_file(self, path, most):
        assert path == attempts.FILE
        return self.text if self.text is not None and len(self.text) <= most else None

    def shell(self, script):
        self.typed.append(script)


@pytest.mark.parametrize("text", [None, "", "[" * 200_000, "[]", '{"at": 1}', "x" * (attempts.MOST + 1), '{"at": "", "records": {"a": 1}}'])
def test_a_record_that_can_not_be_one_is_none(text):
    assert attempts.read({attempts.PLACE: Place(text)}) == Records()


def test_who_gives_up_has_that_written_down_and_keeps_it():
    place = Place(json.dumps({"at": "x-1", "records": {"x-1": {}}}))
    Unaided({attempts.PLACE: place}).given_up()
    assert '"given_up": true' in place.typed[0]
    kept = Records("x-1", {"x-1": Record("solved", given_up=True, hints=3)})
    kept.begin("x-1")
    assert kept.records["x-1"] == Record(given_up=True)
    idle = Place(json.dumps({"at": "", "records": {"x-1": {}}}))
    Unaided({attempts.PLACE: idle}).given_up()
    assert idle.typed == [], "no exercise was given up"


@pytest.mark.parametrize("odd", ['"x"', "null", "[]", "{}", "1.5"])
def test_a_record_of_odd_values_stops_no_call(odd):
    """Who is root on a node may have written anything: it counts as nothing, and what is asked for is counted."""
    values = f'{{"hints": {odd}, "explanations": {odd}, "tries": {odd}, "verdict": [{odd}]}}'
    place = Place(f'{{"at": "x-1", "records": {{"x-1": {values}}}}}')
    assert attempts.read({attempts.PLACE: place}).records["x-1"] == Record()
    Unaided({attempts.PLACE: place}).asked(hints=2, explanations=1)
    assert '"hints": 2' in place.typed[0]
    assert '"explanations": 1' in place.typed[0]
