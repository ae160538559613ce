"""etcd as a daemon of a node: what it keeps, whom it answers, and that nothing of it is left."""

import json
from base64 import b64decode

import pytest

from live.helpers import everything, until
from podnet_lab import daemon
from podnet_lab.backends import doctor
from podnet_lab.daemons import etcd
from podnet_lab.errors import CannotRun, StepConflict

pytestmark = pytest.mark.etcd

SERVER = etcd.server("192.168.1.11")


def ask(node, what, at="127.0.0.1", **given):
    """What etcd's JSON gateway answers."""
    return json.loads(node.shell(etcd.call(what, given, at)))


def test_it_keeps_what_another_node_writes(lab):
    lab["node1"].run(daemon.start(SERVER))
    lab["node2"].shell(etcd.put("a", "of node2", "192.168.1.11"))
    (found,) = ask(lab["node1"], "kv/range", key=etcd.coded("a"))["kvs"]
    assert b64decode(found["value"]) == b"of node2"
    assert ask(lab["node3"], "lease/grant", "192.168.1.11", TTL=1)["TTL"] == "1"
    lab["node1"].shell(f"kill -9 $(cat {SERVER.folder}/pid)")
    until(lambda: lab["node1"].snapshot().processes == ())
    lab["node1"].shell(daemon.start(SERVER).command)
    until(lambda: daemon.start(SERVER).contradiction(lab["node1"].snapshot()) is None)
    assert ask(lab["node1"], "kv/range", key=etcd.coded("a"))["kvs"] == [found], "its data outlive it"
    lab["node1"].shell(etcd.delete("a"))
    assert "kvs" not in ask(lab["node1"], "kv/range", key=etcd.coded("a"))


def test_it_is_started_once_and_nothing_is_left_of_it(lab):
    node, before = lab["node1"], everything(lab)
    assert node.run(daemon.start(SERVER)).changed
    assert "already so" in str(node.run(daemon.start(SERVER)))
    with pytest.raises(StepConflict, match="etcd runs already, with other options or files"):
        node.run(daemon.start(etcd.server("127.0.0.1")))
    lab.undo()
    assert everything(lab) == before
    assert node.shell("ls -d /run/podnet", may_fail=True).startswith("ls:")
    assert node.run(daemon.start(SERVER)).changed
    assert "kvs" not in ask(node, "kv/range", key=etcd.coded("a")), "its data went with it"


def test_where_it_is_missing_its_package_is_named(lab, monkeypatch):
    with pytest.raises(CannotRun, match="etcd-none is not installed here: sudo apt install etcd-server"):
        lab["node1"].run(daemon.start(type(SERVER)("etcd", ("etcd-none",), package=SERVER.package)))
    monkeypatch.setattr(doctor.shutil, "which", lambda name, **_: None if name == "etcd" else f"/usr/bin/{name}")
    assert "program etcd: not found; Flannel's control plane needs it\n      sudo apt install etcd-server" in str(doctor.examine())
