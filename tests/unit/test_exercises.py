"""The frame of exercises, without a kernel: what may be one, what an assessment says, and that solutions are kept apart."""

import ast
import tomllib
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from toy_network import NETWORK as TOY

import podnet_lab
from podnet_lab.checks.reachability import Endpoint, Ping, Verdict
from podnet_lab.errors import BadInput, CannotRun, LabError, LabGone
from podnet_lab.exercises import Check, Exercise, Mistake, Untested, assess
from podnet_lab.exercises.catalogue import EXERCISES, SETS, find
from podnet_lab.exercises.claims import judged
from podnet_lab.exercises.solutions import SOLUTIONS
from podnet_lab.exercises.task import begin, refuse_without
from podnet_lab.explain.faults import FAULTS
from podnet_lab.grading.marks import Mark
from podnet_lab.networks import registry as networks

HOUSE = Path(podnet_lab.__file__).parent
HINTS = ("where?", "there", "`ip link`")


def exercise(check=lambda _: [Check("it holds")], **more):
    return Exercise(**{"name": "x-1", "title": "t", "task": "t", "check": check, "hints": HINTS, **more})


def lab(**more):
    plan = SimpleNamespace(nodes=[SimpleNamespace(name="node1")])
    return SimpleNamespace(plan=plan, snapshot=lambda *names: dict.fromkeys(names, "snapshot"), **more)


def test_a_check_stops_at_the_first_claim_that_does_not_hold():
    def check(_):
        yield Check("below")
        yield Check("in the middle", "it is not there")
        raise AssertionError("nobody asks for what stands above")

    found = assess(exercise(check), lab())
    assert not found
    assert (found.verdict, found.why) == ("not solved", "in the middle: it is not there")
    assert str(found) == "ok    below\nFAIL  in the middle: it is not there\nnot solved yet"


def test_a_check_that_claims_nothing_does_not_pass():
    found = assess(exercise(lambda _: []), lab())
    assert not found
    assert found.why == "nothing was checked"


def test_what_could_not_be_tested_is_neither_solved_nor_wrong():
    found = assess(exercise(lambda _: [Untested("it answers", "nobody has an address")]), lab())
    assert not found
    assert found.verdict == "could not test"
    assert str(found).splitlines() == ["FAIL  it answers: could not test: nobody has an address", "could not test"]


@pytest.mark.parametrize(
    ("verdict", "kind", "words"),
    [
        (Verdict.REACHED, Check, None),
        (Verdict.NO_REPLY, Check, "no reply: it is dark"),
        (Verdict.TRANSLATED, Check, "b saw 10.0.0.9, which is not the sender's own address"),
        (Verdict.NOT_TESTED, Untested, "it is dark"),
    ],
)
def test_a_try_is_judged_by_what_came_of_it(verdict, kind, words):
    ends = [Endpoint(name, "node1", name, ("10.0.0.1",)) for name in ("a", "b")]
    found = judged(Ping(*ends, verdict, seen_as="10.0.0.9", why="it is dark"))
    assert (type(found), found.problem) == (kind, words)
    if verdict is Verdict.NO_REPLY:
        assert judged(Ping(*ends, verdict, why="it is dark"), silent=True).problem == "no reply"


def test_the_page_for_teachers_has_each_networks_stages_and_each_column():
    page = (HOUSE.parent / "docs/teaching.md").read_text()
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    shown = {first.split("`")[1]: second.replace("`", "").split() for first, second in rows if "`done`" in second}
    assert shown == {name: list(networks.find(name).starts) for name in networks.names()}
    columns = [*(field.name for field in fields(Mark)), "stopped"]
    assert set(columns) <= {word for first, _ in rows for word in first.replace("·", " ").replace("`", "").split()}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"needs": "nft"}, r"""x-1: needs is a tuple of programs, such as \("nft",\) with its comma, and not 'nft'"""),
        ({"needs": (1,)}, "x-1: needs is a tuple of programs"),
        ({"mistakes": Mistake("m", lambda _: True, "h")}, r"x-1: mistakes is a tuple of Mistake\(…\), of one with a comma"),
        ({"mistakes": ("m",)}, "x-1: mistakes is a tuple of Mistake"),
        ({"hints": "abc"}, "x-1: there are three hints"),
    ],
)
def test_a_tuple_without_its_comma_is_refused(more, words):
    with pytest.raises(BadInput, match=words):
        exercise(**more)
    with pytest.raises(BadInput, match="the mistake 'm': needs is a tuple of programs"):
        Mistake("m", lambda _: True, "h", needs="nft")


def test_the_first_mistake_that_is_seen_gives_the_hint():
    mistakes = (
        Mistake("not this", lambda cluster: "node9" in cluster, "no"),
        Mistake("this", lambda cluster: {"node1", "outside"} == set(cluster), "look behind you"),
        Mistake("nor this", lambda _: True, "no"),
    )
    found = assess(exercise(lambda _: [Check("it holds", "no")], mistakes=mistakes), lab())
    assert found.mistake.name == "this"
    assert str(found).endswith("not solved yet: look behind you")
    assert assess(exercise(mistakes=mistakes), lab()).mistake is None


