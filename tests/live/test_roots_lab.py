"""Root's lab: root on a node is nobody on the machine, unless that was asked for; and what it needs of root's own folders it is shown."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from live.helpers import VMS, environment, podnet, until
from podnet_lab import Lab
from podnet_lab.errors import CannotRun, LabError

pytestmark = pytest.mark.skipif(VMS, reason="a VM is a machine of its own")

SAME = "cat {0} > {0}"

MACHINES = {
    "a setting of the kernel": SAME.format("/proc/sys/vm/swappiness"),
    "the program for dumps": SAME.format("/proc/sys/kernel/core_pattern"),
    "a setting of a device": "echo 0 > /sys/kernel/mm/ksm/run",
    "a file of root's": "head -c 1 /etc/shadow",
    "root's home": "ls /root",
    "a folder of programs": "touch /usr/local/bin",
    "the kernel's log": "head -c 1 /dev/kmsg",
    "a mount of the machine's": "mount -o remount,rw / && touch /usr/local/bin",
}
"""None of these changes anything where it is not refused."""


@pytest.mark.parametrize("what", MACHINES)
def test_what_is_the_machines_is_not_a_nodes(lab, what):
    assert "refused" in lab["node1"].shell(f"{{ {MACHINES[what]}; }} > /dev/null 2>&1 || echo refused")


def test_what_is_the_labs_is_a_nodes(lab):
    node = lab["node1"]
    node.shell("sysctl -qw net.ipv4.ip_forward=1; touch /etc/mine /run/mine; hostname other; hostname node1; ip link add x type bridge")
    assert node.shell("cat /proc/sys/net/ipv4/ip_forward; ls /etc/mine /run/mine") == "1\n/etc/mine\n/run/mine\n"
    assert not Path("/etc/mine").exists()
    assert not Path("/run/mine").exists()
    assert node.shell("id -u; id -un") == "0\nroot\n"


@pytest.mark.root
def test_a_roots_lab_is_somebodys_to_whom_nothing_belongs(lab):
    inside, outside, count = lab["node1"].shell("cat /proc/self/uid_map").split()
    assert (inside, count) == ("0", "1")
    assert int(outside) > 65535
    with Lab.open(nodes=1, pods=1, name="another") as another:
        assert another["node1"].shell("cat /proc/self/uid_map").split()[1] != outside


@pytest.mark.root
def test_a_privileged_lab_is_roots_own():
    with Lab.open(nodes=1, pods=1, name="privileged", privileged=True) as lab:
        assert lab["node1"].shell("cat /proc/self/uid_map").split() == ["0", "0", "4294967295"]
        assert lab["node1"].shell("head -c 4 /etc/shadow") == "root"
        assert podnet("shell", "node1", "--lab", "privileged", "--", "head", "-c", "4", "/etc/shadow").stdout == "root"
        joined = Lab.join("privileged")
        assert joined["node1"].shell("head -c 4 /etc/shadow") == "root"
        joined.close()
        assert Lab.open(name="privileged", privileged=True) is lab


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_an_ordinary_users_lab_is_never_privileged():
    with pytest.raises(CannotRun, match="a privileged lab is root's alone"):
        Lab.open(nodes=1, pods=1, name="privileged", privileged=True)


def test_a_lab_that_is_not_privileged_does_not_become_it(lab):
    with pytest.raises(LabError, match="is open, and not privileged"):
        Lab.open(name=lab.name, privileged=True)


def test_who_joins_is_root_there_too(running):
    assert podnet("shell", "node1", "--lab", running.name, "--", "id", "-u").stdout == "0\n"
    joined = Lab.join(running.name)
    try:
        assert joined["node1"].shell("id -u; cat /proc/self/uid_map") == running["node1"].shell("id -u; cat /proc/self/uid_map")
    finally:
        joined.close()


OPEN = """
from podnet_lab import Lab
with Lab.open(nodes=1, pods=1, name="closed") as lab:
    print(bool(lab.goto("done")), lab["node1"].shell("ls {0} {0}/secret", may_fail=True))
"""


@pytest.mark.root
def test_an_interpreter_in_a_closed_folder_is_shown_and_what_lies_beside_is_not(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "secret").write_text("mine")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", home / "venv"], check=True)
    site = next((home / "venv/lib").glob("python*/site-packages"))
    (site / "these.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    command = [home / "venv/bin/python", "-c", OPEN.format(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("True")
    assert "venv" in done.stdout
    assert "secret': No such file" in done.stdout


MORTAL = """
from podnet_lab import Lab
lab = Lab.open(nodes=1, pods=1, name="mortal")
print(lab["node1"].shell("cat /proc/self/uid_map").split()[1], flush=True)
input()
"""


def processes_of(user):
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError):  # it ended this moment
            found += [path] if path.stat().st_uid == user else []
    return found


@pytest.mark.root
def test_it_goes_with_its_owner():
    with Popen([sys.executable, "-c", MORTAL], stdin=PIPE, stdout=PIPE, text=True, env=environment()) as process:
        user = int(process.stdout.readline())
        assert len(processes_of(user)) >= 3
        process.kill()
        until(lambda: not processes_of(user), what="its end")
