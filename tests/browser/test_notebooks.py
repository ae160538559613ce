"""Every notebook, run to its end in JupyterLab in a real browser: what a student sees is drawn, and nothing is fetched from outside."""

import pytest

from browser.conftest import NOTEBOOKS


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(desk, notebook):
    with desk.notebook(notebook.name) as book:
        book.run()
        assert book.faults() == []
