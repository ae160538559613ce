"""`podnet grade` on real labs: a running one, and those of collected notebooks, some of which crash, cheat, or never end."""

import csv
import io
import json
import os
import re

import nbformat
import pytest

from live.helpers import ROOT, podnet
from podnet_lab.errors import NoLab
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.solutions import SOLUTIONS
from podnet_lab.grading.grade_running_lab import running as marked
from podnet_lab.lab.lab import Lab

NAME, OTHER = "bridge-2", "namespaces-1"
OPEN = "from podnet_lab import Lab\nlab = Lab.open()"
CHECK = "task.check()"


def begin(name):
    return f"task = lab.exercise({name!r})"


def typed(name):
    ((node, script),) = next(iter(SOLUTIONS[name].right.values())).items()
    return f"%%node {node}\n{script}"


@pytest.fixture
def joined(lab, monkeypatch):
    """The file's lab, given to whoever would join it; it is not closed by that."""
    monkeypatch.setattr(Lab, "join", classmethod(lambda *_: lab), raising=False)
    monkeypatch.setattr(Lab, "close", lambda self: None)
    yield lab
    monkeypatch.undo()


def test_a_running_lab_is_marked_by_its_kernels(joined):
    joined["outside"].shell("rm -f /run/podnet-exercises.json")
    with pytest.raises(NoLab, match="no exercise was begun"):
        marked(EXERCISES)
    task = joined.exercise(OTHER)
    joined["node3"].shell(SOLUTIONS[OTHER].right["by hand"]["node3"])
    assert task.check()
    task = joined.exercise(NAME)
    joined["node1"].shell(SOLUTIONS[NAME].right["two halves"]["node1"])
    assert task.check()

    paper = marked(EXERCISES)
    assert [(one.exercise, one.verdict, one.confirmed) for one in paper.marks] == [(OTHER, "solved", False), (NAME, "solved", True)]
    assert paper

    joined["node1"].shell("ip link set red down")
    assert [one.verdict for one in marked(EXERCISES).marks] == ["solved", "not solved"]
    assert not task.check()
    joined["node1"].shell("ip link set red up")
    assert [one.verdict for one in marked(EXERCISES).marks] == ["solved", "solved"], "whatever the last check had said"


def test_a_record_that_somebody_wrote_is_held_against_the_kernels(joined):
    task = joined.exercise(NAME)
    assert not task.check()
    joined["outside"].shell("sed -i 's/not solved/solved/' /run/podnet-exercises.json")
    (mark,) = [one for one in marked(EXERCISES).marks if one.exercise == NAME]
    assert (mark.verdict, mark.confirmed) == ("not solved", True)


COLLECTED = {
    "ada/week1": [OPEN, begin(NAME), typed(NAME), CHECK, begin(OTHER), typed(OTHER), CHECK],
    "bob": [OPEN, begin(NAME), "print('solved: bridge-2')", CHECK, begin(OTHER), typed(OTHER), CHECK],
    # Whoever patches the library in the notebook's own process has patched nothing in the one that judges.
    "cheat": [
        OPEN,
        "import podnet_lab.exercises.task as t\nfrom podnet_lab.exercises import Assessment\nfrom podnet_lab.checks import Check, Checks",
        "t.assess = lambda exercise, lab: Assessment(exercise.name, Checks([Check('it holds')]))",
        begin(NAME),
        CHECK,
    ],
    "crash": [OPEN, begin(NAME), typed(NAME), CHECK, begin(OTHER), "import os\nos._exit(3)", typed(OTHER), CHECK],
    "error": [OPEN, begin(NAME), "undefined", typed(NAME), CHECK],
    "=endless": [OPEN, begin(NAME), "while True:\n    print('x' * 1000)"],
    "gave up": [OPEN, begin("trouble-4"), CHECK + "\nlab.give_up()", CHECK],
    "two labs": [
        OPEN + "\nother = Lab.open(name='other')",
        begin(NAME),
        CHECK,
        f"lab.close(); task = other.exercise({OTHER!r}); task.hint()",
        f"other['node3'].shell({SOLUTIONS[OTHER].right['by hand']['node3']!r})",
        CHECK,
        "other.close()",
    ],
    "broken again": [OPEN, begin(NAME), typed(NAME), CHECK, "%%node node1\nip link del red; ip link del blue", CHECK],
}

