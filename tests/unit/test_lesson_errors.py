"""A mistake in somebody's own lesson is told in one line, with the file and the line; a template of one is written whole or not at all."""

import importlib.util
import re

import pytest
from click.testing import CliRunner

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.cli import main
from podnet_lab.errors import BadInput, LabError, LessonFailed
from podnet_lab.exercises import Exercise, Mistake, assess, lesson_errors
from podnet_lab.exercises.claims import Check
from podnet_lab.grading import lesson_files, new_exercise

LESSON = """
def fails(lab):
    yield Check("this holds")
    yield Check("this does not", helper(lab))

def helper(lab):
    return lab.nothing_of_that_name

def no_generator(lab):
    return 7

def missing(cluster):
    return cluster["node9"]

def wrong(cluster):
    return len(7)

def hints(lab, level):
    return 1 / 0

def does_not_hold(lab):
    yield Check("this", "no")
"""


@pytest.fixture
def lesson(tmp_path):
    file = tmp_path / "week7.py"
    file.write_text(f"from podnet_lab.exercises import Check\n{LESSON}")
    spec = importlib.util.spec_from_file_location("week7", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Lab:
    """As much of one as a check that fails asks for."""

    plan = type("Plan", (), {"nodes": ()})

    def snapshot(self, *_):
        return {}


def exercise(check, *mistakes, hints=("a?", "b", "c")):
    return Exercise("week7-1", "One", "Do it.", check, hints, mistakes)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("fails", r"the check of week7-1 failed: week7\.py, line 8: AttributeError: 'Lab' object has no attribute 'nothing_of_that_name'"),
        ("no_generator", r"the check of week7-1 failed: week7\.py, line 10: it returns 7, and a check yields a Check for each claim"),
    ],
)
def test_what_a_check_raises_is_told_with_its_line(lesson, check, said):
    with pytest.raises(LessonFailed, match=f"^{said}$"):
        assess(exercise(getattr(lesson, check)), Lab())


def test_what_a_check_means_is_no_mistake_of_it(lesson):
    def refuses(lab):
        raise LabError("not now")
        yield

    assert assess(exercise(refuses), Lab()).verdict == "could not test"


def test_a_mistake_that_looks_for_what_is_not_there_is_not_seen_and_one_that_is_wrong_is_told(lesson):
    assert assess(exercise(lesson.does_not_hold, Mistake("a", lesson.missing, "?")), Lab()).mistake is None
    with pytest.raises(LessonFailed, match=r"^the mistake 'b' failed: week7\.py, line 17: TypeError: object of type 'int' has no len\(\)$"):
        assess(exercise(lesson.does_not_hold, Mistake("b", lesson.wrong, "?")), Lab())


def test_hints_that_fail_are_told(lesson):
    with pytest.raises(LessonFailed, match=r"^the hints of week7-1 failed: week7\.py, line 20: ZeroDivisionError: division by zero$"):
        exercise(lesson.fails, hints=lesson.hints).hint(Lab(), 1)


def test_a_notebook_shows_one_line(lesson):
    with pytest.raises(LessonFailed) as failed:
        assess(exercise(lesson.fails), Lab())
    assert len(failed.value._render_traceback_()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ny = x +\n", r"line 2: SyntaxError: invalid syntax"),
        ("import no_such_module_here\n", r"line 1: ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("def f():\n    return undefined\n\nEXERCISES = [f()]\n", r"line 2: NameError: name 'undefined' is not defined"),
        ("import json\n\njson.loads('{')\n", r"line 3: JSONDecodeError: "),
    ],
)
def test_a_lesson_that_can_not_be_read_is_told_with_its_line(tmp_path, text, said):
    file = tmp_path / "week8.py"
    file.write_text(text)
    with pytest.raises(BadInput, match=rf"week8\.py can't be read: week8\.py, {said}"):
        lesson_files.exercises([file])


def test_a_line_of_an_exercise_of_this_package_is_told_as_well():
    def check(lab):
        yield Check("it", lab.no_such_thing)

    with pytest.raises(AttributeError) as error:
        next(check(Lab()))
    assert re.match(r"test_lesson_errors\.py, line \d+: AttributeError", lesson_errors.told(error.value))


def test_a_template_is_written_once_and_whole(tmp_path):
    done = CliRunner().invoke(main, ["new-exercise", "week3", "--in", str(tmp_path)])
    assert done.exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*.py")) == ["week3.py", "week3_solutions.py"]
    assert list(lesson_files.exercises([tmp_path / "week3.py"])) == ["week3-1"]
    assert list(lesson_files.solutions(tmp_path / "week3_solutions.py")) == ["week3-1"]
    (tmp_path / "week3.py").unlink()
    (tmp_path / "week3_solutions.py").write_text("mine")
    done = CliRunner().invoke(main, ["new-exercise", "week3", "--in", str(tmp_path)])
    assert done.exit_code == 2
    assert "week3_solutions.py is there already. Nothing was written" in done.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.glob("*.py")] == [("week3_solutions.py", "mine")]


@pytest.mark.parametrize("name", ["", "3week", "week-3", "../week3", "_week", "wéek", "w" * 41, "week3.py"])
def test_a_name_that_no_python_file_can_have_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="can't be a lesson's name"):
        new_exercise.write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"), [("class", "a word of Python"), ("json", "a module 'json' of its own"), ("bridge", "an exercise bridge-1 itself")]
)
def test_a_name_that_means_something_else_is_refused(tmp_path, name, why):
    with pytest.raises(BadInput, match=why):
        new_exercise.write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
