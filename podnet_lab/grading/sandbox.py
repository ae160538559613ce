"""
Where a collected notebook runs: in a sandbox (`podnet_lab.kernel.sandbox`), or, if that was asked for, without one.

Either way it is another process, `podnet_lab.grading.notebook_cells`; what that says comes through a pipe, of which no more
is read than a line may have, and no longer than somebody waits.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import podnet_lab
from podnet_lab.backends import doctor, vms
from podnet_lab.errors import CannotRun
from podnet_lab.grading import memory

HOME, LESSONS, RUNTIME = "/home/student", "/home/student/lesson", "/run/user"
MACHINE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store")
"""What a Python, and a node's programs, need of a machine, as far as there is such a folder."""

PASSED_ON = ("PATH", "LANG", "LANGUAGE", "TZ", "TERM")
"""What of the grader's environment a notebook sees; the rest may be anybody's secret."""

LINE = 64 * 1024
"""Bytes of one thing that is said."""

READY = 20.0
"""Seconds in which a sandbox is there."""

END = 10.0
"""Seconds in which all of a sandbox's processes are gone, once they were ended."""

LOOKS = 0.25
"""Seconds after which it is looked again how much memory a notebook has."""

WITHOUT = "or, for notebooks that you would run yourself, `podnet grade --no-sandbox`"


@dataclass(frozen=True)
class Limits:
    """What one notebook may use: *memory* of all its processes and of what it writes, in MB, and how many *processes*."""

    memory: int = 2048
    processes: int = 600

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return self.memory << 20


@dataclass(frozen=True)
class Place:
    """
    How notebooks are run: in a sandbox or not, within *limits*, with the *lessons*' files (by path, their text) to import.

    *private* are folders of which nothing is seen, even where Python, or what is installed there, lies around them.
    """

    sandbox: bool = True
    limits: Limits = Limits()
    lessons: Mapping[str, str] = field(default_factory=dict)
    private: Sequence[Path] = ()

    def refuse(self) -> None:
        """Raise CannotRun, which says what helps, if this can't be had here; found out by trial."""
        if self.sandbox:
            trial = "import sys; print('{}', flush=True); sys.stdin.read()"  # it is there until it was seen
            run = _in_sandbox("trial", "", self, [sys.executable, "-I", "-S", "-c", trial])
            try:
                if said := run.hear(time.monotonic() + READY, "it said nothing"):
                    raise CannotRun(_why_not(str(said.get("cannot", said))))
            except Stopped as stopped:
                raise CannotRun(_why_not(str(stopped))) from stopped
            finally:
                run.close()


class Stopped(Exception):
    """A notebook's run has ended: the message says why, in words about the notebook."""


class Late(Stopped):
    """It did not say anything in time; it runs still."""


class Run:
    """One notebook's processes; `close` ends all of them. *init* is the first of its sandbox, as seen from here, or None."""

    def __init__(self, process: subprocess.Popen, limits: Limits, folder: str | None = None) -> None:
        self._process, self._limits, self._folder = process, limits, folder
        self._rest = b""
        self.init: int | None = None
        self._first = -1

    def begun(self, init: int) -> None:
        """Its sandbox is there, and this is its first process."""
        self._first = os.pidfd_open(init)
        self.init = init

    def hear(self, deadline: float, late: str) -> dict:
        """The next thing that is said; Late, with *late*, after the *deadline*; Stopped, with why, if nothing more will come."""
        while b"\n" not in self._rest:
            if len(self._rest) > LINE:
                raise Stopped("it says what can't be understood")
            self.refuse_too_much()
            if (left := deadline - time.monotonic()) <= 0:
                raise Late(late)
            if select.select([self._process.stdout], [], [], min(left, LOOKS))[0]:
                self._rest += self._read()
        line, _, self._rest = self._rest.partition(b"\n")
        return _said(line)

    def _read(self) -> bytes:
        if more := os.read(self._process.stdout.fileno(), LINE):
            return more
        raise Stopped("it ended the process that runs it")

    def refuse_too_much(self) -> None:
        """Raise Stopped if its processes have more memory than they may; whoever waits for anything asks that now and then."""
        if self.init is not None and (problem := memory.too_much(self.init, self._limits.bytes)):
            raise Stopped(problem)

    def go_on(self) -> None:
        """Let it go on; what is not there any more need not be told."""
        with suppress(OSError):
            os.write(self._process.stdin.fileno(), b"\n")

    def close(self) -> None:
        """End everything that it has started, and what it has left."""
        with suppress(OSError):
            self._process.stdin.close()  # without a sandbox, that ends its kernel
        if self.init is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        if self._first != -1:
            with suppress(OSError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            select.select([self._first], [], [], END)  # it ends after all that is below it
            os.close(self._first)
            self._first = -1
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _said(line: bytes) -> dict:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Stopped("it says what can't be understood")
    return said


def start(name: str, notebook: str, place: Place) -> Run:
    """Start to run a *notebook*'s text, of the student *name*; CannotRun if there can be no sandbox."""
    return _in_sandbox(name, notebook, place) if place.sandbox else _without(name, notebook, place)


def _cells(path: str, name: str, *more: str) -> list[str]:
    return [sys.executable, "-P", "-m", "podnet_lab.grading.notebook_cells", path, name, *more]


def _in_sandbox(name: str, notebook: str, place: Place, command: list[str] | None = None) -> Run:
    path = f"{HOME}/{Path(name).name or 'notebook'}.ipynb"
    order = {
        "command": command or _cells(path, name),
        "env": _environment(),
        "home": HOME,
        "show": shown(),
        "hide": [f"{_package()}/exercises/solutions", *hidden(place.private, shown())],
        "files": {path: notebook, **{f"{LESSONS}/{file}": text for file, text in place.lessons.items()}},
        "folders": {HOME: 0o700, RUNTIME: 0o700, "/tmp": 0o1777, "/var/tmp": 0o1777, **_folders(place.lessons)},  # noqa: S108 - its own
        "size": place.limits.bytes // 4,
        "memory": place.limits.bytes * 2,
        "processes": place.limits.processes,
    }
    content = json.dumps(order).encode()
    process = _popen([sys.executable, "-P", "-m", "podnet_lab.kernel.sandbox", str(os.getpid())], None)
    run = Run(process, place.limits)
    try:
        with suppress(BrokenPipeError):  # what it has to say comes now
            process.stdin.write(b"%d\n" % len(content) + content)
            process.stdin.flush()
        said = run.hear(time.monotonic() + READY, "it did not begin")
        if not isinstance(said.get("init"), int):
            raise CannotRun(_why_not(str(said.get("cannot", said))))
        try:
            run.begun(said["init"])
        except ProcessLookupError:  # it has ended already, and said why
            last = run.hear(time.monotonic() + READY, "it ended")
            raise CannotRun(_why_not(str(last.get("cannot", f"it ended at once, and said {last}")))) from None
    except (Stopped, ProcessLookupError) as stopped:
        run.close()
        raise CannotRun(_why_not(str(stopped))) from stopped
    except BaseException:
        run.close()
        raise
    return run


def _popen(command: list[str], env: dict[str, str] | None) -> subprocess.Popen:
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, env=env, bufsize=0
    )


