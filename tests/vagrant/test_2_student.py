"""What the user `student` may do on the VMs, and what of the way there is left in them."""

from pathlib import Path

import pytest

from vagrant.vms import NODES


@pytest.mark.parametrize("node", NODES)
def test_nothing_that_came_to_a_vm_is_left_in_it(vms, node):
    """Above all not node1's key, which opens the other nodes: it has one place, which the student's programs alone may read."""
    assert vms.on(node, "sudo find /tmp /var/tmp /var/lib -maxdepth 1 -name '*podnet*'").split() == ["/var/lib/podnet"]
    line = vms.on("node1", "sudo sed -n 3p /etc/podnet/key").strip()
    assert len(line) > 30
    # What to look for is not in the command: sudo writes that into the journal.
    look = "sudo grep -rlsF -D skip -f - /etc /home /opt /root /run /srv /tmp /usr/local /var || true"
    found = vms.on(node, look, text=line + "\n").split()
    assert found == (["/etc/podnet/key"] if node == "node1" else [])
    if found:
        assert vms.on(node, "stat -c '%U %a' /etc/podnet/key").strip() == "student 600"


def test_what_a_student_may_do_as_root(vms):
    """One program, on each node, as docs/how-it-works.md says; through it, all of that node."""
    for node in NODES:
        said = vms.on(node, "sudo -l -U student").partition(f"may run the following commands on {node}:")[2]
        assert said.split() == ["(root)", "NOPASSWD:", "/usr/local/sbin/podnet-agent"]
        assert vms.on(node, "id -nG student").split() == ["student"]
        assert vms.student(f"podnet shell {node} id -u").strip() == "0"
    text = (Path(__file__).parents[2] / "docs/how-it-works.md").read_text()
    assert "may run one program as root, `/usr/local/sbin/podnet-agent`" in text


def test_a_student_is_no_root_but_through_the_lab(vms):
    vms.student("sudo -n id", ok=False)
    vms.student("sudo -n /bin/bash -c id", ok=False)
    assert vms.on("node1", "stat -c '%U %a' /usr/local/sbin/podnet-agent").strip() == "root 755"
    assert vms.student("find /opt/podnet /usr/local/sbin/podnet-agent /usr/local/bin/podnet /etc/podnet/lab.json -writable ! -type l") == ""
    assert "Permission denied" in vms.student("ssh -o BatchMode=yes -o StrictHostKeyChecking=no student@198.18.0.12 true", ok=False)
