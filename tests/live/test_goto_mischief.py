"""`goto` after mischief that nobody has sorted: every tool says of the node what it says of one that was never touched."""

import random
import sys
import time
from shlex import quote
from shutil import which

import pytest

from live.goto_mischief import COMMANDS, everything_told
from live.helpers import VMS, until
from podnet_lab import Lab

pytestmark = [pytest.mark.nft, pytest.mark.skipif(VMS, reason="the commands are about eth0 of a one-machine lab")]

MINUTES = 600


@pytest.fixture(scope="module")
def untouched():
    """A lab of two nodes with two Pods each, wired, and what is told of its first node."""
    with Lab.open(nodes=2, pods=2, name="mischief", where="namespaces") as lab:
        lab.goto("done")
        lab.goto("done")
        yield lab, settled(lab["node1"])


def settled(node) -> list[str]:
    """What is told of a node once it is the same twice: an interface that is new takes a moment."""
    told = [everything_told(node)]

    def same():
        told.append(everything_told(node))
        return told[-1] == told[-2]

    until(same)
    return told[-1]


def differ(now: list[str], then: list[str]) -> list[str]:
    return [f"+{line}" for line in now if line not in then] + [f"-{line}" for line in then if line not in now]


def came_back(lab, then, commands) -> str:
    """What is wrong after *commands* and a goto; "" if nothing is."""
    for command in commands:
        lab["node1"].shell(f"{{ {command}; }} >&/dev/null", may_fail=True)
    arrived = lab.goto("done")
    if not (arrived and lab.check()):
        return f"{commands}: {arrived}"
    try:
        until(lambda: everything_told(lab["node1"]) == then, 2)
    except AssertionError:
        return f"{commands}: {differ(everything_told(lab['node1']), then)}"
    return ""


NAMED = {
    "a route of a nexthop object": (
        "ip nexthop add id 7 via 192.168.1.12 dev eth0; ip route add 10.9.0.0/24 nhid 7",
        "ip nexthop del id 7",
    ),
    "one that throws away": ("ip nexthop add id 30 blackhole; ip route add 10.9.0.0/24 nhid 30", "ip nexthop del id 30"),
    "the first policy rule": ("ip rule del pref 0", "ip rule add priority 0 lookup local"),
    "rules by mark, tos, protocol and not": (
        "ip rule add pref 8 fwmark 7 lookup 9; ip rule add pref 9 tos 16 blackhole; ip rule add pref 10 not ipproto tcp prohibit",
        "ip rule del priority 10",
    ),
    "a noarp neighbour": (
        "ip neigh replace 192.168.1.12 lladdr 02:00:00:00:00:66 dev eth0 nud noarp",
        "ip neigh del 192.168.1.12 dev eth0",
    ),
    "a proxy": ("ip neigh add proxy 192.168.1.77 dev eth0", "ip neigh del proxy 192.168.1.77 dev eth0"),
    "an IPsec policy": ("ip xfrm policy add dir fwd src 10.244.1.0/24 dst 10.244.2.0/24 action block", "ip xfrm policy flush"),
    "the older iptables": ("iptables-legacy -A FORWARD -j DROP", "iptables-legacy-restore (none of its rules)"),
    "the older arptables": ("arptables-legacy -A INPUT -j DROP", "arptables-legacy -F"),
    "a local route": ("ip route del local 192.168.1.11 dev eth0 table local", "ip route add local 192.168.1.11/32 dev eth0 table local"),
    "a filter": (
        "tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress u32 match u32 0 0 action mirred egress redirect dev lo",
        "tc qdisc del dev eth0 ingress (clsact)",
    ),
    "a setting of two numbers": (
        "sysctl -qw net.ipv4.ip_local_port_range='2000 3000'",
        "sysctl -w 'net/ipv4/ip_local_port_range=32768 60999'",
    ),
    "a setting that was empty": ("sysctl -qw net.ipv4.ip_local_reserved_ports=5000", "sysctl -w 'net/ipv4/ip_local_reserved_ports= '"),
    "a setting": ("sysctl -qw net.ipv4.ip_default_ttl=1", "sysctl -w net/ipv4/ip_default_ttl=64"),
    "a setting of a module that came later": (
        "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; }'; nft add rule ip t c ct state new accept; "
        "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0",
        "sysctl -w net/netfilter/nf_conntrack_tcp_loose=1",
    ),
    "a group": ("ip maddr add 01:00:5e:00:00:7b dev eth0", "ip maddr del 01:00:5e:00:00:7b dev eth0"),
    "a set": (f"{sys.executable} -c 'from pyroute2.ipset import IPSet; IPSet().create(\"mine\")'", "ipset destroy mine"),
}
"""What somebody types on node1, and what must be told of its way back."""


