"""What happened before a look that failed is seen by the next; and none fails for what is kept."""

import json
from pathlib import Path

import pytest

from podnet_lab import Lab

ON_THE_NODE = (Path(__file__).parent / "failed_look_program.py").read_text()


@pytest.fixture(scope="module")
def seen():
    with Lab.open(name="moments") as lab:
        package = lab.parts.core.agent("node1").call("package")
        yield json.loads(lab["node1"].shell(f"{package['python']} - <<'EOF'\nFOLDER = {package['folder']!r}\n{ON_THE_NODE}\nEOF"))


def test_a_neighbour_that_was_asked_for_before_a_look_that_failed(seen):
    assert seen[0] == ["10.72.0.9"]


def test_descriptors_that_are_kept_leave_enough_for_a_look_at_all(seen):
    assert seen[1] == [20, 20, 20]
