"""A kernel as `podnet lab` starts it: it knows %%node before anything was imported."""

import sys
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from podnet_lab.jupyter import server

LIMIT = 30


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", server.environment()["JUPYTER_PATH"])
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def answer(client, source, **what):
    return client.execute_interactive(source, output_hook=lambda _: None, timeout=LIMIT, **what)["content"]


def test_a_shell_cell_in_a_fresh_kernel_says_that_no_lab_is_open(kernel):
    said = answer(kernel, "%%node node1\nhostname")
    assert (said["ename"], "run the cell with `lab = Lab.open()` first" in said["evalue"]) == ("NoLab", True)


def test_a_fresh_kernel_is_of_this_python_and_has_not_loaded_what_only_a_lab_needs(kernel):
    names = {"prefix": "__import__('sys').prefix", "heavy": "{'execnet', 'podnet_lab.lab.lab'} & set(__import__('sys').modules)"}
    found = {key: one["data"]["text/plain"] for key, one in answer(kernel, "", user_expressions=names)["user_expressions"].items()}
    assert found == {"prefix": repr(sys.prefix), "heavy": "set()"}


def test_where_somebody_else_keeps_kernels_comes_first(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", "/mine")
    mine, ours = server.environment()["JUPYTER_PATH"].split(":")
    assert (mine, Path(ours, "kernels/python3/kernel.json").is_file()) == ("/mine", True)
