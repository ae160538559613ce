"""What may be handed in, whatever it is: each file is somebody's paper, none is lost, and none stops the others. Without a kernel."""

import json
import os
import unicodedata
from dataclasses import asdict
from types import SimpleNamespace

import nbformat
import pytest

from podnet_lab.errors import BadInput, NoLab
from podnet_lab.exercises import Check, Exercise
from podnet_lab.exercises.attempts import Record, Records

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.grading import collected, grade_running_lab, lesson_files, memory, notebook_run, sandbox
from podnet_lab.grading.judge import MOST_WORDS, judge
from podnet_lab.grading.looker import Looker, LookFailed
from podnet_lab.grading.marks import Mark
from podnet_lab.kernel import bounded_file, sandbox_root

HOLDS = Exercise("x-1", "t", "t", lambda _: [Check("it holds")], ("a", "b", "c"))


def notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


def nested(depth):
    return b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"x": ' + b"[" * depth + b"]" * depth + b"}}"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[" * 200_000, "this is not a notebook"),
        (nested(200_000), "this is not a notebook"),
        (nested(900), ""),  # whether that is too deep is Python's to say: it is a paper either way
        (b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"x": ' + b"9" * 10_000 + b"}}", "this is not a notebook"),
        (b'{"cells": [], "nbformat": 99, "nbformat_minor": 5, "metadata": {}}', "this is not a notebook"),
        (b'{"cells": [], "nbformat": -1, "nbformat_minor": [], "metadata": {}}', "this is not a notebook"),
        (
            b'{"cells": [{"cell_type": "code", "source": 3, "metadata": {}, "outputs": []}], "nbformat": 4, "metadata": {}}',
            "not a notebook",
        ),
        (b"\xff\xfe" + "{}".encode("utf-16-le"), "of another kind"),
        (b"NaN", "this is not a notebook"),
    ],
)
def test_whatever_a_file_has_in_it_is_its_own_paper(tmp_path, monkeypatch, data, words):
    monkeypatch.setattr(sandbox.Place, "refuse", lambda _: None)
    monkeypatch.setattr(notebook_run.NotebookRun, "run", lambda self: collected.Paper(self.who))
    (tmp_path / "junk.ipynb").write_bytes(data)
    notebook(tmp_path / "ada.ipynb", "1")
    ada, junk = collected.grade(tmp_path, {"x-1": HOLDS}, ["x-1"])
    assert words in junk.problem
    assert (ada.who, ada.problem) == ("ada", "")


def test_a_file_that_is_too_big_is_not_read(tmp_path):
    with open(tmp_path / "big.ipynb", "wb") as file:
        file.truncate(collected.MOST + 1)
    assert "more than 16 MB" in collected.read(tmp_path / "big.ipynb")


def test_what_is_no_file_is_a_paper_too(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "gone.ipynb").symlink_to("nowhere")
    (tmp_path / "endless.ipynb").symlink_to("/dev/zero")
    (tmp_path / "round.ipynb").symlink_to("round.ipynb")
    papers = {paper.who: paper.problem for paper in collected.grade(tmp_path, {}, ["x-1"])}
    assert set(papers) == {"pipe", "gone", "endless", "round"}
    assert papers["pipe"] == papers["endless"] == "this is not a notebook: it is no regular file"
    assert papers["gone"] == "the file can't be read: No such file or directory"
    assert all(papers.values())


def test_nobodys_paper_is_passed_over_for_its_name(tmp_path):
    for name in ("__eve__.ipynb", "-rf.ipynb", "a\nb.ipynb", "__week1__/bob.ipynb"):
        notebook(tmp_path / name, "1")
    for name in ("__MACOSX/._ada.ipynb", "__pycache__/x.ipynb", ".ipynb_checkpoints/x.ipynb"):
        notebook(tmp_path / name, "1")
    names = [path.relative_to(tmp_path).as_posix() for path in collected.find(tmp_path)]
    assert names == ["-rf.ipynb", "__eve__.ipynb", "__week1__/bob.ipynb", "a\nb.ipynb"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada lovelace", "ada\u2028lovelace"),
        ("ada lovelace", "ada  lovelace"),
        ("ada", "ada\u200b"),
        ("ada", " ada"),
        ("a\tb", "a\x1bb"),
        (unicodedata.normalize("NFC", "zoë"), unicodedata.normalize("NFD", "zoë")),
        ("=ada", "'=ada"),
        ("week1/ada b", "week1/ada\nb"),
    ],
)
def test_two_papers_that_look_the_same_are_refused_before_any_is_run(tmp_path, monkeypatch, one, other):
    monkeypatch.setattr(notebook_run.NotebookRun, "run", lambda _: pytest.fail("one was run"))
    for name in (one, other):
        notebook(tmp_path / f"{name}.ipynb", "1")
    with pytest.raises(BadInput, match="two notebooks would both be") as refused:
        collected.grade(tmp_path, {})
    assert "Rename one of them" in str(refused.value)
    assert str(refused.value).isascii() or one.startswith("zo")


