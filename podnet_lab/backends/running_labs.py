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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from podnet_lab.backends.limits import reached, why
from podnet_lab.errors import BadInput, LabError, NoLab
from podnet_lab.name_suggestions import choices

FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""The number of a machine's own PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h)."""

NODE_FOLDER = "/run/podnet-node"
"""What a one-machine lab's node, and a Pod on it, has on its own /run (`podnet_lab.kernel.own_etc`, `podnet_lab.kernel.wrappers`)."""

BASELINE = ".baseline"
"""How the file beside a lab's own ends that says how its nodes were when they were new."""


@dataclass(frozen=True)
class Entry:
    """One running lab: who owns it, which namespaces its nodes live in, and how it was planned (`podnet_lab.backends.plan_json`)."""

    name: str
    owner: int
    born: int
    nodes: Mapping[str, dict]
    notebook: str = ""
    where: str = "namespaces"
    plan: Mapping | None = None

    @property
    def holder(self) -> str:
        """Who opened it, in words."""
        return f"{self.notebook or 'a program'} (process {self.owner})"

    def __str__(self) -> str:
        return f"{self.name} of {self.holder}"

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


def folder_name(user: int, process: int | str = "self") -> str:
    """One for each user and PID namespace: a process's number says nothing in another, and its entries would be swept there."""
    space = os.stat(f"/proc/{process}/ns/pid").st_ino
    return f"podnet_lab-{user}{'' if space == FIRST_PID_NAMESPACE else f'-pid-{space}'}"


def folder(make: bool = True) -> Path:
    """
    The user's own folder for running labs, mode 0700, which is made if it is not there.

    LabError if somebody else made it, or on a node of a lab.
    """
    if os.path.isdir(NODE_FOLDER):
        raise LabError("this is a node of a lab, where podnet has nothing to do: type `exit`, or use another terminal, and say it there")
    base = os.environ.get("XDG_RUNTIME_DIR")
    try:
        if not base or not os.access(base, os.W_OK):
            base = tempfile.gettempdir()
        path = Path(base) / folder_name(os.geteuid())
        with suppress(FileExistsError):  # a folder of ours, or something else: the look below tells
            if make:
                path.mkdir(mode=0o700)
    except OSError as error:
        raise LabError(f"the list of running labs can't be kept: {why(error)}") from error
    if not make and not os.path.lexists(path):
        return path
    there = path.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid() or there.st_mode & 0o077:
        raise LabError(f"{path} is not this user's own folder with mode 0700: remove it, or say where with XDG_RUNTIME_DIR")
    return path


def lab_name(name: str) -> str:
    """Give *name* back if it can name a lab: it becomes part of a file's name; BadInput if not."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name):
        raise BadInput(f"{name!r} can't be a lab's name: letters, digits and . _ -, at most 64 of them")
    return name


def register(
    name: str, nodes: Mapping[str, dict], where: str = "namespaces", plan: Mapping | None = None, baseline: Mapping | None = None
) -> Path:
    """List a lab of this process, with what others need to join it; returns its file."""
    pid = os.getpid()
    path = folder() / f"{pid}-{lab_name(name)}.json"
    entry = {"name": name, "owner": pid, "born": birth(pid), "nodes": dict(nodes), "notebook": notebook(), "where": where, "plan": plan}
    try:
        if baseline:  # first: a lab that is found can be joined
            _write(path.with_suffix(BASELINE), json.dumps(baseline))
        _write(path, json.dumps(entry))
    except LabError:
        unregister(path)
        raise
    return path


def _write(path: Path, text: str) -> None:
    """Write a file in one go; LabError that names it if that can't be done, and then nothing of it is there."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)  # whoever closed the last lab this moment has taken it away
        fresh.write_text(text)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise LabError(f"{path} can't be written: {reached(error) or error.strerror or error}") from error


def baseline(entry: Entry) -> dict:
    """How a lab's nodes were when it was opened, as its owner wrote it down; NoLab if that is not there."""
    path = folder() / f"{entry.owner}-{entry.name}{BASELINE}"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise NoLab(f"the lab {entry} has ended, or another version of podnet_lab opened it") from None


