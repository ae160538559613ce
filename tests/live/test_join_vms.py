"""
Joining the VMs' lab, tried without VMs: the nodes of a one-machine lab are dressed up as such.

Each gets the two files that provisioning makes, where it alone sees them, and the ways to the agents are nsenter
instead of sudo and ssh. What real VMs add is in tests/vagrant/test_2_lab.py.
"""

import json
import shlex
import sys

import pytest

from live.helpers import ROOT
from live.lab_facade import baseline, processes
from podnet_lab import Lab, errors, route
from podnet_lab.backends import nsenter, plan_json, running_labs, vms

pytestmark = pytest.mark.root

DRESS = """
touch /run/podnet-booted
mount -t tmpfs none /var/lib
mkdir /var/lib/podnet
cat > /var/lib/podnet/baseline.json <<'END'
{}
END
"""


@pytest.fixture(scope="module")
def dressed():
    """The lab whose nodes pass for VMs; ended with this file."""
    with Lab.open(name="dressed") as lab:
        for node in lab:
            new = baseline(lab).raw[node.name]
            stored = {
                "external": "",
                "others": [],
                "spare": None,
                "baseline": {"snapshot": new["spaces"], "unmanaged_state": new["unmanaged_state"]},
            }
            node.shell(DRESS.format(json.dumps(stored)))
        lab.goto("done")
        yield lab


@pytest.fixture
def node1(dressed, monkeypatch, tmp_path):
    """Be on node1 of these VMs, with a list of labs of one's own."""
    nodes = {node.name: {"external": str(node.external), "management": ""} for node in dressed.plan.nodes}
    program = tmp_path / "podnet-agent"
    program.write_text((ROOT / "vm" / "podnet-agent").read_text().replace("/opt/podnet", str(ROOT)))

    def command(config, node, words, terminal=False):
        if words != "agent":
            return f"bash {program} {words}"
        pid = running_labs.host_pids({node: processes(dressed)[node]})[node]
        return shlex.join(nsenter.command(pid, nsenter.owner_of(pid), [sys.executable, "-P"]))

    monkeypatch.setattr(vms, "here", lambda: {"node": "node1", "nodes": nodes, "outside": {"node": "node3"}})
    monkeypatch.setattr(vms, "command", command)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", "03_veth.ipynb")


@pytest.fixture
def held(dressed, node1):
    """Somebody has the lab of VMs open."""
    path = running_labs.register("lesson", processes(dressed), "vms", plan_json.of_plan(dressed.plan, "static_routes"))
    yield
    running_labs.unregister(path)


def works(lab):
    assert lab.check()
    assert lab["node1"].run(route.remove("10.244.3.0/24"))
    found = lab.explain("pod-1-2", "pod-3-2")
    assert "node1 has no route to 10.244.3.2" in str(found)
    assert lab.run(found.repair)
    assert lab.trace("pod-1-2", "node3")
    assert lab["node2"].shell("hostname") == "node2\n"
    for back in (lab.reset, lambda: lab.goto("veth")):
        with pytest.raises(errors.LabHeld, match="podnet reset"):
            back()
    assert lab.check(), "nothing was brought back"


def test_the_vms_where_nobody_has_them_open(node1):
    with Lab.join() as lab:
        works(lab)
        assert repr(lab) == "<lab 'vms', joined: node1, node2, node3>"
        assert set(lab.topology().cluster) == {"node1", "node2", "node3"}
        with pytest.raises(errors.BadInput, match="'outside'"):
            lab.ping("outside", "node3")


def test_the_vms_that_a_notebook_has_open(held):
    with Lab.join() as lab:
        works(lab)
        assert "joined: node1, node2, node3 and outside" in repr(lab)
        assert lab.ping("outside", "node3")
        assert lab["outside"].shell("hostname") == "outside\n"
        with pytest.raises(errors.LabHeld, match=r"held by 03_veth.ipynb"):
            lab.reset()
    with pytest.raises(errors.LabGone):
        lab.check()


def test_a_plan_that_the_vms_are_not_is_no_lab_to_join(node1, dressed):
    plan = plan_json.of_plan(dressed.plan, "static_routes")
    path = running_labs.register("odd", processes(dressed), "vms", plan | {"nodes": plan["nodes"][:2]})
    try:
        with pytest.raises(errors.BadInput, match="the VMs are node1"):
            Lab.join()
    finally:
        running_labs.unregister(path)
