"""`podnet notebooks` and `podnet lab`: fresh notebooks, and work that is not overwritten."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab import errors
from podnet_lab.cli import main
from podnet_lab.jupyter import notebooks

ROOT = Path(__file__).parents[2]


def podnet(*words, **environment):
    return CliRunner(env=environment).invoke(main, words)


def test_fresh_notebooks_are_copied_and_work_is_not_overwritten(tmp_path):
    folder = tmp_path / "deep" / "mine"
    names = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    said = podnet("notebooks", str(folder))
    assert said.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all((folder / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes() for name in names)
    assert "nothing to do" in podnet("notebooks", str(folder)).output
    (folder / names[0]).write_text("my work")
    (folder / names[1]).unlink()
    refused = podnet("notebooks", str(folder))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert names[0] in refused.stderr
    assert names[2] not in refused.stderr
    assert (folder / names[0]).read_text() == "my work"
    assert not (folder / names[1]).exists(), "nothing was copied"


def test_a_link_or_a_folder_of_a_notebooks_name_is_no_place_for_one(tmp_path):
    name = notebooks.fresh()[0].name
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    assert podnet("notebooks", str(tmp_path)).exit_code == 1
    assert os.listdir(tmp_path) == [name]
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert podnet("notebooks", str(tmp_path)).exit_code == 1
    file = tmp_path / "file"
    file.write_text("")
    assert podnet("notebooks", str(file)).exit_code == 2
    assert podnet("notebooks", str(file / "below")).exit_code == 2
    assert "Traceback" not in podnet("notebooks", str(file / "below")).stderr


def test_an_installation_without_notebooks_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(notebooks.podnet_lab, "__file__", str(tmp_path / "podnet_lab" / "__init__.py"))
    monkeypatch.setattr(notebooks.metadata, "distributions", lambda name: [])
    done = podnet("notebooks", str(tmp_path / "mine"))
    assert (done.exit_code, "no notebooks" in done.stderr) == (3, True)
    assert not (tmp_path / "mine").exists()


def test_lab_without_a_folder_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    from podnet_lab.jupyter.server import start

    with pytest.raises(errors.CannotRun, match="`podnet notebooks notebooks`"):
        start(None, 8888, False)
