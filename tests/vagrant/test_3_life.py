"""The VMs' life: halted, up again, reloaded, destroyed; the lab works after each, and the notebooks outlive them."""

import tarfile

import pytest

from vagrant.vms import LINE, NODES

WORKS = """
lab = Lab.open(take_over=True)
lab.reset()
lab.build()
answer = bool(lab.check())
"""


def test_up_again_says_the_same(vms, address):
    assert LINE.search(vms.vagrant("up")).groups() == address


@pytest.mark.quick
def test_a_node_that_is_halted_and_up_again(vms):
    vms.python("lab = Lab.open(take_over=True); lab.build(); answer = 1")
    vms.vagrant("halt", "node2")
    said = vms.student("podnet reset", ok=False)
    assert "node2 does not answer" in said
    assert "vagrant up node2" in said
    vms.vagrant("up", "node2")
    vms.forget_addresses()
    assert vms.python(WORKS)


def test_a_lab_that_is_open_while_a_node_goes(vms):
    """It says which, and opens again when it is back."""
    script = """
import subprocess, sys, time
lab = Lab.open(take_over=True)
lab["node3"].shell("systemd-run --on-active=1 systemctl reboot", may_fail=True)
deadline = time.monotonic() + 120
told = ""
while not told and time.monotonic() < deadline:
    try:
        lab.snapshot()
        time.sleep(0.2)
    except errors.LabGone as gone:
        told = str(gone)
while time.monotonic() < deadline + 120:
    try:
        lab = Lab.open()
        break
    except errors.CannotRun:
        time.sleep(2)
answer = [told, bool(lab.ping("outside", "node3"))]
"""
    told, works = vms.python(script)
    assert "node3" in told
    assert works


@pytest.mark.parametrize("node", NODES)
def test_the_baseline_is_the_first_one(vms, node):
    """Provisioning again changes nothing of it, whatever is on the nodes."""
    vms.on(node, "sudo ip link add mine type bridge; sudo cp /var/lib/podnet/baseline.json /var/tmp/")
    vms.vagrant("provision", node)
    vms.on(node, "cmp /var/tmp/baseline.json /var/lib/podnet/baseline.json; sudo rm /var/tmp/baseline.json")
    assert f"{node}# ip link del mine" in vms.student("podnet reset")


def test_all_of_them_started_anew(vms, address):
    vms.student("echo mine > notebooks/mine.txt; echo changed >> notebooks/00_the_plan.ipynb")
    assert LINE.search(vms.vagrant("reload")).groups() == address
    vms.forget_addresses()
    assert vms.student("podnet reset") == "nothing to do: the lab is as it was opened\n"
    assert vms.python(WORKS)
    assert vms.student("cat notebooks/mine.txt") == "mine\n"


def test_notebooks_outlive_their_vm(vms):
    """`vagrant destroy` saves them, refuses where it can't, and the next `vagrant up` brings them back."""
    vms.vagrant("halt", "node1")
    said = vms.vagrant("destroy", "-f", "node1", ok=False)
    assert "vagrant up node1" in said
    assert "PODNET_DISCARD=1" in said
    assert "shutoff" in vms.vagrant("status", "node1")
    vms.vagrant("up", "node1")
    vms.vagrant("destroy", "-f", "node1")
    (saved,) = (vms.project / "saved-notebooks").glob("*.tar.gz")
    with tarfile.open(saved) as tar:
        assert tar.extractfile("notebooks/mine.txt").read() == b"mine\n"
    assert LINE.search(vms.vagrant("up", "node1", PODNET_TESTS=""))
    vms.forget_addresses()
    assert vms.student("cat notebooks/mine.txt") == "mine\n"
    assert vms.student("tail -n 1 notebooks/00_the_plan.ipynb") == "changed\n"
    assert vms.python(WORKS)
