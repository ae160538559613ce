"""`podnet notebooks` and `podnet lab`: fresh notebooks, and work that is not overwritten."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab import errors
from podnet_lab.cli import main
from podnet_lab.jupyter import notebooks

ROOT = Path(__file__).parents[2]


def committed() -> dict[str, bytes]:
    """What git has of the notebooks; or, in an archive of the project, what lies there."""
    if not (ROOT / ".git").exists():
        return {path.name: path.read_bytes() for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    names = subprocess.check_output([*git, "ls-tree", "--name-only", "HEAD", "notebooks/"], text=True).split()
    return {Path(name).name: subprocess.check_output([*git, "show", f"HEAD:{name}"]) for name in names}


def podnet(*words, **environment):
    return CliRunner(env=environment).invoke(main, words)


def test_fresh_notebooks_are_copied_and_work_is_not_overwritten(tmp_path):
    folder = tmp_path / "deep" / "mine"
    names = list(committed())
    said = podnet("notebooks", str(folder))
    assert said.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all((folder / name).read_bytes() == committed()[name] for name in names)
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
    name = next(iter(notebooks.fresh()))
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
    monkeypatch.setattr(notebooks, "CLONE", tmp_path)
    monkeypatch.setattr(notebooks.metadata, "distributions", lambda name: [])
    done = podnet("notebooks", str(tmp_path / "mine"))
    assert (done.exit_code, "no notebooks" in done.stderr) == (3, True)
    assert not (tmp_path / "mine").exists()


def test_lab_without_a_folder_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    from podnet_lab.jupyter.server import start

    with pytest.raises(errors.CannotRun, match="`podnet notebooks notebooks`"):
        start(None, 8888, False)


def test_a_clones_own_folder_is_not_what_is_fresh(tmp_path, monkeypatch):
    """A notebook that somebody has worked on in the clone, and what else lies there, is not handed out."""
    clone = tmp_path / "clone"
    git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    (clone / "notebooks").mkdir(parents=True)
    (clone / "podnet_lab").mkdir()
    (clone / "pyproject.toml").write_text("")
    (clone / "notebooks" / "01_a.ipynb").write_text('{"cells": []}')
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    (clone / "notebooks" / "01_a.ipynb").write_text("my work")
    (clone / "notebooks" / "Untitled.ipynb").write_text("more of it")
    monkeypatch.setattr(notebooks, "CLONE", clone)
    assert notebooks.fresh() == {"01_a.ipynb": b'{"cells": []}'}
    done = podnet("notebooks", str(tmp_path / "mine"))
    assert (done.exit_code, [path.name for path in (tmp_path / "mine").iterdir()]) == (0, ["01_a.ipynb"])
    assert podnet("notebooks", str(tmp_path / "spare"), "--one", "7").exit_code == 2
    assert not (tmp_path / "spare").exists()
    shutil.rmtree(clone / ".git" / "objects")
    refused = podnet("notebooks", str(tmp_path / "more"))
    assert (refused.exit_code, "git can't be asked for it" in refused.stderr) == (3, True)
    shutil.rmtree(clone / ".git")
    assert set(notebooks.fresh()) == {"01_a.ipynb", "Untitled.ipynb"}, "an archive has no history: what lies there"


@pytest.mark.parametrize("port", ["0", "99999", "-1", "http"])
def test_a_port_that_is_none_is_refused_before_anything_starts(port, tmp_path):
    done = podnet("lab", str(tmp_path), "--port", port)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--port" in done.stderr


def test_the_docs_count_the_notebooks_right():
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert f"\n{len(notebooks.fresh())} notebooks are in my-notebooks: {', '.join(list(notebooks.fresh())[:2])}, …" in page