def test_what_one_has_made_up_is_not_asked_of_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox.Place, "refuse", lambda _: None)
    marks = {"ada": (Mark("ada", "x-1", "solved"),), "eve": (Mark("eve", "made-up-1", "not solved", "no"),)}
    monkeypatch.setattr(notebook_run.NotebookRun, "run", lambda self: collected.Paper(self.who, marks[self.who]))
    notebook(tmp_path / "ada.ipynb", 'lab.exercise("x-1")')
    notebook(tmp_path / "eve.ipynb", 'lab.exercise("made-up-2")')
    ada, eve = collected.grade(tmp_path, {"x-1": HOLDS})
    assert [mark.exercise for mark in ada.marks] == ["x-1"]
    assert ada
    assert [(mark.exercise, mark.verdict) for mark in eve.marks] == [("x-1", "not begun"), ("made-up-1", "not solved")]


@pytest.mark.parametrize(
    "record",
    [
        Record("not solved", "x" * 10**6, 10**9, -3, given_up=1),
        Record(["solved"], {"x": ["y"] * 10**5}, 1.5, True),
    ],
)
def test_a_records_words_and_numbers_have_a_measure(record):
    mark = judge(None, {"x-1": HOLDS}, "ada", "x-1", Records("x-1", {"x-1": record}))
    assert len(mark.why) <= MOST_WORDS + 1
    assert (mark.tries, mark.verdict) == (0, "not solved")
    assert mark.hints in (0, 1)


def test_what_was_read_once_is_not_forgotten(monkeypatch):
    """The worst of all looks counts, whatever a later record says; what was solved stays so."""
    run = notebook_run.NotebookRun("ada", "", [], {}, sandbox.Place(), limit=60, cell_limit=60)
    looks = iter(
        [
            {"marks": [], "records": {"a": [3, 2, False], "b": [0, 0, True], "c": [0, 1, False]}},
            {"marks": [asdict(Mark("ada", name, "solved")) for name in "abc"], "records": {name: [0, 1, False] for name in "abc"}},
            {"marks": [asdict(Mark("ada", "c", "not solved"))], "records": {"c": [3, 9, True]}},
            {"marks": [asdict(Mark("ada", name, "not checked")) for name in "ac"], "records": {"a": [0, 0, False]}},  # begun again
        ]
    )
    looker, started = SimpleNamespace(ask=lambda *_: next(looks)), SimpleNamespace(refuse_too_much=None)
    assert all(run._look(looker, started) for _ in range(4))
    found = {name: (mark.verdict, mark.hints, mark.explanations) for name, mark in run._marks.items()}
    assert found == {"a": ("solved", 3, 2), "b": ("not solved", 0, 1), "c": ("solved", 0, 1)}


def test_a_file_that_somebody_else_made_is_read_if_it_is_one(tmp_path):
    (tmp_path / "file").write_text("x" * 10)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "way").symlink_to("folder")
    assert bounded_file.read(str(tmp_path / "file"), 10) == b"x" * 10
    assert [bounded_file.read(str(tmp_path / name), 9) for name in ("file", "pipe", "link", "folder", "none")] == [None] * 5
    assert bounded_file.read("/dev/zero", 10) is None
    with bounded_file.folder(str(tmp_path), "folder") as descriptor:
        assert os.listdir(descriptor) == []
    with pytest.raises(OSError, match="way"), bounded_file.folder(str(tmp_path), "way"):
        pass


def loop():
    while True:
        pass


