"""Which notebooks are trusted, and what JupyterLab is given of one that no kernel runs."""

import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")
pytest.importorskip("jupyter_server")

from nbformat.sign import NotebookNotary

from podnet_lab.jupyter import trust
from podnet_lab.jupyter.contents import WIDGET, without_widgets


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with two committed notebooks, and a Jupyter of its own."""
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    root = tmp_path / "clone"
    (root / "notebooks").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    for name in ("a", "b"):
        write(root / "notebooks" / f"{name}.ipynb", f"'{name}'")
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "shipped")):
        subprocess.run(["git", "-C", root, *words], check=True)
    monkeypatch.setattr(trust.notebooks, "CLONE", root)
    return root


def write(path, source):
    cell = nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output("display_data", {"image/svg+xml": "<svg/>"})])
    cell["id"] = "one"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


def is_trusted(path: Path) -> bool:
    with NotebookNotary() as notary:
        return notary.check_signature(nbformat.read(path, as_version=4))


def test_what_is_as_it_was_committed_is_trusted_and_nothing_else(clone):
    folder = clone / "notebooks"
    write(folder / "b.ipynb", "'edited'")
    write(folder / "c.ipynb", "'added'")
    (folder / "d.ipynb").write_text("no notebook at all")
    assert trust.trust_shipped(folder) == ["a.ipynb"]
    assert [is_trusted(folder / f"{name}.ipynb") for name in "abc"] == [True, False, False]


def test_a_copy_elsewhere_is_trusted_for_what_is_in_it(clone, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(clone / "notebooks", mine)
    shutil.copy(mine / "a.ipynb", mine / "renamed.ipynb")
    assert trust.trust_shipped(mine) == ["a.ipynb", "b.ipynb", "renamed.ipynb"]


def test_without_git_or_a_history_nothing_is_trusted(clone, monkeypatch):
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        assert trust.trust_shipped(clone / "notebooks") == []
    assert trust.trust_shipped(clone / "notebooks") == ["a.ipynb", "b.ipynb"]
    shutil.rmtree(clone / ".git")
    assert trust.trust_shipped(clone / "notebooks") == []


def test_an_installed_package_knows_its_own(clone, monkeypatch):
    (clone / "pyproject.toml").unlink()
    monkeypatch.setattr(trust.notebooks, "_installed", lambda: [clone / "notebooks" / "b.ipynb"])
    assert trust.trust_shipped(clone / "notebooks") == ["b.ipynb"]


def test_without_a_kernel_a_live_picture_is_its_still_one():
    outputs = [
        nbformat.v4.new_output("display_data", {WIDGET: {"model_id": "1"}, "image/svg+xml": "<svg/>"}),
        nbformat.v4.new_output("display_data", {WIDGET: {"model_id": "2"}, "text/plain": "a slider of somebody's own"}),
        nbformat.v4.new_output("stream", text="words"),
    ]
    cells = [nbformat.v4.new_code_cell("x", outputs=outputs), nbformat.v4.new_markdown_cell("words")]
    shown = without_widgets(nbformat.v4.new_notebook(cells=cells)).cells[0].outputs
    assert [list(output.get("data", {})) for output in shown] == [["image/svg+xml"], [WIDGET, "text/plain"], []]
