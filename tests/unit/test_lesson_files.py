"""A teacher's own files: whatever is wrong with one is told in one line, and nothing of Python's is hidden by it."""

import importlib
import json
import selectors
import sys

import pytest
from click.testing import CliRunner

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.checks.check import Check, Checks
from podnet_lab.cli import main
from podnet_lab.errors import BadInput, LessonFailed
from podnet_lab.exercises import Exercise, assess
from podnet_lab.exercises.lesson_errors import in_lesson
from podnet_lab.grading import lesson_files, new_exercise

LESSON = """from podnet_lab.exercises import Check, Exercise
EXERCISES = [Exercise(name="q-1", title="t", task="t", check=lambda lab: [Check("x", None)], hints=("a", "b", "c"))]
"""


@pytest.fixture(autouse=True)
def modules():
    """What lessons put among Python's modules goes with the test."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def file(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "line", ["import sys; sys.exit(0)", "exit()", "raise SystemExit", "raise GeneratorExit", "class Own(BaseException): pass\nraise Own"]
)
def test_a_lesson_that_ends_python_is_an_error(tmp_path, line):
    path = file(tmp_path, "ending.py", f"EXERCISES = []\n{line}\n")
    with pytest.raises(BadInput, match=r"ending\.py can't be read: ending\.py, line [23]: "):
        lesson_files.exercises([path])


def test_grading_with_a_lesson_that_ends_python_is_no_success(tmp_path):
    path = file(tmp_path, "ending.py", "import sys\nEXERCISES=[]\nsys.exit(0)\n")
    for words in (["grade", str(tmp_path), "--lesson", str(path)], ["prove", str(path), str(path)]):
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, done.output.count("\n")) == (2, 1)
        assert "ending.py, line 3: SystemExit: 0" in done.output


def test_an_interrupt_stays_one(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        lesson_files.exercises([file(tmp_path, "slow.py", "raise KeyboardInterrupt")])
    with pytest.raises(KeyboardInterrupt), in_lesson("check"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["json", "selectors", "queue", "pytest", "click", "podnet_lab", "__main__", "tabnanny"])
def test_a_lesson_hides_no_module_of_pythons(tmp_path, name):
    path = file(tmp_path, f"{name}.py", LESSON)
    with pytest.raises(BadInput, match=f"Python has a module '{name}' of its own"):
        lesson_files.exercises([path])
    assert (sys.modules["json"], sys.modules["selectors"]) == (json, selectors)
    assert not hasattr(importlib.import_module(name), "EXERCISES")


def test_no_lesson_is_begun_with_a_name_that_python_has(tmp_path):
    with pytest.raises(BadInput, match="Python has a module 'json' of its own"):
        new_exercise.write("json", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lesson_may_be_read_again_and_from_another_folder(tmp_path):
    (tmp_path / "other").mkdir()
    for folder in (tmp_path, tmp_path, tmp_path / "other"):
        assert list(lesson_files.exercises([file(folder, "week3.py", LESSON)])) == ["q-1"]


@pytest.mark.parametrize(
    "coding", ["# -*- coding: latin-1 -*-", "#!/usr/bin/python3\n# vim: set fileencoding=latin-1 :", "# coding=latin-1"]
)
def test_a_lesson_is_written_as_its_coding_line_says(tmp_path, coding):
    path = tmp_path / "umlaut.py"
    path.write_bytes(f"{coding}\nimport umlaut_helper\nWORD = '\xf6'\n{LESSON}".encode("latin-1"))
    (tmp_path / "umlaut_helper.py").write_bytes(b"# coding: latin-1\nWORD = '\xe4'\n")
    lesson_files.exercises([path])
    sources = lesson_files.sources([path])

    assert sorted(sources) == ["umlaut.py", "umlaut_helper.py"]
    assert _word(sources["umlaut.py"].replace("import umlaut_helper\n", "")) == "\xf6"
    assert _word(sources["umlaut_helper.py"]) == "\xe4"


def _word(text):
    names = {}
    exec(compile(text.encode(), "a lesson", "exec"), names)  # noqa: S102 - as Python reads the file that a sandbox gets
    return names["WORD"]


def test_an_ordinary_lesson_is_handed_on_letter_by_letter(tmp_path):
    for text in (LESSON, f"\n\n{LESSON}# coding: latin-1", f'"""\n\xe4 coding: x"""\n{LESSON}\n'):
        path = tmp_path / "plain.py"
        path.write_text(text, encoding="utf-8")
        lesson_files.exercises([path])
        assert lesson_files.sources([path]) == {"plain.py": text}


CHECKS = """from podnet_lab.exercises import Check

def number(lab):
    yield Check("x")
    yield 3

def text(lab):
    yield "solved"

def deep(lab):
    yield from text(lab)

def listed(lab):
    return [Check("x"), True]

def nothing(lab):
    Check("x")

def a_class(lab):
    yield Check

def long(lab):
    yield "\\n" * 100

def leaves(lab):
    raise SystemExit
    yield Check("x")
"""

TOLD = {
    "number": "line 5: it yields 3, and a check yields a Check for each claim",
    "text": "line 8: it yields 'solved', and a check yields a Check for each claim",
    "deep": "line 8: it yields 'solved', and a check yields a Check for each claim",
    "listed": "line 13: it yields True, and a check yields a Check for each claim",
    "nothing": "line 16: it returns None, and a check yields a Check for each claim",
    "a_class": "line 20: it yields <class 'podnet_lab.checks.check.Check'>, and a check yields a Check for each claim",
    "long": "line 23: it yields a str, and a check yields a Check for each claim",
    "leaves": "line 26: SystemExit: ",
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_no_check_is_the_lessons_mistake(tmp_path, name):
    path, names = file(tmp_path, "odd.py", CHECKS), {}
    exec(compile(path.read_text(), str(path), "exec"), names)  # noqa: S102 - the test's own
    exercise = Exercise(name="q-1", title="t", task="t", check=names[name], hints=("a", "b", "c"))
    with pytest.raises(LessonFailed) as failed:
        assess(exercise, None)
    assert str(failed.value) == f"the check of q-1 failed: odd.py, {TOLD[name]}"


def test_what_is_a_check_is_judged():
    for checks in ([Check("x")], Checks([Check("x")]), (Check("x") for _ in range(2))):
        assert assess(Exercise(name="q-1", title="t", task="t", check=lambda lab, said=checks: said, hints=("a", "b", "c")), None)