def test_a_mistake_that_looks_for_what_is_not_there_is_not_seen():
    mistakes = (
        Mistake("elsewhere", lambda cluster: cluster["node9"].own, "no"),
        Mistake("odd", lambda cluster: cluster["node1"].own, "no"),
    )
    assert assess(exercise(lambda _: [Check("it holds", "no")], mistakes=mistakes), lab()).mistake is None


def test_a_lab_that_says_no_could_not_be_asked_and_one_that_ended_is_told():
    def refused(_):
        raise LabError("no room")
        yield

    def gone(_):
        raise LabGone("it has ended")
        yield

    found = assess(exercise(refused), lab())
    line = refused.__code__.co_firstlineno + 1
    assert (found.verdict, found.why) == ("could not test", f"the answer can be judged: test_exercises.py, line {line}: no room")
    with pytest.raises(LabGone):
        assess(exercise(gone), lab())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "../x"}, "can't be an exercise's name"),
        ({"hints": ("one", "two")}, "there are three hints"),
        ({"hints": ("one", "two", "")}, "there are three hints"),
        ({"start": "lunch"}, "no stage is called 'lunch'"),
        ({"mistakes": (Mistake("m", bool, "h"),) * 2}, "the same name"),
    ],
)
def test_what_can_not_be_an_exercise_is_refused(wrong, words):
    with pytest.raises(BadInput, match=words):
        exercise(**wrong)


def test_a_hint_has_three_levels():
    assert [exercise().hint(lab(), level) for level in (1, 2, 3)] == list(HINTS)
    assert exercise(hints=lambda _, level: f"hint {level}").hint(lab(), 2) == "hint 2"
    with pytest.raises(BadInput):
        exercise().hint(lab(), 0)


def test_a_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(CannotRun, match="x-1 needs nft, which was not found: sudo apt install nftables"):
        refuse_without(exercise(needs=("nft",)))
    refuse_without(exercise())


def test_there_is_a_set_for_every_stage_ten_faults_one_for_each_other_network_for_plugins_and_for_policies():
    about_networks = ["flannel", "calico", "cni", "kubernetes", "policy"]
    assert list(SETS) == ["namespaces", "bridge", "veth", "addr", "route", "services", "trouble", *about_networks]
    assert all(one.set == name and one.mistakes for name, exercises in SETS.items() for one in exercises)
    assert all(2 <= len(exercises) <= 4 for name, exercises in SETS.items() if name != "trouble")
    assert len(SETS["trouble"]) == 10
    assert find("bridge-1") is EXERCISES["bridge-1"]


def test_the_ten_faults_are_in_the_catalogue_and_differ():
    source = (HOUSE / "exercises/troubleshooting_exercises.py").read_text()
    named = [
        one.args[1].value for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "_case"
    ]
    assert len(set(named)) == 10
    assert set(named) <= {fault.name for fault in FAULTS}


def test_every_exercise_has_solutions_and_no_room_of_the_students_knows_them():
    assert set(SOLUTIONS) == set(EXERCISES)
    knowing = [
        str(path.relative_to(HOUSE))
        for path in HOUSE.rglob("*.py")
        if "exercises.solutions" in path.read_text() and "solutions" not in path.parent.name
    ]
    assert knowing == ["grading/prove_lesson.py"]


def test_what_students_install_has_no_solutions():
    find_packages = pytest.importorskip("setuptools").find_packages
    told = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    found = find_packages(str(HOUSE.parent), include=told["include"], exclude=told["exclude"])
    assert "podnet_lab.exercises" in found
    assert "podnet_lab.grading" in found
    assert not [name for name in found if "solutions" in name]


def test_the_docs_list_every_exercise():
    page = (HOUSE.parent / "docs/teaching.md").read_text()
    missing = [one.name for name, own in SETS.items() for one in own if name != "trouble" and f"`{one.name}` {one.title}" not in page]
    assert missing == []
    assert f"has {len(EXERCISES)} exercises" in page
    assert f"`trouble-1` to `trouble-{len(SETS['trouble'])}`" in page


def test_no_hint_of_a_fault_is_in_its_task():
    for one in SETS["trouble"]:
        assert one.title == f"Case {one.name.rpartition('-')[2]}"
        assert one.task == SETS["trouble"][0].task


def test_an_exercise_starts_at_its_networks_first_stage_if_none_is_named():
    assert exercise().starts_at == "namespaces"
    assert exercise(start="done").starts_at == "done"


def test_an_exercise_about_another_network_is_refused_before_anything_changes():
    gone = []
    elsewhere = lab(network=TOY, goto=gone.append)
    with pytest.raises(
        BadInput, match=r"x-1 is about the network static_routes, and this lab's is toy: Lab.open\(.*network='static_routes'"
    ):
        begin(elsewhere, exercise())
    assert gone == []
