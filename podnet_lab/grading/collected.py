"""A folder of collected notebooks: each is read before any is run, and run by itself; what one does stops none of the others."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from podnet_lab.errors import BadInput
from podnet_lab.grading.judge import Known
from podnet_lab.grading.marks import Paper, harmless, printable
from podnet_lab.grading.notebook_run import NotebookRun
from podnet_lab.grading.sandbox import Place
from podnet_lab.jupyter import without_iri
from podnet_lab.kernel import bounded_file

without_iri.load("nbformat")
import nbformat  # noqa: E402

LIMIT, CELL_LIMIT = 300.0, 60.0
"""Seconds for a notebook, and for one of its cells."""

MOST = 16 << 20
"""Bytes that a notebook may have."""

CUT = "it is a file of another kind, or only a part of one; ask for it again, saved by JupyterLab"
CHANGED = "it lacks something that every notebook has; ask for it again, saved by JupyterLab"
NO_FILE = "it is no regular file"
BIG = f"it has more than {MOST >> 20} MB; ask for it again, without its outputs"

PASSED_OVER = ("__pycache__", "__MACOSX")
"""Folders that nobody hands in, beside the hidden ones."""

_BEGINS = re.compile(r"\.exercise\(\s*[\"']([A-Za-z0-9_.-]+)[\"']")


class Notebook(NamedTuple):
    """A notebook that can be run: its *text*, which of its cells have *code*, and which exercises it *begins*."""

    text: str
    code: list[int]
    begins: list[str]


def find(folder: Path) -> list[Path]:
    """The notebooks in *folder* and below, or the one that it is; BadInput if there is none. Hidden folders are passed over."""
    if not folder.is_dir():
        return [folder]
    notebooks = [path for path in _files(folder) if _is_notebook(path)]
    if not notebooks:
        raise BadInput("\n".join([f"there is no notebook in {folder}", *skipped(folder)]))
    return notebooks


def skipped(folder: Path) -> list[str]:
    """What else lies in *folder*, and why it is not marked; somebody may have handed it in."""
    rest = [path for path in _files(folder) if not _is_notebook(path)] if folder.is_dir() else []
    return [printable(f"skipped: {path.relative_to(folder).as_posix()}: a notebook's name ends with .ipynb") for path in rest]


def _files(folder: Path) -> list[Path]:
    """All that is no folder, links that lead nowhere and pipes included: somebody may have handed it in."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    return [path for path in files if not any(part.startswith(".") or part in PASSED_OVER for part in path.relative_to(folder).parts)]


def _is_notebook(path: Path) -> bool:
    return path.suffix == ".ipynb"


def grade(
    folder: Path,
    known: Known,
    expected: Sequence[str] = (),
    *,
    limit: float = LIMIT,
    cell_limit: float = CELL_LIMIT,
    place: Place | None = None,
    progress: Callable[[Paper], None] = lambda _: None,
) -> list[Paper]:
    """
    Mark every notebook in *folder*: each has marks for *expected*, or for all *known* exercises that any of the notebooks names.

    *limit* and *cell_limit* are seconds for a notebook and for one of its cells, *place* says how they are run. Raises BadInput
    if two of them would have the same name; CannotRun if there can be no sandbox, and *place* wants one.
    """
    place = place or Place()
    papers_read = {student: read(path) for student, path in _students(folder, find(folder)).items()}
    if any(isinstance(notebook, Notebook) for notebook in papers_read.values()):
        place.refuse()
    papers = []
    for student, notebook in papers_read.items():
        if isinstance(notebook, str):
            papers.append(Paper(student, problem=notebook))
        else:
            run = NotebookRun(student, notebook.text, notebook.code, known, place, limit=limit, cell_limit=cell_limit)
            papers.append(run.run())
        progress(papers[-1])
    begun = {mark.exercise for paper in papers for mark in paper.marks}
    named = {name for notebook in papers_read.values() if isinstance(notebook, Notebook) for name in notebook.begins}
    wanted = list(expected) or sorted((begun | named) & set(known))
    return [paper.of(wanted if expected else _with_own(wanted, paper)) for paper in papers]


def _with_own(wanted: list[str], paper: Paper) -> list[str]:
    """What is wanted of all, and what one student has begun that nobody here knows: that is nobody else's to do."""
    return list(dict.fromkeys([*wanted, *(mark.exercise for mark in paper.marks)]))


def _students(folder: Path, notebooks: list[Path]) -> dict[str, Path]:
    """The notebooks by their students' names; BadInput if two of these look the same, in a terminal or in a spreadsheet."""
    students: dict[str, Path] = {}
    looks: dict[str, Path] = {}
    for path in notebooks:
        name = printable(path.stem if path == folder else path.relative_to(folder).with_suffix("").as_posix())
        look = " ".join(unicodedata.normalize("NFC", harmless(name)).split())
        if (other := looks.setdefault(look, path)) is not path:
            both = " and ".join(ascii(str(one.relative_to(folder))) for one in (other, path))
            raise BadInput(f"two notebooks would both be {look!r}: {both}. Rename one of them")
        students[name] = path
    return students


def read(path: Path) -> Notebook | str:
    """A notebook, or what is wrong with the file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return f"this is not a notebook: {NO_FILE}"
        if not os.access(path, os.R_OK):
            return "the file can't be read: Permission denied"
    except OSError as error:
        return f"the file can't be read: {error.strerror or error}"
    content = bounded_file.read(str(path.resolve()), MOST)
    if content is None:
        return f"this is not a notebook: {BIG if status.st_size > MOST else NO_FILE}"
    return _parsed(content)


def _parsed(content: bytes) -> Notebook | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook without cells' ids is old, and no worse for that
            notebook = nbformat.reads(content.decode("utf-8-sig"), as_version=4)
            nbformat.validate(notebook)
            cells = [(index, cell.source) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
            text = nbformat.writes(notebook)
    except (UnicodeDecodeError, nbformat.reader.NotJSONError):
        return f"this is not a notebook: {CUT if content else 'it is empty'}"
    except RecursionError:
        return f"this is not a notebook: {CUT}"
    except Exception:  # noqa: BLE001 - whatever a file has in it, it is this file's
        return f"this is not a notebook: {CHANGED}"
    return Notebook(text, [index for index, _ in cells], [name for _, source in cells for name in _BEGINS.findall(source)])
