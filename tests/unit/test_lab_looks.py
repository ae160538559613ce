"""What is collected from the labs of a notebook, however many it has open, without a kernel."""

import json
from types import SimpleNamespace

import pytest

from podnet_lab.errors import LabGone, NoLab
from podnet_lab.exercises import Check, Exercise, attempts

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.grading import lab_looks, notebook_run, sandbox

KNOWN = {name: Exercise(name, "t", "t", lambda _: [Check("it holds")], ("a", "b", "c")) for name in ("a-1", "b-1", "c-1")}


class Lab(dict):
    """A lab that has a record, until it is closed."""

    def __init__(self, at="", **records):
        super().__init__()
        self.alive, self.parts = True, SimpleNamespace(unaided=SimpleNamespace())
        kept = {"at": at, "records": {name.replace("_", "-"): record for name, record in records.items()}}
        self[attempts.PLACE] = SimpleNamespace(read_file=lambda *_: json.dumps(kept))

    def close(self):
        """It is not there any more."""
        self.alive = False


@pytest.fixture
def open_labs(monkeypatch):
    """What the notebook has open, by a key of its own."""
    labs = {}
    monkeypatch.setattr(lab_looks.sandbox_lab, "labs", lambda _: {key: lambda lab=lab: lab for key, lab in labs.items()})
    return labs


def verdicts(seen):
    return {mark["exercise"]: mark["verdict"] for mark in seen["marks"]}


def test_every_lab_that_a_notebook_has_open_is_marked(open_labs):
    looks = lab_looks.LabLooks(KNOWN, "ada", 1, 2)
    assert looks.look() == {"marks": [], "records": {}, "doubt": "", "checking": ""}
    open_labs["lab"] = Lab("a-1", a_1={"verdict": "solved", "hints": 1})
    assert verdicts(looks.look()) == {"a-1": "solved"}
    open_labs["other"] = Lab("b-1", b_1={"verdict": "solved", "hints": 2}, a_1={"explanations": 3, "given_up": True})
    seen = looks.look()
    assert verdicts(seen) == {"b-1": "solved"}
    assert seen["records"] == {"a-1": [1, 3, True], "b-1": [2, 0, False]}
    assert looks.look()["marks"] == [], "nothing is new"


def test_a_lab_that_was_closed_is_left_and_another_one_of_its_name_is_joined(open_labs):
    looks = lab_looks.LabLooks(KNOWN, "ada", 1, 2)
    first = open_labs["lab"] = Lab("a-1", a_1={"verdict": "not solved"})
    assert verdicts(looks.look()) == {"a-1": "not solved"}
    first.close()
    second = open_labs["lab"] = Lab("b-1", b_1={"verdict": "solved"})
    assert verdicts(looks.look()) == {"b-1": "solved"}
    second.close()
    open_labs.clear()
    assert looks.look() == {"marks": [], "records": {}, "doubt": "", "checking": ""}


def test_who_takes_a_lab_off_the_list_is_looked_at_still(open_labs):
    looks = lab_looks.LabLooks(KNOWN, "ada", 1, 2)
    open_labs["lab"] = Lab("a-1", a_1={"hints": 3})
    looks.look()
    open_labs.clear()
    assert looks.look()["records"] == {"a-1": [3, 0, False]}


def test_a_lab_that_goes_while_it_is_looked_at_is_no_doubt_if_it_was_closed(open_labs):
    def gone(*_):
        raise LabGone("it has ended")

    looks = lab_looks.LabLooks(KNOWN, "ada", 1, 2)
    lab = open_labs["lab"] = Lab()
    looks.look()
    lab[attempts.PLACE].read_file = gone
    assert looks.look()["doubt"] == "it has ended"
    open_labs.clear()
    assert looks.look()["doubt"] == ""


def test_of_many_labs_some_are_looked_at_and_the_rest_is_told(open_labs):
    for number in range(7):
        open_labs[str(number)] = Lab("a-1", a_1={"hints": 1})
    seen = lab_looks.LabLooks(KNOWN, "ada", 1, 2).look()
    assert seen["doubt"] == "more than 5 labs are running"
    assert seen["records"] == {"a-1": [1, 0, False]}


def test_a_check_that_never_ends_is_the_lessons_and_no_students(open_labs):
    open_labs["lab"] = Lab("a-1", a_1={"verdict": "checking", "why": "its check did not end"})
    seen = lab_looks.LabLooks(KNOWN, "ada", 1, 2).look()
    assert (verdicts(seen), seen["checking"]) == ({"a-1": "could not test"}, "a-1")

    class Late:
        """A notebook whose first cell says nothing in time."""

        init = 1

        def hear(self, deadline, late):
            if "kernel" in late:
                return {"kernel": 1}
            raise sandbox.Late(late)

        def go_on(self):
            """It does."""

        def refuse_too_much(self):
            """It takes little."""

    run = notebook_run.NotebookRun("ada", "", [0], KNOWN, sandbox.Place(), limit=60, cell_limit=60)
    run._follow(Late())
    assert run._problem == "cell 1 took too long, in the check of a-1: that is the lesson's, and did not end"


def test_a_lab_that_can_not_be_joined_is_told_and_hides_no_other(open_labs, monkeypatch):
    def none():
        raise NoLab("it is none")

    lab = Lab("a-1", a_1={"verdict": "solved"})
    monkeypatch.setattr(lab_looks.sandbox_lab, "labs", lambda _: {"bad": none, "lab": lambda: lab})
    seen = lab_looks.LabLooks(KNOWN, "ada", 1, 2).look()
    assert (verdicts(seen), seen["doubt"]) == ({"a-1": "solved"}, "it is none")