OF_PACKAGES = {"the older iptables": ("iptables-legacy", "iptables"), "the older arptables": ("arptables-legacy", "arptables")}
"""What a row's command needs, and the package of Debian's that has it."""


def row(name):
    """The row, skipped by name where its program is not here."""
    program, package = OF_PACKAGES.get(name, ("ip", "iproute2"))
    absent = pytest.mark.skipif(which(program) is None, reason=f"{program} is not installed here: sudo apt install {package}")
    return pytest.param(name, marks=absent)


@pytest.mark.parametrize("name", [row(name) for name in NAMED])
def test_what_is_brought_back_is_named(untouched, name):
    lab, then = untouched
    command, named = NAMED[name]
    lab["node1"].shell(command)
    arrived = lab.goto("done")
    assert f"node1# {named}" in arrived.undone
    assert (bool(arrived), str(arrived).partition("\n")[0]) == (True, "the lab is wired")
    until(lambda: everything_told(lab["node1"]) == then, 3)


def test_a_program_that_an_xdp_hook_holds_is_taken_off(untouched):
    """Made by hand, byte for byte: `return XDP_DROP`."""
    lab, then = untouched
    made = lab["node1"].shell(f"{sys.executable} -c {quote(XDP_DROP)}", may_fail=True)
    if "xdp" not in lab["node1"].shell("ip link show eth0"):
        pytest.skip(f"no XDP here: {made}")
    assert "node1# ip link set dev eth0 xdp off" in lab.goto("done").undone
    until(lambda: everything_told(lab["node1"]) == then, 3)
    assert lab.check()


XDP_DROP = """
import ctypes, os, struct
from pyroute2 import IPRoute
code = struct.pack("<BBhi", 0xb7, 0, 0, 1) + struct.pack("<BBhi", 0x95, 0, 0, 0)
text, license = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
given = struct.pack("<IIQQIIQIIQ", 6, 2, ctypes.addressof(text), ctypes.addressof(license), 0, 0, 0, 0, 0, 0) + bytes(64)
buffer = ctypes.create_string_buffer(given, len(given))
number = ctypes.CDLL(None, use_errno=True).syscall(321, 5, buffer, len(given))
print(number, os.strerror(ctypes.get_errno()))
with IPRoute() as ip:
    ip.link("set", index=ip.link_lookup(ifname="eth0")[0], xdp_fd=number)
"""


def test_what_can_not_be_brought_back_is_named_and_the_lab_is_not_called_wired(untouched):
    lab, then = untouched
    path = "/proc/sys/net/ipv4/ip_default_ttl"
    lab["node1"].shell(f"sysctl -qw net.ipv4.ip_default_ttl=1; mount --bind {path} {path}; mount -o remount,bind,ro {path}")
    try:
        arrived, reset = lab.goto("done"), lab.reset()
        assert arrived.left == reset.left == ("node1: sysctl net/ipv4/ip_default_ttl is '1', not '64'",)
        assert not arrived
        assert not reset
        assert str(arrived).splitlines()[0] == "the lab was built to be wired, but for what is left"
        assert "could not be brought back:\n  node1: sysctl net/ipv4/ip_default_ttl" in str(arrived)
        assert str(reset).splitlines()[0] == "the lab is as it was opened, but for what is left"
    finally:
        lab["node1"].shell(f"umount {path}")
    assert lab.goto("done")
    until(lambda: everything_told(lab["node1"]) == then, 3)


def tried(untouched, seeds, seconds=MINUTES) -> list[str]:
    """What is wrong in the cases of *seeds*, each with one to three commands drawn from all; of half of them at least."""
    found, deadline = [], time.monotonic() + seconds
    for seed in seeds:
        if time.monotonic() > deadline and len(found) >= len(seeds) / 2:
            break
        draw = random.Random(seed)  # noqa: S311 - no secret
        found.append(came_back(*untouched, draw.sample(COMMANDS, draw.randint(1, 3))))
    return [problem for problem in found if problem]


def test_thirty_cases(untouched):
    assert tried(untouched, range(30), 20) == []


@pytest.mark.long
def test_each_command_alone(untouched):
    assert [problem for command in COMMANDS if (problem := came_back(*untouched, [command]))] == []


@pytest.mark.long
def test_three_hundred_cases(untouched):
    assert tried(untouched, range(1000, 1300)) == []


def test_what_is_told_tells_most_commands_apart(untouched):
    """The look itself: if it saw nothing, the cases above would hold of any goto."""
    lab, then = untouched
    seen = 0
    for command in COMMANDS[::16]:
        lab["node1"].shell(f"{{ {command}; }} >&/dev/null", may_fail=True)
        seen += everything_told(lab["node1"]) != then
        lab.goto("done")
        until(lambda: everything_told(lab["node1"]) == then, 3)
    assert seen >= len(COMMANDS[::16]) - 2
