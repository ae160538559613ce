"""What keeps stored notebooks honest: cells that did not run are refused, and so are notebooks that do not run."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).parents[2]


class IPyNbCell:
    """What nbval collects, as far as the project's conftest looks at it."""

    def __init__(self, source, count, skip=False):
        self.nodeid, self.options = "cell", {"skip": skip}
        self.cell = SimpleNamespace(source=source, execution_count=count)


def load(path):
    spec = importlib.util.spec_from_file_location(f"project_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def conftest():
    return load(ROOT / "conftest.py")


def test_a_cell_that_was_saved_without_having_run_is_refused(conftest):
    with pytest.raises(pytest.UsageError, match="without having run"):
        conftest.refuse_unrun_cells([IPyNbCell("1 + 1", 1), IPyNbCell("2 + 2", None)])


def test_cells_that_ran_or_are_empty_or_skipped_are_taken(conftest):
    conftest.refuse_unrun_cells([IPyNbCell("1 + 1", 1), IPyNbCell(" ", None), IPyNbCell("2 + 2", None, skip=True)])


def nbrun(path, *cells):
    """Run one notebook of (source, tags), by the tool; returns its status, its words, and whether the file changed."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"tags": tags}) for source, tags in cells])
    nbformat.write(book, path)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, ROOT / "tools" / "nbrun.py", path], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr, path.read_bytes() != before


def test_a_notebook_that_runs_is_stored_the_same_each_time(tmp_path):
    path = tmp_path / "good.ipynb"
    assert nbrun(path, ("{3, 1, 2}", []), ("1 / 0", ["raises-exception"]))[0] == 0
    stored = path.read_bytes()

    subprocess.run([sys.executable, ROOT / "tools" / "nbrun.py", path], capture_output=True, timeout=60, check=True)

    assert path.read_bytes() == stored
    assert b"ZeroDivisionError" in stored
    assert str(tmp_path).encode() not in stored


@pytest.mark.parametrize(
    ("cell", "words"),
    [(("1 / 0", []), "raised ZeroDivisionError"), (("1 + 1", ["raises-exception"]), "raised nothing")],
)
def test_a_notebook_that_does_not_run_as_it_says_is_left_alone(tmp_path, cell, words):
    status, said, changed = nbrun(tmp_path / "bad.ipynb", cell)

    assert status == 1
    assert words in said
    assert not changed


def test_screenshots_are_of_cells_that_there_are():
    """And each is a file of its own, stored where README finds it."""
    shots = load(ROOT / "tools" / "screenshots.py").SHOTS
    for shot in shots:
        cells = nbformat.read(ROOT / "notebooks" / shot.notebook, as_version=4).cells
        assert shot.source is None or any(cell.source.startswith(shot.source) for cell in cells), shot
        assert (ROOT / "docs" / "images" / f"{shot.name}.png").is_file(), "run `make screenshots`"
    assert len({shot.name for shot in shots}) == len(shots)
