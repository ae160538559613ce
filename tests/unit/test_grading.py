"""Marks, tables and files of `podnet grade`, without a kernel."""

import csv
import io
import json
import stat
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from podnet_lab.cli import main
from podnet_lab.errors import BadInput
from podnet_lab.exercises import Check, Exercise
from podnet_lab.exercises.attempts import Record, Records
from podnet_lab.grading import collected, commands, lesson_files, marks_table, sandbox
from podnet_lab.grading.judge import judge, judge_now, recorded
from podnet_lab.grading.marks import Mark, Paper, as_csv, as_json, harmless

HOLDS = Exercise("x-1", "t", "t", lambda _: [Check("it holds")], ("a", "b", "c"))
FAILS = Exercise("x-1", "t", "t", lambda _: [Check("it holds", "it does not")], ("a", "b", "c"))
BREAKS = Exercise("x-1", "t", "t", lambda _: 1 // 0, ("a", "b", "c"))


def mark(exercise=HOLDS, record=None, at="x-1", known=True):
    kept = Records(at, {"x-1": record or Record("solved", tries=1)})
    return judge(None, {"x-1": exercise} if known else {}, "ada", "x-1", kept)


def test_what_was_solved_is_asked_of_the_kernels_again():
    assert (mark().verdict, mark().confirmed) == ("solved", True)
    assert (mark(FAILS).verdict, mark(FAILS).why, mark(FAILS).confirmed) == ("not solved", "it holds: it does not", True)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (Record("not solved", "no bridge", 2), "not solved"),
        (Record("begun"), "not checked"),
        (Record("could not test"), "could not test"),
        (Record("solved", given_up=True), "not solved"),
        (Record("SOLVED!"), "not solved"),
        (Record(["solved"], {}, "many", None), "not solved"),
    ],
)
def test_a_record_can_only_lower_a_mark(record, verdict):
    assert mark(HOLDS, record).verdict == verdict
    assert not mark(HOLDS, record)


def test_what_can_not_be_judged_does_not_pass():
    assert (mark(at="x-2").verdict, mark(known=False).verdict, mark(BREAKS).verdict) == ("could not test",) * 3
    assert "went on to 'x-2'" in mark(at="x-2").why
    assert "--lesson" in mark(known=False).why
    assert "ZeroDivisionError" in mark(BREAKS).why


@pytest.mark.parametrize(
    ("exercise", "record", "verdict", "confirmed"),
    [
        (HOLDS, Record("begun"), "solved", True),
        (HOLDS, Record("not solved", "no bridge", 2, mistake="m"), "solved", True),
        (FAILS, Record("solved"), "not solved", True),
        (HOLDS, Record("not solved", "given up", given_up=True), "not solved", False),
    ],
)
def test_the_exercise_that_a_running_lab_is_at_is_judged_as_it_is_now(exercise, record, verdict, confirmed):
    found = judge_now(None, {"x-1": exercise}, "ada", "x-1", Records("x-1", {"x-1": record}))
    assert (found.verdict, found.confirmed, found.mistake) == (verdict, confirmed, "")
    assert judge_now(None, {}, "ada", "x-1", Records("x-1", {"x-1": Record("solved")})).verdict == "could not test"


def test_what_is_only_recorded_says_so():
    assert (recorded("ada", "x-1", Record("solved")).verdict, recorded("ada", "x-1", Record("solved")).confirmed) == ("solved", False)
    assert "solved (recorded)" in marks_table.table([Paper("ada", (recorded("ada", "x-1", Record("solved")),))])
    assert recorded("ada", "x-1", Record("solved", given_up=True)).verdict == "not solved"


def test_a_paper_has_a_mark_for_everything_that_was_expected():
    paper = Paper("ada", (Mark("ada", "b", "solved"), Mark("ada", "c", "not solved", "no")), "cell 3 raised KeyError: 'x'").of(["a", "b"])
    assert [(one.exercise, one.verdict) for one in paper.marks] == [("a", "not begun"), ("b", "solved")]
    assert [one.exercise for one in Paper("ada", (Mark("ada", "c"),)).of([]).marks] == ["c"]
    assert paper.marks[0].why == paper.problem