@pytest.mark.parametrize(
    ("look", "words", "over"),
    [
        (loop, "did not answer in time", True),
        (lambda: os._exit(3), "was ended by that", True),
        (lambda: os.kill(os.getpid(), 9), "was ended by that", True),
        (lambda: "x" * (5 << 20), "says too much", True),
        (lambda: bytearray(1 << 45), "MemoryError", False),
        (lambda: 1 // 0, "ZeroDivisionError", False),
        (lambda: object(), "was ended by that", True),
        (lambda: json.loads("[" * 10**6), "RecursionError", False),
    ],
)
def test_whatever_a_look_meets_it_ends_and_says_so(look, words, over):
    looker = Looker(look)
    try:
        for _ in range(2):  # and whoever looks next is another process
            with pytest.raises(LookFailed, match=words) as failed:
                looker.ask(0.5)
            assert failed.value.over == over
    finally:
        looker.close()


def test_a_running_lab_that_does_not_answer_is_no_lab(monkeypatch):
    monkeypatch.setattr(grade_running_lab, "running", lambda *_: loop())
    monkeypatch.setattr(grade_running_lab, "SECONDS", 0.3)
    with pytest.raises(NoLab, match="did not answer in time"):
        grade_running_lab.in_time({})


def said(script, deadline=5.0):
    """What a program says, to whoever follows a notebook's run."""
    run = sandbox.Run(sandbox._popen(["python3", "-c", f"import sys, time; {script}"], None), sandbox.Limits())
    try:
        return run.hear(sandbox.time.monotonic() + deadline, "too late")
    finally:
        run.close()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('[[[')", "can't be understood"),
        ("print('[' * 50000)", "can't be understood"),
        ("print('3')", "can't be understood"),
        ("sys.stdout.buffer.write(bytes(1 << 20))", "can't be understood"),
        ("sys.stdout.write('{' * 10); sys.stdout.flush(); time.sleep(60)", "too late"),
        ("pass", "ended the process that runs it"),
    ],
)
def test_whatever_a_notebooks_process_says_is_a_line_in_time_or_its_end(script, words):
    with pytest.raises(sandbox.Stopped, match=words):
        said(script, 0.5 if words == "too late" else 5.0)
    assert said("print('{\"cell\": 3}')") == {"cell": 3}


def test_a_lessons_own_files_are_handed_on_and_nothing_that_lies_beside_them(tmp_path):
    (tmp_path / "lesson_a.py").write_text(
        "import lesson_b\nfrom podnet_lab.exercises import *\nEXERCISES = [Exercise('a-1', 't', 't', lambda _: [], ('a', 'b', 'c'))]"
    )
    (tmp_path / "lesson_b.py").write_text("import lesson_kit.more")
    (tmp_path / "lesson_kit").mkdir()
    for name in ("lesson_kit/__init__.py", "lesson_kit/more.py", "lesson_a_solutions.py", "marks.py"):
        (tmp_path / name).write_text("")
    lesson_files.exercises([tmp_path / "lesson_a.py"])
    assert sorted(lesson_files.sources([tmp_path / "lesson_a.py"])) == [
        "lesson_a.py",
        "lesson_b.py",
        "lesson_kit/__init__.py",
        "lesson_kit/more.py",
    ]


def test_the_machines_memory_is_read_as_the_kernel_writes_it():
    assert memory.left("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  400 kB\n") == (1000 << 10, 400 << 10)
    mine = memory.descendants(os.getpid())
    assert os.getpid() in mine
    assert os.getppid() not in mine
    assert memory.of_processes({os.getpid()}) > 1 << 20
    assert memory.too_much(os.getpid(), 1 << 40) == ""
    assert "more than 1 MB of memory" in memory.too_much(os.getpid(), 1 << 20)


def test_a_machine_without_memory_ends_the_notebook_that_runs(monkeypatch):
    monkeypatch.setattr(memory, "left", lambda _: (16 << 30, 100 << 20))
    assert memory.too_much(os.getpid(), 1 << 40) == "the machine had no memory left while it ran"


def test_a_place_for_a_new_root_holds_nothing_of_what_is_shown(tmp_path):
    assert sandbox_root.place(["/usr"]) == next(path for path in sandbox_root.PLACES if os.path.isdir(path) and not os.path.islink(path))
    with pytest.raises(FileNotFoundError):
        sandbox_root.place([f"{path}/x" for path in sandbox_root.PLACES])
