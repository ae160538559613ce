"""
The running labs of this user: a folder with one small file for each, so that another terminal can find them.

Nothing depends on the files being right: a lab lives and dies with its owner, and an entry whose owner is gone is swept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

from podnet_lab.backends.labs_folder import folder, folders, make
from podnet_lab.backends.limits import reached
from podnet_lab.errors import BadInput, LabError, NoLab
from podnet_lab.name_suggestions import choices
from podnet_lab.printable_names import one_line

BASELINE = ".baseline"
"""How the file beside a lab's own ends that says how its nodes were when they were new."""

_TYPED = re.compile(r"[\w@%+=:.][\w@%+=:.-]*")
"""Names that are one word of a shell, and no option."""


APART = "_"
"""How the name of a lab begins that a program has opened for itself: who looks for the lab that runs does not mean it."""


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
        return one_line(name) in (self.name, self.notebook, self.notebook.removesuffix(".ipynb"), str(self.owner))

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
        if not path.parent.is_dir():  # whoever closed the last lab this moment has taken it away
            make(path.parent)
        with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask is: who can't read it takes its lab for one that has ended
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        _remove(fresh)
        raise LabError(f"{path} can't be written: {reached(error) or error.strerror or error}") from error


def _remove(path: Path) -> None:
    """Take a file off the list, if it can be: whoever looks there finds out by himself that its lab has ended."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def baseline(entry: Entry) -> dict:
    """How a lab's nodes were when it was opened, as its owner wrote it down; NoLab if that is not there."""
    for place in folders():
        with suppress(OSError, ValueError, RecursionError):
            return json.loads((place / f"{entry.owner}-{entry.name}{BASELINE}").read_text())
    raise NoLab(f"the lab {entry} has ended, or another version of podnet_lab opened it")


def unregister(path: Path) -> None:
    """Take a lab off the list, and the list away with the last one, as far as they can be."""
    _remove(path)
    _remove(path.with_suffix(BASELINE))
    with suppress(OSError):  # there are others
        path.parent.rmdir()


def notebook() -> str:
    """The notebook that this process is the kernel of, as Jupyter tells its kernels, in one line, whatever its name is."""
    return one_line(Path(os.environ.get("JPY_SESSION_NAME", "")).name)


def labs() -> list[Entry]:
    """The labs that run, oldest first; entries whose owner is gone are swept."""
    running = []
    for place in folders():
        for path in place.glob("*.json"):
            entry = _read(path)
            if entry is not None and entry.alive:
                running.append(entry)
            else:
                _remove(path)
        _sweep(place)
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
        entry = Entry(**{key: value for key, value in written.items() if key in known})
        return replace(entry, name=one_line(entry.name), notebook=one_line(entry.notebook))
    except (TypeError, AttributeError):
        return None


def _sweep(place: Path) -> None:
    """Remove what processes that are gone wrote beside their entries, or half of one."""
    for path in place.glob("[0-9]*-*"):
        number = path.name.partition("-")[0]
        if path.suffix in (BASELINE, ".new") and number.isdigit() and birth(int(number)) is None:
            _remove(path)


def choose(name: str | None = None) -> Entry:
    """The one running lab, or the one called *name*: its own, its notebook's, the beginning of that, or its owner's number; else NoLab."""
    running = labs()
    fits = [entry for entry in running if (not entry.name.startswith(APART) if name is None else entry.answers_to(name))]
    if name and not fits:  # the beginning of a notebook's name, if it is one's alone
        fits = [entry for entry in running if entry.notebook.startswith(one_line(name))]
    if len(fits) == 1:
        return fits[0]
    if name is None:
        running = fits
    if not running:
        raise NoLab("no lab is running: open one in a notebook with Lab.open(), and leave the notebook's kernel running")
    several = ", ".join(map(str, running))
    if not fits:
        raise NoLab(f"no running lab is called {name!r}{choices(name, handles(running), several)}")
    example = f"--lab {handles(running)[0]}"
    raise NoLab(f"several labs are running; say which with --lab (like {example}), or shut down a kernel: {several}")


def handles(entries: Sequence[Entry]) -> list[str]:
    """
    What to call each of these labs by: its notebook, else its name; its owner's number where that is another's, too, or its name.

    So it is where a shell would not take the name as it is, and where it would be an option.
    """
    wanted = [entry.notebook.removesuffix(".ipynb") or entry.name for entry in entries]
    owners = [entry.owner for entry in entries]
    numbers = [str(entry.owner) if owners.count(entry.owner) == 1 else entry.name for entry in entries]
    plain = [wanted.count(name) == 1 and _TYPED.fullmatch(name) for name in wanted]
    return [name if good else number for name, good, number in zip(wanted, plain, numbers, strict=True)]


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
