"""Joining the VMs' lab, as far as it needs no VM."""

import os
import re
import shlex
from types import SimpleNamespace

import pytest
from unit_vms import CONFIG, NODES

from podnet_lab import errors

pytest.importorskip("fcntl", reason="podnet_lab.kernel needs a Unix")

from podnet_lab.backends import joined, plan_json, running_labs, vms
from podnet_lab.plan import plan

OUTSIDE = {"pid": 1, "namespaces": {"net": "net:[4026532001]", "pid": "pid:[1]"}}


@pytest.fixture
def open_lab(monkeypatch, tmp_path):
    """List a lab as if this process had opened it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", "03_veth.ipynb")
    return lambda name, where: running_labs.register(name, {"outside": OUTSIDE}, where, plan_json.of_plan(plan(3, 4), "static_routes"))


def test_the_vms_can_be_joined_whether_somebody_has_them_open_or_not(on, open_lab):
    on("node1")
    running = joined.find()
    assert (running.key, running.name, running.plan) == ("vms@nobody", "vms", plan())
    open_lab("beside", "namespaces")
    assert joined.find().name == "vms"
    assert joined.find("beside").name == "beside"
    open_lab("lesson", "vms")
    assert joined.find()[:3] == joined.find("lesson")[:3] == (f"lesson@{os.getpid()}", "lesson", plan(3, 4))
    on("node2")
    with pytest.raises(errors.CannotRun, match="opened on node1"):
        joined.find()


def test_joined_vms_have_the_host_outside_while_a_lab_is_open(on, open_lab, monkeypatch):
    on("node1")
    open_lab("lesson", "vms")
    backend = joined.JoinedVms.__new__(joined.JoinedVms)
    backend._config, reached = vms.here(), []
    monkeypatch.setattr(backend, "_reach", reached.append)
    for entry in (vms.open_lab(), None):
        backend._entry = entry
        backend._reach_all()
    nodes = {node: (node, "agent") for node in NODES}
    assert reached == [nodes | {"outside": ("node3", "agent-outside net:[4026532001]")}, nodes]
    there = shlex.split(vms.command(CONFIG, "node3", reached[0]["outside"][1]))
    assert shlex.split(there[-1]) == ["agent-outside", "net:[4026532001]"]


def test_joined_vms_are_brought_back_by_who_holds_them(on, open_lab):
    on("node1")
    open_lab("lesson", "vms")
    backend = joined.JoinedVms.__new__(joined.JoinedVms)
    for entry, words in ((vms.open_lab(), "held by 03_veth.ipynb"), (None, "is not open")):
        backend._entry = entry
        with pytest.raises(errors.LabHeld, match=f"{words}.*podnet reset"):
            backend.refuse_reset()


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (("outside",), "was closed by 03_veth.ipynb"),
        (("node3", "outside"), r"has lost node3: does it run\?.*vagrant up node3, .*Lab.join\(\) joins it again"),
        (("node1",), "has lost node1"),
    ],
)
def test_joined_vms_that_are_gone_say_which_and_why(on, open_lab, ended, words):
    on("node1")
    open_lab("lesson", "vms")
    backend = joined.JoinedVms.__new__(joined.JoinedVms)
    backend._config, backend._entry = vms.here(), vms.open_lab()
    backend.agents = {name: SimpleNamespace(alive=name not in ended) for name in (*NODES, "outside")}
    assert re.match(words, backend.why_gone())
