"""
The running labs of this user: a folder with one small file for each, so that another terminal can find them.

Nothing depends on the files being right: a lab lives and dies with its owner, and an entry whose owner is gone is swept.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from podnet_lab.errors import BadInput, LabError, NoLab


@dataclass(frozen=True)
class Entry:
    """One running lab: who owns it, and which namespaces its nodes live in."""

    name: str
    owner: int
    born: int
    nodes: Mapping[str, dict]
    notebook: str = ""
    where: str = "namespaces"

    def __str__(self) -> str:
        return f"{self.name} of {self.notebook or 'a program'} (process {self.owner})"

    def answers_to(self, name: str) -> bool:
        """Whether *name* is this lab's, its notebook's (with or without .ipynb), or its owner's number."""
        return name in (self.name, self.notebook, self.notebook.removesuffix(".ipynb"), str(self.owner))

    @property
    def alive(self) -> bool:
        """Whether the process that opened it still runs (and is not another one with the same number)."""
        return self.born is not None and birth(self.owner) == self.born


def birth(pid: int) -> int | None:
    """When a process started, in ticks since boot (field 22 of proc(5)'s stat); None if there is none, or it is a zombie."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if rest[0] in "ZX" else int(rest[19])


def folder() -> Path:
    """The user's own folder for running labs, mode 0700; LabError if somebody else made it."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    if not base or not os.access(base, os.W_OK):
        base = tempfile.gettempdir()
    path = Path(base) / f"podnet_lab-{os.geteuid()}"
    with suppress(FileExistsError):  # a folder of ours, or something else: the look below tells
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise LabError(f"{path} is not this user's own folder with mode 0700: remove it, or say where with XDG_RUNTIME_DIR")
    return path


def lab_name(name: str) -> str:
    """Give *name* back if it can name a lab: it becomes part of a file's name; BadInput if not."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name):
        raise BadInput(f"{name!r} can't be a lab's name: letters, digits and . _ -, at most 64 of them")
    return name


def register(name: str, nodes: Mapping[str, dict], where: str = "namespaces") -> Path:
    """List a lab of this process; returns its file."""
    pid = os.getpid()
    path = folder() / f"{pid}-{lab_name(name)}.json"
    entry = {"name": name, "owner": pid, "born": birth(pid), "nodes": dict(nodes), "notebook": notebook(), "where": where}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(entry))
    fresh.replace(path)
    return path


def unregister(path: Path) -> None:
    """Take a lab off the list, and the list away with the last one."""
    path.unlink(missing_ok=True)
    with suppress(OSError):  # there are others
        path.parent.rmdir()


def notebook() -> str:
    """The notebook that this process is the kernel of, as Jupyter tells its kernels."""
    return Path(os.environ.get("JPY_SESSION_NAME", "")).name


def labs() -> list[Entry]:
    """The labs that run, oldest first; entries whose owner is gone are swept."""
    found = []
    for path in folder().glob("*.json"):
        try:
            entry = Entry(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            path.unlink(missing_ok=True)
            continue
        if entry.alive:
            found.append(entry)
        else:
            path.unlink(missing_ok=True)
    return sorted(found, key=lambda entry: (entry.born, entry.name))


def choose(name: str | None = None) -> Entry:
    """The one running lab, or the one called *name* (or owned by process *name*); NoLab if that is none or several."""
    running = labs()
    fits = [entry for entry in running if name is None or entry.answers_to(name)]
    if len(fits) == 1:
        return fits[0]
    if not running:
        raise NoLab("no lab is running: open one in a notebook with Lab.open(), and leave the notebook's kernel running")
    several = ", ".join(map(str, running))
    if not fits:
        raise NoLab(f"no running lab is called {name!r}; there are {several}")
    raise NoLab(f"several labs are running; say which with --lab, by name, notebook or process, or shut down a kernel: {several}")


def host_pid(node: Mapping) -> int:
    """The pid, as this process sees it, of the agent that registered itself as *node*; NoLab if it is gone."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            same = os.readlink(path / "ns/pid") == node["namespaces"]["pid"] and os.readlink(path / "ns/net") == node["namespaces"]["net"]
            numbers = next(line for line in (path / "status").read_text().splitlines() if line.startswith("NSpid:"))
        except OSError:
            continue
        if same and int(numbers.split()[-1]) == node["pid"]:
            return int(path.name)
    raise NoLab("this lab's processes are gone")