def _without(name: str, notebook: str, place: Place) -> Run:
    folder = tempfile.mkdtemp(prefix="podnet-grade-")
    path = Path(folder, "work", f"{Path(name).name or 'notebook'}.ipynb")
    lessons, temporary = Path(folder, "lesson"), Path(folder, "tmp")
    for file, text in {str(path): notebook, **{str(lessons / file): text for file, text in place.lessons.items()}}.items():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(text, encoding="utf-8")
    for one in (lessons, temporary):
        one.mkdir(exist_ok=True)
    before = os.environ.get("PYTHONPATH", "")
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join([str(lessons), *([before] if before else [])])}
    return Run(_popen(_cells(str(path), name, folder), environment), place.limits, folder)


def _package() -> str:
    return os.path.dirname(podnet_lab.__file__)


def shown() -> list[str]:
    """What of this machine a sandbox sees: Python, what is installed there, this package, and the system's programs."""
    python = {sys.executable, *_prefixes()}
    return sorted({*MACHINE, *python, *map(os.path.realpath, python), _package()} - {"/"})


def hidden(private: Sequence[Path], shown: Sequence[str]) -> list[str]:
    """Of folders those that lie inside of one that is *shown*, and would be seen there."""
    folders = [folder.resolve() for folder in private]
    return [str(folder) for folder in folders if any(Path(one) in folder.parents for one in shown)]


def _prefixes() -> list[str]:
    return [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]


def _environment() -> dict[str, str]:
    known = {key: value for key, value in os.environ.items() if key in PASSED_ON or key.startswith("LC_")}
    return known | {
        "HOME": HOME,
        "XDG_RUNTIME_DIR": RUNTIME,
        "PYTHONPATH": os.pathsep.join([LESSONS, os.path.dirname(_package())]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",  # each arena takes 64 MB of what a process may have, and uses none of it
    }


def _folders(lessons: Mapping[str, str]) -> dict[str, int]:
    return {LESSONS: 0o700, **{os.path.dirname(f"{LESSONS}/{file}"): 0o700 for file in sorted(lessons)}}


def _why_not(words: str) -> str:
    return f"no sandbox can be made here ({words}): {doctor.remedy(words)}; {WITHOUT}"


def why_without(asked: bool) -> str:
    """Why notebooks run without a sandbox, and what that means."""
    why = "it was asked for" if asked else "the lab of VMs is reached by ssh and sudo, which no sandbox has"
    return f"{why}; the notebooks run as you, and can do whatever you can"


def kill(process: int) -> None:
    """End a child of this process, and wait for its end."""
    with suppress(OSError):
        os.kill(process, signal.SIGKILL)
    with suppress(OSError):
        os.waitpid(process, 0)


def usual(limits: Limits, lessons: Mapping[str, str], wanted: bool = True, private: Sequence[Path] = ()) -> Place:
    """A sandbox, where it is *wanted*; none on the lab's VMs, which are reached by ssh and sudo, as no sandbox may."""
    return Place(wanted and vms.here() is None, limits, lessons, private)
