"""Which tests run beside which: in workers of their own, as `make test` starts them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import side_by_side

ROOT = Path(__file__).parents[2]
TEST = """
import json, os, time, pytest
pytestmark = [pytest.mark.alone] if {alone} else []
@pytest.mark.parametrize("number", range(3))
def test_it(number, record_property):
    record_property("counted", f"number {{number}} of {name}")
    began = time.monotonic()
    time.sleep(0.2)
    with open(os.environ["WHEN"], "a") as file:
        print(json.dumps([{name!r}, began, time.monotonic(), os.getpid()]), file=file)
"""


def times(folder, **alone):
    """When tests of some files ran, in three workers: (file, begin, end, process) each."""
    for name, one in alone.items():
        (folder / f"test_{name}.py").write_text(TEST.format(name=name, alone=one))
    (folder / "tests").mkdir()
    shutil.copy(side_by_side.__file__, folder / "tests")  # a copy has locks of its own: this very test is in the room
    (folder / "conftest.py").touch()
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    mine = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    mine |= {"PYTHONPATH": str(folder / "tests"), "WHEN": str(folder / "when"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "side_by_side", "-p", "no:cacheprovider", "-n", "3", "-q"]
    done = subprocess.run(command, cwd=folder, env=mine, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [json.loads(line) for line in (folder / "when").read_text().splitlines()]
    assert sorted(re.findall("(?m)^number (.) of (.)$", done.stdout)) == sorted((str(n), name) for name in alone for n in range(3)), (
        "shown once"
    )
    return ran


def beside(ran):
    """Pairs of files of which tests ran at the same time."""
    pairs = [(one, other) for one in ran for other in ran if one[0] < other[0]]
    return {(one[0], other[0]) for one, other in pairs if one[1] < other[2] and other[1] < one[2]}


def test_files_run_side_by_side_each_in_one_worker(tmp_path):
    ran = times(tmp_path, a=False, b=False, c=False)
    assert beside(ran)
    assert len(ran) == 9
    assert len({(name, process) for name, _, _, process in ran}) == 3


def test_a_test_that_wants_to_be_alone_is(tmp_path):
    ran = times(tmp_path, a=False, b=True, c=False)
    assert len(ran) == 9
    assert not {pair for pair in beside(ran) if "b" in pair}


@pytest.mark.parametrize("name", [*side_by_side.LONGEST, *(file for files in side_by_side.TOGETHER.values() for file in files)])
def test_what_is_named_is_there(name):
    assert name in side_by_side.TOGETHER or (ROOT / name).exists()


def test_a_notebooks_cells_stay_together_and_what_tries_many_pods_runs_once_at_a_time():
    group = side_by_side.group
    assert (
        group("notebooks/01_namespaces.ipynb::Cell 3")
        == group("notebooks/01_namespaces.ipynb::Cell 4")
        != group("notebooks/02.ipynb::Cell 1")
    )
    assert group("tests/browser/test_widgets.py::test_it") == group("tests/live/test_demo.py::test_it[a::b]")
