"""The host is untouched: its own network is the same before and after a whole life of a lab."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from programs import installed

from podnet_lab import Lab, bridge, link, service
from podnet_lab.errors import StepFailed

LOOKS = (
    "-d -o link",
    "-o addr",
    "-o -4 route show table all",
    "-o -6 route show table all",
    "rule",
    "-6 rule",
    "neigh show nud permanent",
    "-6 neigh show nud permanent",
    "-o maddr",
    "netns list",
)

# Times that run down by themselves, and counters of what happens on the host meanwhile.
RUNS = re.compile(r"(valid_lft|preferred_lft|expires|age) \S+|hello_timer \S+|gc_timer \S+|tcn_timer \S+|topology_change_timer \S+")
COUNTERS = re.compile(r"nf_conntrack_count|/tcp_.*_count|mld_qrv|random")


def ip(words):
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=True)
    return sorted(RUNS.sub(r"\1", line).rstrip() for line in done.stdout.splitlines())


def sysctls():
    found = {}
    for path in Path("/proc/sys/net").rglob("*"):
        if path.is_file() and not COUNTERS.search(str(path)):
            try:
                found[str(path)] = path.read_text()
            except OSError:
                continue  # only to be written, or not for this user
    return found


def rulesets():
    """The firewall as each program that is here, and that this user may ask, shows it."""
    found = {}
    for program, words in (("nft", "list ruleset"), ("iptables-save", ""), ("ip6tables-save", "")):
        if installed(program) and os.geteuid() == 0:
            found[program] = subprocess.run([program, *words.split()], capture_output=True, text=True, check=True).stdout
    for name in ("/proc/net/ip_tables_names", "/proc/net/nf_conntrack_expect", "/proc/net/packet", "/proc/net/raw"):
        if os.access(name, os.R_OK) and Path(name).exists():
            found[name] = Path(name).read_text()
    return found


def host():
    return {words: ip(words) for words in LOOKS} | {"rulesets": rulesets(), "own": os.readlink("/proc/self/ns/net")}


def whole_life():
    with Lab.open(name="whole-life") as lab:
        lab.build()
        assert lab.check()
        lab.goto("addr")
        lab.goto("done")
        lab["node1"].shell(
            "ip link add br0 type bridge; ip link set br0 up; ip addr add 172.16.0.1/24 dev br0; sysctl -qw net.ipv4.ip_forward=0;"
            "ip rule add from 10.0.0.0/8 table 7; ip route add 10.9.0.0/16 dev br0 table 7;"
            "ip neigh add 172.16.0.9 dev br0 lladdr 2:0:0:0:0:1;"
            "sysctl -qw net.ipv4.conf.all.rp_filter=2; hostname other; mount -t tmpfs none /mnt; echo 1 > /run/hello"
        )
        with pytest.raises(StepFailed):
            lab["node2"].run(bridge.add("b1"), link.up("nope"), bridge.add("b2"))
        lab.ping("outside", "pod-1-2", expect=False, patience=0.3)
        lab.add_pod("node1"), lab.remove_pod("pod-1-4"), lab.undo()
        services(lab)
        lab.reset()


def services(lab):
    """Address translation, connection tracking, an /etc with files of Pods: all of it the lab's own."""
    if not installed("nft") or not installed("dnsmasq"):
        return
    lab.goto("services")
    lab.serve("pod-2-2")
    web = service("web", "10.96.0.20", 80, ["10.244.2.2:8080"], node_port=30080)
    lab.services(web, service("dns", "10.96.0.10", 53, ["10.244.1.2:53"], protocol="udp"))
    lab.serve_names("pod-1-2", web), lab.use_names()
    assert lab.ask("pod-1-2", "10.96.0.20:80")
    assert lab.ask("outside", "192.168.1.11:30080")
    assert lab.resolve("pod-3-2", "web") == "10.96.0.20"


def test_the_host_is_untouched():
    with Lab.open(name="first"):
        pass  # a first use may load modules, which add keys
    before, keys, name, folders = host(), sysctls(), os.uname().nodename, sorted(os.listdir("/run") + os.listdir("/etc"))
    mounts = Path("/proc/self/mountinfo").read_text()
    whole_life()
    after, changed = host(), sysctls()
    for what, was in before.items():
        assert after[what] == was, what
    assert len(keys) > 100
    assert {key: changed.get(key) for key, value in keys.items() if changed.get(key) != value} == {}
    assert (os.uname().nodename, Path("/proc/self/mountinfo").read_text()) == (name, mounts)
    assert sorted(os.listdir("/run") + os.listdir("/etc")) == folders


def test_a_node_sees_nothing_of_the_host(lab):
    """No interface, mount of a Pod or uplink leads out of the lab."""
    node = lab["node1"]
    assert node.shell("ls /sys/class/net").split() == ["eth0", "lo"]
    assert node.shell("ls /run").split() == ["netns", "podnet-node"]
    assert node.shell("ip route show default; ip -6 route show default") == ""
    assert int(node.shell("ls /proc | grep -c '^[0-9]'")) < 20
    assert node.shell("hostname").strip() == "node1"
