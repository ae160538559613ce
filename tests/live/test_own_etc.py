"""A node's own /etc: what other people's scripts write there is the node's alone, and goes with the lab."""

import os
import subprocess
import sys

import pytest

from live.helpers import VMS
from podnet_lab import Lab

pytestmark = pytest.mark.skipif(VMS, reason="a VM's /etc is the machine's own")

SCRIPT = """
set -e
ip netns add pod-1-2
mkdir -p /etc/netns/pod-1-2
echo 'nameserver 10.96.0.10' > /etc/netns/pod-1-2/resolv.conf
echo '192.0.2.7 api' > /etc/netns/pod-1-2/hosts
"""


def _host() -> list:
    return [os.path.lexists("/etc/netns"), os.stat("/etc").st_mtime_ns, sorted(os.listdir("/etc"))]


def test_files_for_a_pod_are_seen_in_that_pod_alone(lab):
    before, node = _host(), lab["node1"]
    node.shell(SCRIPT)
    assert node.shell("ip netns exec pod-1-2 cat /etc/resolv.conf") == "nameserver 10.96.0.10\n"
    assert node.shell("ip netns exec pod-1-2 getent hosts api").split() == ["192.0.2.7", "api"]
    node.shell("ip netns add pod-1-3")
    assert "10.96.0.10" not in node.shell("ip netns exec pod-1-3 cat /etc/resolv.conf; cat /etc/resolv.conf")
    assert lab["node2"].shell("ls -d /etc/netns/* 2>/dev/null", may_fail=True) == ""
    assert _host() == before
    node.shell("rm -r /etc/netns/pod-1-2")


def test_they_go_with_the_lab_and_another_lab_has_its_own():
    with Lab.open(name="one") as one, Lab.open(name="two") as two:
        one["node1"].shell(SCRIPT)
        assert two["node1"].shell("ls -d /etc/netns/* 2>/dev/null", may_fail=True) == ""
    with Lab.open(name="three") as three:
        assert three["node1"].shell("ls -d /etc/netns/* 2>/dev/null", may_fail=True) == ""


def test_they_go_with_an_owner_that_is_killed():
    before = _host()
    lines = (
        "import os",
        "from podnet_lab import Lab",
        f"Lab.open(name='killed')['node1'].shell({SCRIPT!r})",
        "print('written', flush=True)",
        "os.kill(os.getpid(), 9)",
    )
    script = "\n".join(lines)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (-9, "written\n")
    assert _host() == before


@pytest.mark.parametrize(
    ("typed", "asked", "said"),
    [
        ("echo '100 custom' >> /etc/iproute2/rt_tables", "ip rule add from 192.0.2.1 table custom; ip rule", "lookup custom"),
        ("echo '192.0.2.8 registry' >> /etc/hosts", "getent hosts registry", "192.0.2.8"),
        ("mkdir -p /etc/cni/net.d; echo '{}' > /etc/cni/net.d/10-bridge.conf", "ls /etc/cni/net.d", "10-bridge.conf"),
        (
            "echo net.ipv4.ip_forward=1 > /etc/sysctl.d/99-k8s.conf; sysctl -p /etc/sysctl.d/99-k8s.conf",
            "sysctl net.ipv4.ip_forward",
            "= 1",
        ),
        ("mkdir -p /etc/systemd/network; touch /etc/systemd/network/br0.netdev", "ls /etc/systemd/network", "br0.netdev"),
        ("echo node-x > /etc/hostname", "cat /etc/hostname", "node-x"),
    ],
)
def test_what_scripts_change_in_etc_is_the_nodes(lab, typed, asked, said):
    before, node = _host(), lab["node1"]
    if "rt_tables" in typed and not os.path.exists("/etc/iproute2/rt_tables"):
        typed = "mkdir -p /etc/iproute2; " + typed
    node.shell(typed)
    assert said in node.shell(asked)
    assert said not in lab["node2"].shell(asked.replace("ip rule add from 192.0.2.1 table custom; ", ""), may_fail=True)
    assert _host() == before


ALONE = """
import os, sys
from podnet_lab.kernel import namespaces, own_etc
namespaces.mount("tmpfs", "/run", "tmpfs")
host = sorted(os.listdir("/etc"))
if os.geteuid() == 0 and "files" in sys.argv:
    namespaces.mount("tmpfs", "/mnt", "tmpfs")
    open("/mnt/hosts", "w").write("192.0.2.9 mounted\\n")
    namespaces.mount("/mnt/hosts", "/etc/hosts", flags=namespaces.MS_BIND)
    os.mkdir("/mnt/folder"); open("/mnt/folder/inside", "w").close()
    namespaces.mount("/mnt/folder", "/etc/iproute2", flags=namespaces.MS_BIND)
if "links" in sys.argv:
    own_etc._overlay = lambda mounted: (_ for _ in ()).throw(OSError(1, "none for you"))
if "netns" in sys.argv:  # the host has one, with somebody's file
    upper = "/run/h/u"; os.makedirs(upper + "/netns/pod-1-2"); os.mkdir("/run/h/w")
    namespaces.mount("overlay", "/etc", "overlay", data=f"lowerdir=/etc,upperdir={upper},workdir=/run/h/w")
own_etc.own_etc()
assert not os.path.exists("/etc/netns/pod-1-2"), "the host's"
os.makedirs("/etc/netns/pod-1-2")
open("/etc/netns/pod-1-2/resolv.conf", "w").write("nameserver 10.96.0.10\\n")
open("/etc/hosts", "a").write("192.0.2.8 registry\\n")
assert set(host) <= set(os.listdir("/etc")), "something is missing"
assert open("/etc/passwd").read()
if "files" in sys.argv:
    assert "mounted" in open("/etc/hosts").read() and os.path.exists("/etc/iproute2/inside")
"""


@pytest.mark.parametrize("host", ["", "links", "netns", "files", "links files"])
def test_it_works_on_other_hosts(host):
    """Without overlays; with an /etc/netns of the host's; with files mounted below /etc, as in a container."""
    if "files" in host and (os.geteuid() or not os.path.isdir("/etc/iproute2")):
        pytest.skip("mounting over the host's files needs root, and something to mount over")
    before = _host()
    spaces = ["-nm"] if os.geteuid() == 0 else ["-Urnm"]
    words = ["unshare", *spaces, "--propagation", "private", sys.executable, "-c", ALONE, *host.split()]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert _host() == before
