"""
Which exercises somebody has solved: a file of his own, which stays when the labs have gone.

It is a memory aid, and no mark: `podnet grade` asks the kernels. What was solved once stays so, whatever is tried after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from podnet_lab.backends.running_labs import notebook as current_notebook
from podnet_lab.exercises.attempts import Record
from podnet_lab.printable_names import one_line

SOLVED = "solved"


@dataclass(frozen=True)
class Tried:
    """What became of an exercise at best, in which *notebook*, and how many hints and explanations that took."""

    verdict: str
    notebook: str = ""
    hints: int = 0
    explanations: int = 0
    given_up: bool = False

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> Tried:
        """From what was kept; TypeError where a value is of another kind than it should be."""
        tried = cls(**kept)
        if any(type(value) is not type(usual) for value, usual in zip(asdict(tried).values(), asdict(cls("")).values(), strict=True)):
            raise TypeError(f"{kept} is nothing that was tried")
        return tried

    @property
    def done(self) -> bool:
        """Whether it was solved by one's own hand."""
        return self.verdict == SOLVED and not self.given_up

    def __str__(self) -> str:
        counts = ((self.hints, "hint"), (self.explanations, "explanation"))
        helped = [f"{count} {what}{'s' if count != 1 else ''}" for count, what in counts if count]
        words = "given up" if self.given_up else self.verdict
        return words + (f" ({', '.join(helped)})" if helped else "")


def place() -> Path:
    """The file: below XDG_STATE_HOME, or ~/.local/state (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "podnet-lab" / "progress.json"


def read() -> dict[str, Tried]:
    """What was tried so far, by the exercise's name; nothing where the file is not there, or is none of ours."""
    try:
        return {str(name): Tried.of(values) for name, values in json.loads(place().read_text())["exercises"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError):
        return {}


def note(name: str, record: Record) -> None:
    """Keep what a check has said; where nothing can be written, such as in a home that is full, that is not kept."""
    known = read()
    before, now = known.get(name), Tried(record.verdict, current_notebook(), record.hints, record.explanations, record.given_up)
    if before is not None and before.done and not now.done:
        return
    if before is not None and before.done:  # with the least help that it ever took
        now = replace(now, hints=min(now.hints, before.hints), explanations=min(now.explanations, before.explanations))
    known[name] = now
    try:
        file = place()
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"exercises": {name: asdict(tried) for name, tried in known.items()}}, indent=1) + "\n")
        fresh.replace(file)
    except (OSError, RuntimeError):
        return


class Progress:
    """All exercises by the notebook that begins them, with what became of each; true if all are solved."""

    def __init__(self, notebooks: Mapping[str, list[str]], names: list[str], tried: Mapping[str, Tried]) -> None:
        began = {name for begun in notebooks.values() for name in begun}
        elsewhere = list(dict.fromkeys(name for name in (*names, *tried) if name not in began))
        self.notebooks = {notebook: begun for notebook, begun in (*notebooks.items(), ("elsewhere", elsewhere)) if begun}
        self.tried = tried

    @property
    def all(self) -> list[str]:
        """The names of all exercises."""
        return [name for begun in self.notebooks.values() for name in begun]

    @property
    def solved(self) -> list[str]:
        """The names of those that are solved."""
        return [name for name in self.all if name in self.tried and self.tried[name].done]

    def __bool__(self) -> bool:
        return bool(self.all) and len(self.solved) == len(self.all)

    def __str__(self) -> str:
        wide = max(map(len, self.all), default=0)
        lines = []
        for notebook, begun in self.notebooks.items():
            lines.append(notebook)
            for name in begun:
                tried = self.tried.get(name)
                there = f"  in {one_line(tried.notebook)}" if tried and tried.notebook.removesuffix(".ipynb") not in ("", notebook) else ""
                lines.append(f"  {'✓' if tried and tried.done else '·'} {name:<{wide}}  {tried or 'not yet'}{there}")
        return "\n".join([*lines, f"{len(self.solved)} of {len(self.all)} solved"])

    __repr__ = __str__
