"""Which exercises were solved: what is kept, what is not taken back, and in which notebook each is."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab.exercises import progress
from podnet_lab.exercises.attempts import Record
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.exercises.progress import Progress, Tried
from podnet_lab.jupyter import notebooks

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_every_exercise_is_in_one_notebook():
    """What a notebook only speaks of, such as a longer one, counts as its own."""
    began = [name for names in notebooks.exercises().values() for name in names]
    assert sorted(began) == sorted(EXERCISES)
    assert notebooks.exercises()["02_bridge"] == ["bridge-1", "bridge-2"]
    assert set(notebooks.exercises()) == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


def test_what_is_solved_stays_solved_with_the_least_help_that_it_took():
    assert progress.read() == {}
    progress.note("bridge-1", Record("not solved", hints=1, explanations=2))
    assert progress.read()["bridge-1"] == Tried("not solved", hints=1, explanations=2)
    progress.note("bridge-1", Record("solved", hints=3, explanations=2))
    progress.note("bridge-1", Record("not solved"))
    assert progress.read()["bridge-1"] == Tried("solved", hints=3, explanations=2)
    progress.note("bridge-1", Record("solved", hints=0, explanations=0))
    assert progress.read()["bridge-1"] == Tried("solved")
    progress.note("trouble-1", Record("not solved", given_up=True))
    progress.note("trouble-1", Record("solved", given_up=True))
    found = notebooks.progress()
    assert found.solved == ["bridge-1"]
    assert not found
    lines = str(found).splitlines()
    assert lines[-1] == f"1 of {len(EXERCISES)} solved"
    assert "  ✓ bridge-1      solved" in lines
    assert "  · trouble-1     given up" in lines
    assert "  · veth-1        not yet" in lines


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"exercises": []}',
        '{"exercises": {"a": {"x": 1}}}',
        '{"exercises": {"a": 7}}',
        '{"exercises": {"bridge-1": {"verdict": "solved", "hints": "x"}}}',
        "[" * 200_000,
    ],
)
def test_a_file_that_is_none_of_ours_is_nothing(home, text):
    (home / "podnet-lab").mkdir()
    (home / "podnet-lab" / "progress.json").write_text(text)
    assert progress.read() == {}
    progress.note("bridge-1", Record("solved"))
    assert progress.read() == {"bridge-1": Tried("solved")}


def test_where_nothing_can_be_written_a_check_goes_on(home):
    (home / "podnet-lab").write_text("a file where the folder should be")
    progress.note("bridge-1", Record("solved"))
    assert progress.read() == {}
    assert list(home.iterdir()) == [home / "podnet-lab"]


def test_an_exercise_of_ones_own_and_one_that_was_solved_elsewhere_are_told():
    tried = {"bridge-1": Tried("solved", "mine.ipynb"), "quarantine-1": Tried("solved", hints=1)}
    found = Progress({"02_bridge": ["bridge-1"], "00_the_plan": []}, ["bridge-1", "veth-1"], tried)
    assert found.notebooks == {"02_bridge": ["bridge-1"], "elsewhere": ["veth-1", "quarantine-1"]}
    assert found.solved == ["bridge-1", "quarantine-1"]
    assert re.search(r"✓ bridge-1 +solved  in mine.ipynb", str(found))
    assert re.search(r"✓ quarantine-1 +solved \(1 hint\)", str(found))


def test_one_notebook_is_chosen_by_number_or_name():
    fresh = dict.fromkeys(("01_namespaces.ipynb", "02_bridge.ipynb", "10_flannel.ipynb"), b"")
    for which in ("02", "2", "02_bridge", "02_bridge.ipynb", "02_b"):
        assert list(notebooks.chosen(fresh, which)) == ["02_bridge.ipynb"]
    for which in ("", "3", "0", "bridge", "02_bridge_", "../02_bridge"):
        with pytest.raises(notebooks.BadInput, match="of the notebooks: 01_namespaces, 02_bridge, 10_flannel"):
            notebooks.chosen(fresh, which)


def test_outputs_are_left_out_and_nothing_else():
    before = json.loads((NOTEBOOKS / "02_bridge.ipynb").read_text())
    after = json.loads(notebooks.without_outputs((NOTEBOOKS / "02_bridge.ipynb").read_bytes()))
    assert any(cell.get("outputs") for cell in before["cells"])
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in after["cells"])
    for cell in before["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    assert after == before