EXPECTED = {
    "ada/week1": {NAME: "solved", OTHER: "solved", "trouble-4": "not begun"},
    "bob": {NAME: "not solved", OTHER: "solved", "trouble-4": "not begun"},
    "cheat": {NAME: "not solved", OTHER: "not begun", "trouble-4": "not begun"},
    "crash": {NAME: "solved", OTHER: "not checked", "trouble-4": "not begun"},
    "error": {NAME: "not checked", OTHER: "not begun", "trouble-4": "not begun"},
    "'=endless": {NAME: "not checked", OTHER: "not begun", "trouble-4": "not begun"},
    "gave up": {NAME: "not begun", OTHER: "not begun", "trouble-4": "not solved"},
    "two labs": {NAME: "not solved", OTHER: "solved", "trouble-4": "not begun"},
    "broken again": {NAME: "solved", OTHER: "not begun", "trouble-4": "not begun"},
    "junk": {NAME: "not begun", OTHER: "not begun", "trouble-4": "not begun"},
}

STOPPED = {
    "crash": "cell 6 ended its kernel",
    "error": "cell 3 raised NameError",
    "'=endless": "cell 3 took too long",
    "junk": "not a notebook",
}


def collect(folder, cells_of):
    for who, cells in cells_of.items():
        path = folder / f"{who}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


def test_a_folder_of_notebooks_is_marked_one_by_one(tmp_path):
    folder, marks = tmp_path / "collected", tmp_path / "marks.csv"
    collect(folder, COLLECTED)
    (folder / "junk.ipynb").write_text("{")
    before = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}

    done = podnet("grade", str(folder), "--csv", str(marks), "--cell-limit", "15", seconds=240)

    assert done.returncode == 1, done.stdout + done.stderr
    rows = list(csv.DictReader(io.StringIO(marks.read_bytes().decode())))
    found: dict = {}
    for row in rows:
        found.setdefault(row["who"], {})[row["exercise"]] = row["verdict"]
        assert (row["confirmed"] == "yes") == (row["verdict"] == "solved" or (row["who"], row["exercise"]) == ("cheat", NAME))
        assert STOPPED.get(row["who"], "") in row["stopped"]
        assert bool(row["stopped"]) == (row["who"] in STOPPED)
    assert found == EXPECTED
    assert "ada/week1: 2 of 3 solved" in done.stdout
    assert {path: path.read_bytes() for path in folder.rglob("*.ipynb")} == before
    assert "lab of " not in podnet("labs").stdout


LESSON = """
from podnet_lab.exercises import Check, Exercise, Mistake


def check(lab):
    has = [link for link in lab["node1"].snapshot().own.links.values() if link.kind == "bridge"]
    yield Check("node1 has a bridge", None if has else "it has none")


BRIDGE = Exercise("mine-1", "A bridge", "Make a bridge on node1.", check, ("What?", "`ip link`", "`ip link add mine type bridge`"))
EXERCISES = [BRIDGE]
"""
ANSWERS = """
from podnet_lab.exercises.solution import Solution

SOLUTIONS = {"mine-1": Solution(right={"by hand": {"node1": "ip link add mine type bridge"}})}
"""
DOCS = ROOT / "docs/teaching.md"
FORGED = LESSON.replace("None if has else", "None if True else")


@pytest.fixture
def lesson(tmp_path):
    (tmp_path / "week3.py").write_text(LESSON)
    (tmp_path / "week3_solutions.py").write_text(ANSWERS)
    return tmp_path


def test_the_lesson_that_the_docs_show_is_proved_as_they_show_it(tmp_path):
    page = DOCS.read_text()
    lesson, solutions = re.findall(r"```python\n(from podnet_lab\.exercises.*?)```", page, re.DOTALL)
    (shown,) = re.findall(r"\$ podnet prove week3.py week3_solutions.py\n(.*?)```", page, re.DOTALL)
    (tmp_path / "week3.py").write_text(lesson)
    (tmp_path / "week3_solutions.py").write_text(solutions)
    done = podnet("prove", str(tmp_path / "week3.py"), str(tmp_path / "week3_solutions.py"))
    assert (done.returncode, done.stdout) == (0, shown), done.stderr


def test_the_template_of_a_lesson_is_proved_as_it_is(tmp_path):
    assert podnet("new-exercise", "week4", "--in", str(tmp_path)).returncode == 0
    done = podnet("prove", str(tmp_path / "week4.py"), str(tmp_path / "week4_solutions.py"))
    assert (done.returncode, done.stdout.count("ok    week4-1: "), done.stderr) == (0, 4, "")


