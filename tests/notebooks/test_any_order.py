"""Notebooks one after the other in one kernel, so in one lab: each finds what the one before left, and says the same."""

import json
import time
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.lab

FOLDER = Path(__file__).parents[2] / "notebooks"
ORDER = ["06", "05", "04", "03", "02", "01", "00", "03", "03", "12", "12"]
"""Backwards, so that every one begins where the lab is further than it wants; then one twice, and one that leaves files on a node."""

LIMIT = 60


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, source):
    """Run one cell; returns what it said, as (kind, text) in order, with streams joined."""
    ident = client.execute(source, store_history=False)
    said, streams = [], {}
    deadline = time.monotonic() + LIMIT
    while True:
        message = client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
        if message["parent_header"].get("msg_id") != ident:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            return sorted([*said, *streams.items()])
        if kind == "stream":
            streams[content["name"]] = streams.get(content["name"], "") + content["text"]
        elif kind in ("execute_result", "display_data"):
            said.append(("text/plain", content["data"]["text/plain"]))
        elif kind == "error":
            said.append((content["ename"], content["evalue"]))


def stored(cell):
    """The same of a stored cell."""
    said, streams = [], {}
    for out in cell["outputs"]:
        if out["output_type"] == "stream":
            streams[out["name"]] = streams.get(out["name"], "") + "".join(out["text"])
        elif out["output_type"] == "error":
            said.append((out["ename"], out["evalue"]))
        else:
            said.append(("text/plain", "".join(out["data"]["text/plain"])))
    return sorted([*said, *streams.items()])


@pytest.mark.parametrize("number", ORDER)
def test_a_notebook_says_the_same_wherever_the_lab_was(kernel, number):
    (path,) = FOLDER.glob(f"{number}_*.ipynb")
    compared = 0
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] != "code":
            continue
        said = run(kernel, "".join(cell["source"]))
        if "nbval-ignore-output" not in cell["metadata"].get("tags", []):
            compared += 1
            assert said == stored(cell), "".join(cell["source"])

    assert compared > 10
