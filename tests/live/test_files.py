"""Small files as steps: written, judged, found in snapshots, taken back; and a node's own /var/lib/cni."""

import os

import pytest

from live.helpers import VMS
from podnet_lab import Lab, file
from podnet_lab.errors import BadInput, StepConflict

LEASE, CONTENT = "/var/lib/cni/networks/cbr0/10.244.1.2", "pod-1-2\r\neth0"
ENV = "/run/flannel/subnet.env"


def test_a_file_is_written_judged_and_taken_back(lab):
    node, step = lab["node1"], file.write(LEASE, CONTENT)
    assert step.contradiction(node.snapshot()) == f"there is no {LEASE}"
    assert node.run(step).changed
    assert node.snapshot().files == {LEASE: CONTENT}
    assert node.shell(f"od -c {LEASE} | head -1").split()[1:] == [*"pod-1-2", r"\r", r"\n", *"eth0"]
    assert "already so" in str(node.run(step))
    assert lab["node2"].snapshot().files == {}
    with pytest.raises(StepConflict, match="has 'pod-1-2"):
        node.run(file.write(LEASE, "pod-1-3\r\neth0"))
    node.run(file.write(LEASE, "other", replace=True))
    lab.undo()
    assert node.snapshot().files == {LEASE: CONTENT}
    node.run(file.remove(LEASE))
    lab.undo()
    lab.undo()
    assert node.snapshot().files == {}


def test_what_is_printed_writes_the_same(lab):
    node, content = lab["node1"], "-a%s\\n\n\tit's\r\n"
    node.shell(file.write(ENV, content).command)
    assert node.snapshot().files == {ENV: content}
    assert not node.run(file.write(ENV, content)).changed
    node.shell(file.remove(ENV).command)
    assert node.snapshot().files == {}


def test_reset_and_goto_remove_what_anybody_wrote(lab):
    node = lab["node1"]
    node.shell(f"mkdir -p /run/flannel; echo x > {ENV}")
    assert f"node1# rm {ENV}" in lab.goto("bridge").undone
    assert node.snapshot().files == {}


def test_what_is_no_small_file_is_not_read(lab):
    node = lab["node1"]
    node.shell(
        "mkdir -p /run/flannel/a/b; cd /run/flannel; mkfifo pipe; ln -s /etc/passwd link; head -c 5000 /dev/zero > big; echo é > word"
    )
    node.shell("cd /run/flannel; ln -s /etc folder; touch a/b/deep 'a name' .hidden; echo ok > a/right")
    assert node.snapshot().files == {"/run/flannel/a/right": "ok\n"}
    node.shell("rm -r /run/flannel")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/run/flannel", "/run/flannel/../x", "/run/flannel/a/b/c", "/run/flannel/.x", "x", None, ""]
)
def test_other_paths_are_refused(path):
    with pytest.raises(BadInput, match="a file that steps write lies in /run/flannel or /var/lib/cni/networks"):
        file.write(path, "x")


@pytest.mark.parametrize("content", ["é", "\0", "x" * 5000, None])
def test_other_contents_are_refused(content):
    with pytest.raises(BadInput, match="plain ASCII text, of 4096 characters at most"):
        file.write(ENV, content)


@pytest.mark.skipif(VMS, reason="a VM's /var/lib is the machine's own")
def test_each_node_has_a_var_lib_cni_of_its_own_and_the_machine_is_left_alone():
    before = [os.path.lexists("/var/lib/cni"), os.stat("/var/lib").st_mtime_ns, sorted(os.listdir("/var/lib"))]
    with Lab.open(nodes=2, pods=1, name="files") as lab:
        lab["node1"].run(file.write(LEASE, CONTENT))
        assert lab["node1"].shell("ls /var/lib/cni") == "networks\n"
        assert lab["node2"].shell("ls /var/lib/cni") == ""
        seen = set(lab["node2"].shell("ls -A /var/lib").split())
        assert seen == {*before[2], "cni"}
    assert [os.path.lexists("/var/lib/cni"), os.stat("/var/lib").st_mtime_ns, sorted(os.listdir("/var/lib"))] == before
