"""The exercises of notebook 12, where the plugin on trial is wrong in another way than was thought of; they are proved with all others."""

import json
from pathlib import Path

import pytest

from live.helpers import everything
from podnet_lab.cni.installation import BIN
from podnet_lab.exercises.catalogue import SETS
from podnet_lab.exercises.cni_exercises import AT_ONCE
from podnet_lab.exercises.plugins_to_mend import whole, with_others

NAMES = [exercise.name for exercise in SETS["cni"]]
NOTEBOOK = Path(__file__).parents[2] / "notebooks/12_a_plugin.ipynb"


def written_in_the_notebook():
    """The plugin that a student has at the end of the notebook."""
    sources = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    parts = [source.partition('"""')[2].removesuffix('"""') for source in sources if source.startswith(("plugin = ", "plugin += "))]
    assert len(parts) == 3
    return "".join(parts).lstrip("\n")


def test_the_notebooks_own_plugin_gives_back_and_knows_no_lock(lab):
    """As the notebook says of it: its DEL is right, two at once may get the same address, its CHECK sees the address alone."""
    said = {}
    for exercise in SETS["cni"]:
        task = lab.exercise(exercise)
        task.counts = False
        lab.runtime("node1").put(exercise.task.partition("called ")[2].partition(".")[0], written_in_the_notebook())
        said[exercise.name] = task.check()
    assert said["cni-1"], said["cni-1"]
    assert said["cni-2"] or said["cni-2"].checks.first_failure.claim == AT_ONCE, "whether two look at the same moment is chance"
    assert said["cni-3"].mistake.name == "the address alone"


ODD = {
    "a typing error": ("#!/usr/bin/env python3\nif True print(1)\n", "SyntaxError"),
    "it says nothing": ("#!/bin/bash\n", "0 of 5 have one"),
    "junk": ("#!/bin/bash\necho junk\nexit 3\n", "exit status 3: junk"),
    "it hangs": ("#!/bin/bash\nsleep 1000\n", "it did not end within 1 seconds"),
    "it does not read": ("#!/bin/bash\nexec 0<&-\necho '{}'\n", "0 of 5 have one"),
    "another shape": ('#!/bin/bash\necho \'{"ips": 5, "code": {}}\'\nexit 1\n', "error {}"),
    "no interpreter": ("#!/usr/bin/pyton3\n", "it can't be started: No such file or directory"),
}


@pytest.mark.parametrize("what", ODD)
def test_a_plugin_that_is_wrong_altogether_is_told_so(lab, monkeypatch, what):
    monkeypatch.setattr("podnet_lab.exercises.plugin_trial.SECONDS", 1)
    text, words = ODD[what]
    task = lab.exercise("cni-2")
    task.counts = False
    lab.runtime("node1").put("twice", text)
    before = everything(lab)
    assessment = task.check()
    assert (assessment.verdict, assessment.mistake) == ("not solved", None)
    assert words in assessment.why
    assert everything(lab) == before


@pytest.mark.parametrize("broken", [f"chmod -x {BIN}/NAME", f"rm {BIN}/NAME"])
@pytest.mark.parametrize(("name", "plugin"), list(zip(NAMES, ("forgetful", "twice", "content"), strict=True)))
def test_a_plugin_that_can_not_be_started_is_told_so(lab, name, plugin, broken):
    task = lab.exercise(name)
    task.counts = False
    lab["node1"].shell(broken.replace("NAME", plugin))
    assessment = task.check()
    assert assessment.verdict == "not solved"
    assert "it can't be started" in assessment.why


def test_what_is_wrong_with_each_is_a_part_of_the_whole_one():
    assert whole().startswith("#!/usr/bin/env python3\n")
    with pytest.raises(ValueError, match="these lines once"):
        with_others(whole(), ("no such line", ""))
