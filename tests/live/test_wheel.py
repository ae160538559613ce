"""An installation from a wheel, without a clone: it has its notebooks, and its `podnet` makes a lab."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from podnet_lab.cni.manifest import manifest

ROOT = Path(__file__).parents[2]
KERNEL = "podnet_lab/jupyter/kernels/python3/kernel.json"


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the files that git knows of: what else lies about in a working folder must not be needed, nor get in."""
    folder = tmp_path_factory.mktemp("wheel")
    copied = run("git", "-c", f"safe.directory={ROOT}", "checkout-index", "-a", f"--prefix={folder}/source/", cwd=ROOT)
    assert copied.returncode == 0, copied.stderr
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    built = run(*pip, "wheel", "-q", "--no-deps", "-w", str(folder), str(folder / "source"))
    if "No matching distribution found for setuptools" in built.stderr:
        pytest.skip("a wheel is built with setuptools, and pip can't reach an index")
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A virtual environment with nothing but that wheel; what it depends on is lent from this one."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    made = run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    assert made.returncode == 0, made.stderr
    target = ["--python", str(folder / "bin/python"), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    done = run(sys.executable, "-m", "pip", "--disable-pip-version-check", *target)
    assert done.returncode == 0, done.stderr
    lent = str(Path(pytest.__file__).parents[1])
    return lambda *words, **options: run(folder / "bin/podnet", *words, env=os.environ | {"PYTHONPATH": lent}, **options)


def test_the_wheel_has_the_notebooks_and_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    notebooks = sorted(name.rpartition("/")[2] for name in names if name.endswith(".ipynb"))
    assert notebooks == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert {"podnet_lab/cli/__init__.py", "podnet_lab/jupyter/overrides.json", "podnet_lab/widgets/picture.js", KERNEL} <= set(names)
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"podnet_lab"}


def test_fresh_notebooks_from_an_installed_package(installed, tmp_path):
    done = installed("notebooks", "mine", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()
    assert "nothing to do" in installed("notebooks", "mine", cwd=tmp_path).stdout


def test_a_manifest_from_an_installed_package(installed, tmp_path):
    done = installed("cni-manifest", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, manifest(), "")


def test_a_lab_from_an_installed_package(installed, tmp_path):
    done = installed("demo", "--nodes", "2", "--pods", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 of 12 ordered pairs" in done.stdout
