"""What the tests of grading share: notebooks of given cells, marked here, and what is left of them on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import nbformat

from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.grading import collected
from podnet_lab.grading.marks import Paper
from podnet_lab.grading.sandbox import Limits, Place

OPEN = "from podnet_lab import Lab\nlab = Lab.open()"
CHECK = "task.check()"
RECORD = "/run/podnet-exercises.json"
SMALL = Limits(memory=512, processes=250)


def begin(name: str) -> str:
    """A cell that begins an exercise."""
    return f"task = lab.exercise({name!r})"


def write(folder: Path, papers: Mapping[str, list[str]]) -> None:
    """Write notebooks by their students' names and cells."""
    for who, cells in papers.items():
        path = folder / f"{who}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


def graded(folder: Path, papers: Mapping[str, list[str]], expected: list[str] | None = None, **how) -> dict[str, Paper]:
    """Papers by their students' names; *how* is the place's, and the limits of time."""
    write(folder, papers)
    limits = {"limit": how.pop("limit", 40.0), "cell_limit": how.pop("cell_limit", 8.0)}
    place = Place(**{"limits": SMALL, **how})
    return {paper.who: paper for paper in collected.grade(folder, EXERCISES, expected or (), place=place, **limits)}


def marked_processes(word: str) -> list[str]:
    """The processes of this machine that were started with *word* in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (path / "cmdline").read_bytes() and path.name != str(os.getpid()):
                found.append(path.name)
        except OSError:
            continue
    return found
