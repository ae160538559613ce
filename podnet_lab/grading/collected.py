"""A folder of collected notebooks: each is read before any is run, and run by itself; what one does stops none of the others."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat

from podnet_lab.errors import BadInput
from podnet_lab.grading.judge import Known
from podnet_lab.grading.marks import Paper, printable
from podnet_lab.grading.notebook_run import NotebookRun

LIMIT, CELL_LIMIT = 300.0, 60.0
"""Seconds for a notebook, and for one of its cells."""

CUT = "it is a file of another kind, or only a part of one; ask for it again, saved by JupyterLab"
CHANGED = "it lacks something that every notebook has; ask for it again, saved by JupyterLab"

_BEGINS = re.compile(r"\.exercise\(\s*[\"']([A-Za-z0-9_.-]+)[\"']")


def find(folder: Path) -> list[Path]:
    """The notebooks in *folder* and below, or the one that it is; BadInput if there is none. Hidden folders are passed over."""
    if folder.is_file():
        return [folder]
    notebooks = [path for path in _files(folder) if _is_notebook(path)]
    if not notebooks:
        raise BadInput("\n".join([f"there is no notebook in {folder}", *skipped(folder)]))
    return notebooks


def skipped(folder: Path) -> list[str]:
    """What else lies in *folder*, and why it is not marked; somebody may have handed it in."""
    rest = [] if folder.is_file() else [path for path in _files(folder) if not _is_notebook(path)]
    return [printable(f"skipped: {path.relative_to(folder).as_posix()}: a notebook's name ends with .ipynb") for path in rest]


def _files(folder: Path) -> list[Path]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)]


def _is_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb"


def grade(
    folder: Path,
    known: Known,
    expected: Sequence[str] = (),
    *,
    limit: float = LIMIT,
    cell_limit: float = CELL_LIMIT,
    paths: Sequence[str] = (),
    progress: Callable[[Paper], None] = lambda _: None,
) -> list[Paper]:
    """
    Mark every notebook in *folder*: each has marks for *expected*, or for all exercises that any of the notebooks names.

    *limit* and *cell_limit* are seconds for a notebook and for one of its cells, *paths* where Python finds lessons' modules.
    """
    read = {_student(folder, path): _read(path) for path in find(folder)}
    papers = []
    for student, notebook in read.items():
        if isinstance(notebook, str):
            papers.append(Paper(student, problem=notebook))
        else:
            notebook_run = NotebookRun(student, notebook, known, limit=limit, cell_limit=cell_limit, paths=list(paths))
            with tempfile.TemporaryDirectory(prefix="podnet-grade-", ignore_cleanup_errors=True) as place:
                papers.append(notebook_run.run(Path(place)))
        progress(papers[-1])
    begun = [mark.exercise for paper in papers for mark in paper.marks]
    readable = [notebook for notebook in read.values() if not isinstance(notebook, str)]
    wanted = expected or sorted({*begun, *(name for notebook in readable for name in exercises_begun(notebook))})
    return [paper.of(wanted) for paper in papers]


def exercises_begun(notebook: nbformat.NotebookNode) -> list[str]:
    """The names of the exercises that a notebook's cells begin."""
    return [name for cell in notebook.cells if cell.cell_type == "code" for name in _BEGINS.findall(cell.source)]


def _student(folder: Path, path: Path) -> str:
    return printable(path.stem if folder.is_file() else path.relative_to(folder).with_suffix("").as_posix())


def _read(path: Path) -> nbformat.NotebookNode | str:
    """A notebook, or what is wrong with the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook without cells' ids is old, and no worse for that
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
    except OSError as error:
        return f"the file can't be read: {error.strerror or error}"
    except (UnicodeDecodeError, nbformat.reader.NotJSONError):
        return f"this is not a notebook: {'it is empty' if path.stat().st_size == 0 else CUT}"
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError):
        return f"this is not a notebook: {CHANGED}"
    return notebook
