"""`podnet new-exercise`: a lesson of one exercise and its solutions, to be changed into one's own; `podnet prove` plays it as it is."""

from __future__ import annotations

import keyword
from pathlib import Path

from podnet_lab.errors import BadInput
from podnet_lab.exercises.catalogue import EXERCISES
from podnet_lab.grading.lesson_files import refuse_taken

LESSON = '''"""One exercise. Hand this file out; keep {name}_solutions.py."""

from podnet_lab.exercises import Check, Exercise, Mistake, reaches, unreached


def check(lab):
    """Claims about the lab, the lowest layer first: the first that does not hold is the last that is asked for."""
    node = lab["node1"].snapshot()
    yield Check("pod-1-3 is still there", None if "pod-1-3" in node.spaces else "node1 has no such namespace")
    yield unreached(lab, "pod-1-2", "pod-1-3")
    yield reaches(lab, "pod-1-2", "pod-2-2")  # what has to stay as it was


def bridge_is_down(cluster):
    """A mistake that people make, told by snapshots of all nodes."""
    bridge = cluster["node1"].own.links.get("v-net-0")  # somebody may have deleted it
    return bridge is not None and not bridge.up


FIRST = Exercise(
    name="{name}-1",
    title="Nobody reaches pod-1-3",
    task="Nobody is to reach pod-1-3 any more. It keeps its namespace, and everyone else goes on as before.",
    check=check,
    hints=(
        "What do all packets to and from that Pod alone pass?",
        "`ip link` on node1: which interface leads to it?",
        "`ip link set dev veth-1-3-br down`",
    ),
    mistakes=(Mistake("the bridge is down", bridge_is_down, "Nobody reaches it now. Who else is on that switch?"),),
    start="done",  # a place for lab.goto; without it, the first stage
)

EXERCISES = [FIRST]
'''

SOLUTIONS = '''"""Answers to {name}.py, to be kept: podnet prove {name}.py {name}_solutions.py"""

from podnet_lab.exercises.solution import Solution

SOLUTIONS = {{
    "{name}-1": Solution(
        right={{
            "the cable is down": {{"node1": "ip link set dev veth-1-3-br down"}},
            "the cable is unplugged": {{"node1": "ip link set dev veth-1-3-br nomaster"}},
        }},
        wrong={{"the bridge is down": {{"node1": "ip link set dev v-net-0 down"}}}},
    )
}}
'''


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """
    Write a lesson and its solutions into *folder*; returns both files.

    BadInput, and nothing is written, if *name* can't be a lesson's, or one of the files is there.
    """
    if not name.isidentifier() or not name.isascii() or name.startswith("_") or len(name) > 40:
        raise BadInput(f"{name!r} can't be a lesson's name, which is a Python file's: letters, digits and _, at most 40, such as week3")
    if keyword.iskeyword(name):
        raise BadInput(f"{name!r} can't be a lesson's name: it is a word of Python. Another one, such as week3")
    refuse_taken(name, folder / f"{name}.py")
    if f"{name}-1" in EXERCISES:
        raise BadInput(f"{name!r} can't be a lesson's name: podnet_lab has an exercise {name}-1 itself. Another one, such as week3")
    files = {folder / f"{name}.py": LESSON.format(name=name), folder / f"{name}_solutions.py": SOLUTIONS.format(name=name)}
    written: list[Path] = []
    try:
        for file, text in files.items():
            with file.open("x", encoding="utf-8") as new:
                written.append(file)
                new.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        there = "is there already" if isinstance(error, FileExistsError) else f"can't be written: {error.strerror or error}"
        raise BadInput(f"{error.filename or folder} {there}. Nothing was written") from error
    lesson, solutions = files
    return lesson, solutions
