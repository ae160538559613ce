"""docs/snapshots.md is what the docstrings say, and its examples are true."""

import importlib.util
from pathlib import Path

import world

from podnet_lab.plan import plan

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_docstrings_say():
    spec = importlib.util.spec_from_file_location("snapshot_page", ROOT / "tools" / "snapshot_page.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.PAGE.read_text() == tool.page(), "python tools/snapshot_page.py writes it anew"


def test_what_its_examples_say_can_be_asked():
    page = (ROOT / "docs" / "snapshots.md").read_text()
    lines = page.partition("```python\n")[2].partition("```")[0].splitlines()[1:]
    node = world.wired(plan())["node1"]
    said = [eval(line.partition("#")[0].strip(), {"node": node}) for line in lines]  # noqa: S307 - the page's own examples
    assert said[0] is True
    assert [str(route) for route in said[1]][-1] == "default via 10.244.1.1 dev veth-1-2"
    assert said[2] == ["pod-1-2", "pod-1-3"]
    assert repr(said[3]) in lines[3]