def unregister(path: Path) -> None:
    """Take a lab off the list, and the list away with the last one."""
    path.unlink(missing_ok=True)
    path.with_suffix(BASELINE).unlink(missing_ok=True)
    with suppress(OSError):  # there are others
        path.parent.rmdir()


def notebook() -> str:
    """The notebook that this process is the kernel of, as Jupyter tells its kernels."""
    return Path(os.environ.get("JPY_SESSION_NAME", "")).name


def labs() -> list[Entry]:
    """The labs that run, oldest first; entries whose owner is gone are swept."""
    running = []
    for path in folder(make=False).glob("*.json"):
        entry = _read(path)
        if entry is not None and entry.alive:
            running.append(entry)
        else:
            path.unlink(missing_ok=True)
    _sweep()
    return sorted(running, key=lambda entry: (entry.born, entry.name))


def _read(path: Path) -> Entry | None:
    try:
        return entry_of(json.loads(path.read_text()))
    except (OSError, ValueError, RecursionError):
        return None


def entry_of(written: object) -> Entry | None:
    """An entry as it was *written*, without what a newer version may have written besides; None if it is none."""
    known = {field.name for field in fields(Entry)}
    try:
        return Entry(**{key: value for key, value in written.items() if key in known})
    except (TypeError, AttributeError):
        return None


def _sweep() -> None:
    """Remove what processes that are gone wrote beside their entries, or half of one."""
    for path in folder(make=False).glob("[0-9]*-*"):
        number = path.name.partition("-")[0]
        if path.suffix in (BASELINE, ".new") and number.isdigit() and birth(int(number)) is None:
            path.unlink(missing_ok=True)


def choose(name: str | None = None) -> Entry:
    """The one running lab, or the one called *name*: its own, its notebook's, the beginning of that, or its owner's number; else NoLab."""
    running = labs()
    fits = [entry for entry in running if name is None or entry.answers_to(name)]
    if name and not fits:  # the beginning of a notebook's name, if it is one's alone
        fits = [entry for entry in running if entry.notebook.startswith(name)]
    if len(fits) == 1:
        return fits[0]
    if not running:
        raise NoLab("no lab is running: open one in a notebook with Lab.open(), and leave the notebook's kernel running")
    several = ", ".join(map(str, running))
    if not fits:
        raise NoLab(f"no running lab is called {name!r}{choices(name, handles(running), several)}")
    example = f"--lab {handles(running)[0]}"
    raise NoLab(f"several labs are running; say which with --lab (like {example}), or shut down a kernel: {several}")


def handles(entries: Sequence[Entry]) -> list[str]:
    """What to call each of these labs by: its notebook, else its name; its owner's number where that is another's, too."""
    wanted = [entry.notebook.removesuffix(".ipynb") or entry.name for entry in entries]
    return [name if wanted.count(name) == 1 else str(entry.owner) for name, entry in zip(wanted, entries, strict=True)]


def host_pid(node: Mapping) -> int:
    """The pid, as this process sees it, of the agent that registered itself as *node*; NoLab if it is gone."""
    return host_pids({"": node})[""]


def host_pids(nodes: Mapping[str, Mapping]) -> dict[str, int]:
    """The pids, as this process sees them, of the agents that registered themselves as *nodes*; NoLab if one is gone."""
    wanted = {(node["namespaces"]["pid"], node["namespaces"]["net"], node["pid"]): name for name, node in nodes.items()}
    spaces = {(pid, net) for pid, net, _ in wanted}
    pids = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            lives_in = os.readlink(path / "ns/pid"), os.readlink(path / "ns/net")
            if lives_in not in spaces:
                continue
            numbers = next(line for line in (path / "status").read_text().splitlines() if line.startswith("NSpid:"))
        except OSError:
            continue
        if (name := wanted.get((*lives_in, int(numbers.split()[-1])))) is not None:
            pids[name] = int(path.name)
    if len(pids) < len(wanted):
        raise NoLab("this lab's processes are gone")
    return pids
