"""Fresh notebooks for a student: those of a clone, or those that came with an installed package."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import podnet_lab
from podnet_lab.errors import BadInput, CannotRun, LabError

SHARED = "share/podnet-lab/notebooks"
"""Where an installed package keeps them, below Python's own folder; pyproject.toml puts them there."""


def fresh() -> list[Path]:
    """The notebooks as they are handed out, in order; CannotRun if there are none."""
    clone = Path(podnet_lab.__file__).parents[1] / "notebooks"
    notebooks = sorted(clone.glob("*.ipynb")) if (clone.parent / "pyproject.toml").is_file() else installed()
    if not notebooks:
        raise CannotRun("this installation of podnet-lab has no notebooks: install its wheel, or clone the repository")
    return notebooks


def installed() -> list[Path]:
    """Those that came with an installed package, in order; none in a clone."""
    for installation in metadata.distributions(name="podnet-lab"):  # there may be one of a clone beside it, without files of its own
        files = (file for file in installation.files or () if file.match(f"{SHARED}/*.ipynb"))
        if notebooks := [path for file in files if (path := Path(str(file.locate())).resolve()).is_file()]:
            return sorted(notebooks)
    return []


def copy(folder: Path) -> list[str]:
    """
    Copy fresh notebooks to *folder*; returns the names of those that were not there yet.

    LabError, and nothing is copied, if one of that name is there and is another: it may be somebody's work.
    """
    notebooks = {path.name: path.read_bytes() for path in fresh()}
    there = {name for name in notebooks if (folder / name).is_symlink() or (folder / name).exists()}
    worked_on = sorted(name for name in there if not (folder / name).is_file() or (folder / name).read_bytes() != notebooks[name])
    if worked_on:
        raise LabError(f"{folder} has {', '.join(worked_on)} already, not as they came: name another folder. Nothing was copied")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(notebooks.keys() - there):
            with (folder / name).open("xb") as file:  # x: whatever came there this moment is not overwritten either
                file.write(notebooks[name])
    except OSError as error:
        raise BadInput(f"the notebooks can't be written to {folder}: {error.strerror or error}") from error
    return sorted(notebooks.keys() - there)
