"""What a collected notebook sees of the machine that grades it, and what is left when it, or the grader, has ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from live.grading_probes import BEGIN, PROBES, probe
from live.grading_runs import OPEN, SMALL, graded, marked_processes, write
from live.helpers import environment, until
from podnet_lab.grading import sandbox
from podnet_lab.grading.memory import descendants
from podnet_lab.grading.sandbox import Limits


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """What one notebook has found out, by the name of what it tried."""
    folder, shared = tmp_path_factory.mktemp("collected"), Path(f"/dev/shm/{uuid.uuid4()}")
    (folder / "bob.ipynb").write_text("{")
    (folder / "marks.csv").write_text("bob")
    (folder / "week3_solutions.py").write_text("SOLUTIONS = {}")
    shared.write_text("x")
    os.environ["TEACHERS_SECRET"] = "x"  # noqa: S105
    package = str(Path(sandbox.__file__).parents[1])
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0podnet-test-{uuid.uuid4()}")
        abstract.listen()
        values = {
            "folder": str(folder),
            "grader": os.getpid(),
            "outside": str(folder.parent),
            "shared": str(shared),
            "port": server.getsockname()[1],
            "abstract": abstract.getsockname().decode(),
            "package": package,
        }
        cells = [BEGIN, *(probe(name, words.format(**values)) for name, (words, _) in PROBES.items())]
        # An error's words are cut after a while: the results come in parts.
        cells.append("raise Exception(json.dumps(list(found.values())))")
        try:
            lessons = {"week3.py": "X = 3\nfrom week3_more import Y", "week3_more.py": "Y = 4"}
            paper = graded(folder, {"prober": cells}, lessons=lessons)["prober"]
        finally:
            del os.environ["TEACHERS_SECRET"]
            shared.unlink()
    assert "raised Exception: [" in paper.problem, paper.problem
    assert (folder / "marks.csv").read_text() == "bob"
    return dict(zip(PROBES, json.loads(paper.problem.partition("Exception: ")[2]), strict=True))


@pytest.mark.parametrize("name", PROBES)
def test_a_notebook_sees_its_own_file_and_the_lesson_and_nothing_of_the_teachers(probed, name):
    assert probed[name] in [str(one).strip("'") if one == "''" else one for one in PROBES[name][1]]


BEGUN = """import glob
count = lambda: sum({word!r}.encode() in open(path, 'rb').read() for path in glob.glob('/proc/[0-9]*/cmdline'))
for _ in range(2000):
    try:
        if count() >= 3:
            break
    except OSError:
        pass
assert count() >= 3
"""


def test_a_process_that_would_outlive_its_notebook_does_not(tmp_path):
    word = f"left-{uuid.uuid4()}"
    leave = f"""import subprocess, sys
script = "import time, os; os.setsid() if os.fork() == 0 else None; time.sleep(600)"
subprocess.Popen([sys.executable, '-c', script, {word!r}], start_new_session=True)
subprocess.Popen(['unshare', '-Urp', '--fork', 'sh', '-c', 'sleep 600', {word!r}], start_new_session=True)
"""
    paper = graded(tmp_path, {"ada": [leave, BEGUN.format(word=word)]})["ada"]
    assert paper.problem == ""
    assert marked_processes(word) == []


BOMB = """import os, subprocess, time
while True:
    try:
        subprocess.Popen(['sleep', '600'], start_new_session=True)
    except OSError:
        time.sleep(0.1)
"""
EATERS = """import subprocess, sys
for _ in range(8):
    subprocess.Popen([sys.executable, '-c', 'import time; x = bytearray(10**8); time.sleep(600)'], start_new_session=True)
import time; time.sleep(600)
"""
IGNORE = """import signal, time
for number in set(range(1, 32)) - {9, 19}:
    signal.signal(number, signal.SIG_IGN)
