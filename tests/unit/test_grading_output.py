"""What `podnet grade` prints is for whoever reads it: a person, a spreadsheet, or a program. Without a kernel."""

import json
from types import SimpleNamespace

import nbformat
import pytest
from click.testing import CliRunner

pytest.importorskip("fcntl", reason="podnet_lab.grading needs a Unix")

from podnet_lab.cli import main
from podnet_lab.grading import collected, marks_table, sandbox
from podnet_lab.grading.marks import Mark, Paper
from podnet_lab.grading.notebook_run import NotebookRun


def test_a_table_that_no_terminal_shows_breaks_no_word(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    why = "pod-1-2 reaches pod-2-2: no reply, and nobody knows why that is so, which takes more than a line of a terminal"
    paper = Paper("ada", (Mark("ada", "x-1", "not solved", why),))
    assert why in marks_table.table([paper])
    monkeypatch.setattr(marks_table.sys.stdout, "isatty", lambda: True)
    assert why not in marks_table.table([paper])


def test_who_is_told_of_one_paper_is_told_no_number_that_is_not_known_yet():
    paper = Paper("ada", (Mark("ada", "a", "solved"), Mark("ada", "b", "solved")), "cell 3 ended its kernel")
    assert marks_table.progress_line(paper) == "ada: 2 solved; stopped: cell 3 ended its kernel"
    assert marks_table.line(paper.of(["a", "b", "c"])).startswith("ada: 2 of 3 solved")


def test_what_a_lesson_prints_is_no_part_of_the_marks(tmp_path, monkeypatch):
    source = "from podnet_lab.exercises import *\nprint('hello')\nEXERCISES = [Exercise('a-1', 't', 't', lambda _: [], ('a', 'b', 'c'))]"
    (tmp_path / "week.py").write_text(source)
    monkeypatch.setattr(collected, "grade", lambda *_, **__: print("asked") or [Paper("ada", (Mark("ada", "a", "solved"),))])
    done = CliRunner().invoke(main, ["grade", str(tmp_path), "--lesson", str(tmp_path / "week.py"), "--json"])
    assert json.loads(done.stdout)["ok"]
    assert {"hello", "asked"} <= set(done.stderr.splitlines())


@pytest.mark.parametrize(
    ("problem", "lessons", "marks", "told"),
    [
        ("cell 1 raised ModuleNotFoundError: No module named 'week3'", {}, {}, " (did you mean --lesson week3.py?)"),
        ("cell 1 raised ModuleNotFoundError: No module named 'week3'", {"week3.py": ""}, {}, ""),
        ("cell 9 raised ModuleNotFoundError: No module named 'week3'", {}, {"bridge-1": Mark("ada", "bridge-1")}, ""),
        ("cell 1 raised KeyError: 'week3'", {}, {}, ""),
    ],
)
def test_a_lesson_that_was_not_handed_on_is_asked_for(monkeypatch, problem, lessons, marks, told):
    monkeypatch.setattr(sandbox, "start", lambda *_: SimpleNamespace(close=lambda: None))
    run = NotebookRun("ada", "", [], {}, sandbox.Place(lessons=lessons), limit=9, cell_limit=9)
    monkeypatch.setattr(run, "_follow", lambda _: None)
    run._problem, run._marks = problem, marks
    assert run.run().problem == problem + told


def test_a_notebook_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    written = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('lab.exercise("bridge-1")')]))
    (tmp_path / "ada.ipynb").write_text(written, encoding="utf-8-sig")
    assert collected.read(tmp_path / "ada.ipynb").begins == ["bridge-1"]