def test_what_was_not_begun_or_not_checked_says_what_is_missing():
    begun, missing = Paper("ada", (recorded("ada", "b", Record("begun")), Mark("ada", "c", "not solved", "no"))).of(["b", "a"]).marks
    assert (begun.verdict, begun.why) == ("not checked", "it was begun, but task.check() was never called")
    assert (missing.verdict, missing.why) == ("not begun", "lab.exercise('a') was never called")
    assert Paper("ada", (Mark("ada", "a", "solved"),)).of(["a"]).marks[0].why == ""


def test_a_paper_passes_only_whole():
    good = Mark("ada", "a", "solved")
    assert Paper("ada", (good,))
    assert not Paper("ada", (good,), "cell 3 ended its kernel")
    assert not Paper("ada", (good, Mark("ada", "b")))
    assert not Paper("ada")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(text):
    assert harmless(text)[0] in "' "
    assert not harmless(text).startswith(("=", "+", "-", "@"))
    (_, row) = list(csv.reader(io.StringIO(as_csv([Paper(text, (Mark(text, "x-1", "not solved", text),))]))))
    assert row[0] == row[3] == harmless(text)


def test_csv_has_a_line_for_a_paper_without_marks():
    rows = list(csv.DictReader(io.StringIO(as_csv([Paper("ada", problem="this is not a notebook")]))))
    assert [(row["who"], row["verdict"], row["stopped"]) for row in rows] == [("ada", "", "this is not a notebook")]


def test_json_says_whether_all_is_well():
    assert not json.loads(as_json([]))["ok"]
    assert json.loads(as_json([Paper("ada", (Mark("ada", "a", "solved"),))]))["ok"]


def test_a_table_does_nothing_to_a_terminal():
    said = marks_table.table([Paper("[red]\x1b[2Jada", (Mark("[red]\x1b[2Jada", "x-1", "not solved", "a\nb\x07"),))])
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "[red]" in said


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "marks.csv"
    target.write_text("before")

    def no_room(*_):
        raise OSError("no room")

    monkeypatch.setattr(commands.os, "replace", no_room)
    with pytest.raises(OSError, match="no room"):
        commands.write(target, "after")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]
    monkeypatch.undo()
    commands.write(target, "after\r\n")
    assert target.read_bytes() == b"after\r\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def notebook(path: Path, *cells: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


def test_notebooks_are_found_in_order_and_checkpoints_are_not(tmp_path):
    for name in ("b.ipynb", "a/x.ipynb", ".ipynb_checkpoints/b-checkpoint.ipynb", "a/.hidden/y.ipynb"):
        notebook(tmp_path / name, "1")
    (tmp_path / "notes.txt").write_text("")
    assert [path.relative_to(tmp_path).as_posix() for path in collected.find(tmp_path)] == ["a/x.ipynb", "b.ipynb"]
    assert collected.find(tmp_path / "b.ipynb") == [tmp_path / "b.ipynb"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="there is no notebook in"):
        collected.find(tmp_path / "empty")