def test_a_mistake_in_a_lesson_is_told_in_one_line_with_its_line(tmp_path):
    podnet("new-exercise", "week4", "--in", str(tmp_path))
    file = tmp_path / "week4.py"
    text = file.read_text()
    file.write_text(text.replace('node = lab["node1"].snapshot()', 'node = lab["node1"].snapshot().nothing'))
    line = next(number for number, words in enumerate(file.read_text().splitlines(), 1) if ".nothing" in words)
    done = podnet("prove", str(file), str(tmp_path / "week4_solutions.py"))
    assert done.returncode not in (0, None)
    failed = f"the check of week4-1 failed: week4.py, line {line}: AttributeError: 'Snapshot' object has no attribute 'nothing'"
    assert [said.endswith(f": {failed}") for said in done.stdout.splitlines()] == [True] * 4, "and one stops no other"
    assert "Traceback" not in done.stdout + done.stderr
    collect(tmp_path / "collected", {"ada": [OPEN, "from week4 import FIRST", "task = lab.exercise(FIRST)", CHECK]})
    done = podnet("grade", str(tmp_path / "collected"), "--lesson", str(file), "--json", seconds=90)
    (paper,) = json.loads(done.stdout)["papers"]
    assert (paper["marks"][0]["verdict"], paper["marks"][0]["why"]) == ("could not test", failed)
    assert failed in paper["problem"]


def test_a_lesson_of_ones_own_is_proved(lesson):
    done = podnet("prove", str(lesson / "week3.py"), str(lesson / "week3_solutions.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    mine-1: 'by hand' solves it" in done.stdout

    (lesson / "week3.py").write_text(FORGED)
    done = podnet("prove", str(lesson / "week3.py"), str(lesson / "week3_solutions.py"))
    assert done.returncode == 1
    assert "FAIL  mine-1: unsolved, it fails" in done.stdout


def test_a_lesson_of_ones_own_is_marked_by_the_teachers_copy(lesson):
    mine = "from week3 import BRIDGE\ntask = lab.exercise(BRIDGE)"
    forged = f"open('week3.py', 'w').write({FORGED!r})"
    collect(
        lesson / "collected",
        {
            "good": [OPEN, mine, "%%node node1\nip link add mine type bridge", CHECK],
            "forged": [OPEN, forged, mine, CHECK],
            "other": [OPEN, begin(NAME)],
        },
    )
    done = podnet("grade", str(lesson / "collected"), "--lesson", str(lesson / "week3.py"), "--json", seconds=90)
    said = json.loads(done.stdout)
    assert {one["who"]: [mark["verdict"] for mark in one["marks"] if mark["exercise"] == "mine-1"] for one in said["papers"]} == {
        "good": ["solved"],
        "forged": ["not solved"],
        "other": ["not begun"],
    }
    assert (done.returncode, said["ok"]) == (1, False)

    for name in ("forged", "other"):
        os.unlink(lesson / "collected" / f"{name}.ipynb")
    assert podnet("grade", str(lesson / "collected"), "--lesson", str(lesson / "week3.py"), seconds=90).returncode == 0


def test_a_lab_that_another_process_runs_is_marked(lab):
    task = lab.exercise(NAME)
    lab["node1"].shell(SOLUTIONS[NAME].right["two halves"]["node1"])
    assert task.check()
    done = podnet("grade", "--lab", str(os.getpid()), "--json")
    found = [(mark["verdict"], mark["confirmed"]) for mark in json.loads(done.stdout)["papers"][0]["marks"] if mark["exercise"] == NAME]
    assert found == [("solved", True)], done.stdout + done.stderr
    assert task.check(), "the lab goes on"


@pytest.mark.parametrize("scribble", ["mkfifo FILE", "ln -s /dev/zero FILE", "head -c 200000 /dev/zero | tr '\\0' '[' > FILE"])
def test_a_running_lab_whose_record_is_something_else_is_told_at_once(lab, scribble):
    lab.exercise(NAME)
    lab["outside"].shell(f"rm -f FILE; {scribble}".replace("FILE", "/run/podnet-exercises.json"))
    done = podnet("grade", "--lab", str(os.getpid()), seconds=15)
    lab["outside"].shell("rm -f /run/podnet-exercises.json")
    assert done.returncode != 0
    assert "no exercise was begun" in done.stderr


def test_without_a_lab_there_is_nothing_to_mark(tmp_path):
    done = podnet("grade", XDG_RUNTIME_DIR=str(tmp_path))
    assert done.returncode != 0
    assert "no lab is running" in done.stderr