time.sleep(99)
"""
SELF = {
    "all of one's processes killed": ("import os; os.kill(-1, 9)", "it ended the process that runs it"),
    "the parent killed": ("import os; os.kill(os.getppid(), 9)", "it ended the process that runs it"),
    "the parent stopped": ("import os; os.kill(os.getppid(), 19)", "cell 1 took too long"),
    "oneself stopped": ("import os; os.kill(os.getpid(), 19)", "cell 1 took too long"),
    "processes without end": (BOMB, "cell 1 took too long"),
    "memory in one process": ("x = []\nwhile True: x.append(bytearray(10**7))", "memory"),
    "memory in many processes": (EATERS, "it took more than 256 MB of memory"),
    "more than there can be": ("x = bytearray(2**50)", "MemoryError"),
    "an answer that nobody gives": ("input()", "StdinNotImplementedError"),
    "output without end": ("import os\nwhile True: os.write(1, bytes(10**6)); os.write(2, bytes(10**6))", "memory|took too long"),
    "an endless reason": ("raise Exception('x' * 10**6)", "raised Exception: x"),
    "the end of the kernel": ("get_ipython().kernel.do_shutdown(False); import os; os._exit(0)", "ended its kernel"),
    "every signal ignored": (
        "import signal, time\nfor n in range(1, 32):\n    if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\ntime.sleep(99)",
        "took too long",
    ),
}


TIGHT = {"limits": Limits(memory=256, processes=100), "cell_limit": 2.0, "limit": 20.0}
SHORT = ("the parent killed", "processes without end", "memory in many processes", "output without end", "an endless reason")


@pytest.mark.parametrize("name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in SELF])
def test_whatever_a_notebook_does_is_its_own_result(tmp_path, name):
    cell, words = SELF[name]
    began = time.monotonic()
    papers = graded(tmp_path, {name: [cell]} | ({"the last": ["1 + 1"]} if name in SHORT[1:3] else {}), **TIGHT)
    assert any(word in papers[name].problem for word in words.split("|")), papers
    assert len(papers[name].problem) < 3000
    assert all(paper.problem == "" for who, paper in papers.items() if who != name), "the next one is marked as ever"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("way", ["in a sandbox", "without one"])
def test_a_grader_that_is_killed_leaves_nothing(tmp_path, way):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    write(tmp_path / "collected", {"ada": [OPEN, "import time\nopen('here', 'w').write('x')\ntime.sleep(600)"]})
    command = [sys.executable, "-c", "from podnet_lab.cli import main; main()", "grade", str(tmp_path / "collected"), "--limit", "100"]
    process = subprocess.Popen(
        [*command, *(["--no-sandbox"] if way == "without one" else [])],
        env=environment(TMPDIR=str(temporary)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(
            lambda: all(any(_is(word, pid) for pid in descendants(process.pid)) for word in (b"ipykernel", b"door_program")), 30, "a look"
        )
        below = {pid: _born(pid) for pid in descendants(process.pid) - {process.pid}}
        assert len(below) >= 10
        process.send_signal(signal.SIGKILL)
        process.wait(5)
        until(lambda: not [pid for pid, born in below.items() if _born(pid) == born], 5, "the end of all that it had started")
        until(lambda: not list(temporary.iterdir()), 5, "an empty folder of temporary files")
    finally:
        process.kill()
        process.wait()


def _is(word: bytes, pid: int) -> bool:
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _born(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def test_where_no_sandbox_can_be_made_that_is_said_and_nothing_runs(tmp_path):
    """In a user namespace that may have none below it; the machine's own setting is as it was."""
    write(tmp_path, {"ada": ["1 + 1"]})
    grade = f"{sys.executable} -c 'from podnet_lab.cli import main; main()' grade {tmp_path} --exercise bridge-2"
    script = "echo 0 > /proc/sys/user/max_user_namespaces && exec "
    refused, went = (
        subprocess.run(
            ["unshare", "-Ur", "sh", "-c", f"{script}{grade}{more}"],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for more in ("", " --no-sandbox")
    )
    assert refused.returncode != 0
    assert "no sandbox can be made here" in refused.stderr
    assert "user.max_user_namespaces" in refused.stderr
    assert "--no-sandbox" in refused.stderr
    assert "ada" not in refused.stdout
    assert "ada: 0 of 1 solved\n" in went.stdout, went.stderr
    assert "the notebooks run as you" in went.stderr


def test_a_root_in_name_alone_makes_a_sandbox_too(tmp_path):
    write(tmp_path, {"ada": ["1 + 1"]})
    grade = f"exec {sys.executable} -c 'from podnet_lab.cli import main; main()' grade {tmp_path} --exercise bridge-2"
    done = subprocess.run(["unshare", "-Ur", "sh", "-c", grade], env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert "ada: 0 of 1 solved\n" in done.stdout, done.stderr


def test_a_folder_that_lies_beside_python_is_not_seen_either(tmp_path):
    inside = tmp_path / "venv/collected"
    inside.mkdir(parents=True)
    assert sandbox.hidden([inside, tmp_path, tmp_path / "venv"], ["/usr", str(tmp_path / "venv")]) == [str(inside.resolve())]
    private = Path(sandbox.__file__).parents[1] / "explain/firewall"
    paper = graded(tmp_path, {"ada": [f"import os\nraise Exception(os.listdir({str(private)!r}))"]}, private=[private])["ada"]
    assert paper.problem == "cell 1 raised Exception: []"
    assert list(private.iterdir())


def test_a_lab_of_vms_is_graded_without_a_sandbox_and_that_is_said(monkeypatch):
    assert sandbox.usual(SMALL, {}).sandbox
    assert not sandbox.usual(SMALL, {}, wanted=False).sandbox
    monkeypatch.setattr(sandbox.vms, "here", lambda: {"node": "node1"})
    assert not sandbox.usual(SMALL, {}).sandbox
    assert "lab of VMs" in sandbox.why_without(asked=False)