def test_what_is_skipped_is_told_and_why(tmp_path):
    notebook(tmp_path / "ada.ipynb", "1")
    for name in ("bob/home\x1bwork.docx", "eve.ipynb.txt", "__pycache__/week3.pyc", ".hidden/x.docx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    why = "a notebook's name ends with .ipynb"
    assert collected.skipped(tmp_path) == [f"skipped: bob/home work.docx: {why}", f"skipped: eve.ipynb.txt: {why}"]
    assert [path.name for path in collected.find(tmp_path)] == ["ada.ipynb"]
    assert collected.skipped(tmp_path / "ada.ipynb") == []
    with pytest.raises(BadInput, match=r"there is no notebook in .*bob\nskipped: home work\.docx"):
        collected.find(tmp_path / "bob")


def test_the_command_says_what_it_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(collected, "grade", lambda *_, **__: [Paper("ada", (Mark("ada", "a", "solved"),))])
    (tmp_path / "bob.docx").write_text("")
    done = CliRunner().invoke(main, ["grade", str(tmp_path)])
    assert "skipped: bob.docx" in done.stderr
    assert "bob" not in done.stdout


def test_the_exercises_that_a_notebook_begins_are_read_from_it(tmp_path):
    notebook(tmp_path / "a.ipynb", 'task = lab.exercise("bridge-1")', "lab.exercise( 'veth-2' )", "lab.exercise(mine)", "# nothing")
    assert collected.read(tmp_path / "a.ipynb").begins == ["bridge-1", "veth-2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"{", "of another kind"),
        (b"PK\x03\x04\xff\xfe", "of another kind"),
        (b"[]", "lacks something"),
        (b"{}", "lacks something"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "lacks something"),
        (b'{"cells": [{"cell_type": "code"}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "lacks something"),
    ],
)
def test_what_is_no_notebook_is_a_paper_with_a_problem_in_plain_words(tmp_path, data, words):
    (tmp_path / "junk.ipynb").write_bytes(data)
    (paper,) = collected.grade(tmp_path, {}, ["bridge-1"])
    assert not paper
    assert paper.problem.startswith("this is not a notebook: it ")
    assert words in paper.problem
    assert [one.verdict for one in paper.marks] == ["not begun"]


def test_a_kernel_that_does_not_start_stops_one_notebook_alone(tmp_path, monkeypatch):
    def no_process(*_):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(sandbox, "start", no_process)
    monkeypatch.setattr(sandbox.Place, "refuse", lambda _: None)
    notebook(tmp_path / "a.ipynb", "1")
    notebook(tmp_path / "b.ipynb", "1")
    papers = collected.grade(tmp_path, {})
    assert [(bool(paper), paper.problem) for paper in papers] == [(False, "it could not be run: no more processes")] * 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", "has no EXERCISES"),
        ("EXERCISES = []", "one Exercise or more"),
        ("EXERCISES = [1]", "one Exercise or more"),
        ("EXERCISES = 1", "one Exercise or more"),
        ("1 / 0", "can't be read: week.py, line 1: ZeroDivisionError: division by zero"),
        ("def", "can't be read: week.py, line 1: SyntaxError"),
    ],
)
def test_a_lesson_that_is_none_is_refused(tmp_path, source, words):
    (tmp_path / "week.py").write_text(source)
    with pytest.raises(BadInput, match=words):
        lesson_files.exercises([tmp_path / "week.py"])


def test_two_exercises_of_one_name_are_refused(tmp_path):
    source = "from podnet_lab.exercises import *\nEXERCISES = [Exercise('a-1', 't', 't', lambda _: [], ('a', 'b', 'c'))]"
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(source)
    assert list(lesson_files.exercises([tmp_path / "one.py"])) == ["a-1"]
    with pytest.raises(BadInput, match=r"two\.py: there are two exercises called 'a-1', the other in .*one\.py$"):
        lesson_files.exercises([tmp_path / "one.py", tmp_path / "two.py"])
    (tmp_path / "twice.py").write_text(f"{source}\nEXERCISES *= 2")
    with pytest.raises(BadInput, match=r"twice\.py: there are two exercises called 'a-1'$"):
        lesson_files.exercises([tmp_path / "twice.py"])
    (tmp_path / "ours.py").write_text(source.replace("a-1", "bridge-1"))
    with pytest.raises(BadInput, match=r"^.*ours\.py: podnet_lab has an exercise called 'bridge-1' itself: call yours another name$"):
        lesson_files.exercises([tmp_path / "ours.py"])
    with pytest.raises(BadInput, match="has no SOLUTIONS"):
        lesson_files.solutions(tmp_path / "one.py")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grade", "nowhere"], "does not exist"),
        (["grade", ".", "--lab", "x"], "either a FOLDER"),
        (["grade", "--csv", "/nowhere/marks.csv"], "nothing can be written in /nowhere"),
        (["grade", "--limit", "0"], "0.0 is not in the range"),
        (["prove", "conftest.py"], "podnet prove LESSON SOLUTIONS"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_runs(words, said):
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2, done.output
    assert said in done.output


def test_an_exercise_that_nobody_knows_is_told():
    done = CliRunner().invoke(main, ["grade", ".", "--exercise", "bridge-9"])
    assert (done.exit_code, "no exercise is called 'bridge-9'" in done.output) == (2, True)
