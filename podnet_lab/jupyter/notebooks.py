"""Fresh notebooks for a student, as a clone's last commit has them or as they came with the package; and what was solved in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import podnet_lab
from podnet_lab.errors import BadInput, CannotRun, LabError
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.progress import Progress, read

SHARED = "share/podnet-lab/notebooks"
"""Where an installed package keeps them, below Python's own folder; pyproject.toml puts them there."""

CLONE = Path(podnet_lab.__file__).parents[1]
"""Where the project lies, if this package is a clone's."""

GIT_SECONDS = 20.0
"""In which git has to answer: it reads ten files."""

_EXERCISE = re.compile(r"lab\.exercise\(\s*[\"']([\w.-]+)[\"']\s*\)")


def fresh() -> dict[str, bytes]:
    """
    The notebooks as they are handed out, by their names, in order.

    Of a clone, what its last commit has, whatever lies in its folder now. CannotRun if there are none, or if git can't be asked.
    """
    # An archive of the project has no history: what lies there is what there is.
    lying = sorted((CLONE / "notebooks").glob("*.ipynb")) if (CLONE / "pyproject.toml").is_file() else []
    notebooks = shipped() or {path.name: path.read_bytes() for path in lying}
    if not notebooks:
        raise CannotRun("this installation of podnet-lab has no notebooks: install its wheel, or clone the repository")
    return notebooks


def shipped() -> dict[str, bytes]:
    """The same as far as it is known what was shipped: of an archive of the project, nothing. CannotRun if git can't be asked."""
    if not (CLONE / "pyproject.toml").is_file():
        return {path.name: path.read_bytes() for path in _installed()}
    return _committed(CLONE) if (CLONE / ".git").exists() else {}


def _committed(clone: Path) -> dict[str, bytes]:
    names = _git(clone, "ls-tree", "-z", "--name-only", "HEAD", "notebooks/").decode().split("\0")
    return {Path(name).name: _git(clone, "show", f"HEAD:{name}") for name in sorted(names) if name.endswith(".ipynb")}


def _git(clone: Path, *words: str) -> bytes:
    """What git says of a clone, whoever owns it: it only reads there."""
    line = ["git", "-c", f"safe.directory={clone}", "-C", str(clone), *words]
    # Without what would make it look elsewhere, as within a hook of another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(line, capture_output=True, timeout=GIT_SECONDS, check=False, stdin=subprocess.DEVNULL, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotRun(f"fresh notebooks are those of the clone's last commit, and git can't be asked for it: {error}") from error
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise CannotRun(f"fresh notebooks are those of the clone's last commit, and git can't be asked for it: {why}")
    return done.stdout


def _installed() -> list[Path]:
    for installation in metadata.distributions(name="podnet-lab"):  # there may be one of a clone beside it, without files of its own
        files = (file for file in installation.files or () if file.match(f"{SHARED}/*.ipynb"))
        if notebooks := [path for file in files if (path := Path(str(file.locate())).resolve()).is_file()]:
            return sorted(notebooks)
    return []


def chosen(notebooks: Mapping[str, bytes], which: str) -> dict[str, bytes]:
    """The one notebook that *which* names: its number ("05", "5") or the beginning of its name; BadInput if that is none, or several."""
    wanted = which.removesuffix(".ipynb")
    number = wanted.zfill(2) if wanted.isdigit() else ""
    fits = [name for name in notebooks if name.startswith(f"{number}_" if number else wanted)]
    if len(fits) != 1 or not wanted:
        what = "is the beginning of several" if len(fits) > 1 else "is none"
        raise BadInput(f"{which!r} {what} of the notebooks: {', '.join(name.removesuffix('.ipynb') for name in notebooks)}")
    return {fits[0]: notebooks[fits[0]]}


def without_outputs(notebook: bytes) -> bytes:
    """The same notebook, with what its cells show left out, for whoever wants to predict it."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def exercises() -> dict[str, list[str]]:
    """The exercises that each notebook begins, in order, by the notebook's name without its ending."""
    found = {}
    for name, content in fresh().items():
        sources = ("".join(cell["source"]) for cell in json.loads(content)["cells"])
        found[name.removesuffix(".ipynb")] = list(dict.fromkeys(one for source in sources for one in _EXERCISE.findall(source)))
    return found


def progress() -> Progress:
    """Which exercises were solved, in labs that have gone, too, and in which notebook; ``podnet progress`` says the same."""
    return Progress(exercises(), list(EXERCISES), read())


def copy(folder: Path, one: str | None = None, clear_outputs: bool = False) -> list[str]:
    """
    Copy fresh notebooks to *folder*, or only *one*; returns the names of those that were not there yet.

    LabError, and nothing is copied, if one of that name is there and is another: it may be somebody's work.
    """
    notebooks = fresh() if one is None else chosen(fresh(), one)
    if clear_outputs:
        notebooks = {name: without_outputs(content) for name, content in notebooks.items()}
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
