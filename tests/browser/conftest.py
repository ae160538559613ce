"""One JupyterLab and one page for all tests of this folder; both gone before other tests run."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest

from browser.desk import Desk
from browser.jupyter import browser, jupyterlab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """A copy of the notebooks: what is saved in the browser is saved there."""
    return Path(shutil.copytree(NOTEBOOKS, tmp_path_factory.mktemp("browser") / "notebooks"))


@pytest.fixture(scope="package")
def desk(folder, tmp_path_factory):
    """JupyterLab on the copy, in Chromium. Not for the whole session: Playwright's event loop would be in other tests' way."""
    with jupyterlab(folder, tmp_path_factory.mktemp("jupyter")) as url, browser() as chromium:
        desk = Desk(chromium, url)
        yield desk
        desk.close()


@pytest.fixture
def written(folder):
    """Write a notebook of sources, or (source, tag), beside the others; returns its path for JupyterLab."""

    def written(*sources, name="written.ipynb"):
        write(folder / name, *sources)
        return name

    return written


@pytest.fixture
def opened(desk, written):
    """Write a notebook of sources, open it and run it: an open Notebook. After the test, nothing in it may be broken."""
    with ExitStack() as books:

        def opened(*sources):
            book = books.enter_context(desk.notebook(written(*sources)))
            book.run()
            books.callback(lambda: found.extend(book.faults()))
            return book

        found = []
        yield opened
    assert found == []


def write(path, *sources):
    """Write a notebook that has not run: cells of Python, each its source, or (source, tag)."""
    pairs = [(one, None) if isinstance(one, str) else one for one in sources]
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag] if tag else []}) for source, tag in pairs]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
