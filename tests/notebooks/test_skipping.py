"""A notebook whose programs are not there: it says which and what to type, and its other cells neither do anything nor fail."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

KUBERNETES = Path(__file__).parents[2] / "notebooks" / "13_kubernetes.ipynb"

NOWHERE = """
import os
from pathlib import Path
from podnet_lab.kubernetes import binaries
os.environ["XDG_CACHE_HOME"] = {folder!r}
os.environ.pop(binaries.VARIABLE, None)
binaries.EVERYBODYS = Path({folder!r})
"""


def run(cells):
    """The code cells of a notebook that ran from top to bottom."""
    book = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(book, timeout=60, kernel_name="python3").execute()
    return [cell for cell in book.cells if cell.cell_type == "code"]


def said(cell):
    return "".join(out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in cell.outputs)


@pytest.mark.lab
def test_without_kubernetes_the_notebook_says_what_to_type_and_does_nothing(tmp_path):
    first = nbformat.v4.new_code_cell(NOWHERE.format(folder=str(tmp_path)))
    _, opening, asking, *others = run([first, *nbformat.read(KUBERNETES, as_version=4).cells])
    assert "the lab is" in said(opening)
    assert "there are no programs of Kubernetes" in said(asking)
    assert "`make kubernetes`" in said(asking)
    assert len(others) > 25
    assert [cell.source for cell in others if cell.outputs] == []


def test_cells_do_nothing_until_all_is_there_and_the_asking_cell_runs_again():
    ask = "from podnet_lab.lab.skipping import skip_the_rest\nskip_the_rest({why!r})  # as or_skip() does"
    sources = [ask.format(why="no tea"), "1 / 0", "%%node nowhere\nls", ask.format(why="no milk"), "2 / 0", ask.format(why=""), "1 + 1"]
    cells = run([nbformat.v4.new_code_cell(source) for source in sources])
    assert [said(cell).partition("\n")[0] for cell in cells] == ["no tea", "", "", "no milk", "", "True", "2"]


def test_outside_of_a_notebook_nothing_is_skipped():
    from podnet_lab.lab.skipping import skip_the_rest

    assert skip_the_rest("no tea") is False
