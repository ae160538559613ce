"""State that a foreign script built, with other names and numbers, is judged like ours; and so is each break in it."""

import pytest

from live.helpers import UPLINK
from podnet_lab import recipes

BUILD = """
set -e
ip link add br0 type bridge
ip link set br0 up
ip addr add 172.16.{n}.254/24 dev br0
for i in 1 2; do
  ip netns add con$i
  ip link add veth$i type veth peer name ceth$i
  ip link set veth$i master br0
  ip link set veth$i up
  ip link set ceth$i netns con$i
  ip netns exec con$i ip link set lo up
  ip netns exec con$i ip link set ceth$i name eth0
  ip netns exec con$i ip link set eth0 up
  ip netns exec con$i ip addr add 172.16.{n}.$i/24 dev eth0
  ip netns exec con$i ip route add default via 172.16.{n}.254
done
sysctl -qw net.ipv4.ip_forward=1
for m in 1 2 3; do
  [ $m = {n} ] || ip route add 172.16.$m.0/24 via 192.168.1.$((10 + m))
done
"""

# What breaks node1, the stage whose check fails first, and what its first failure says.
BREAKS = {
    "no namespaces": ("ip netns del con1; ip netns del con2", "namespaces", "it has none"),
    "one namespace": ("ip netns del con2", "namespaces", "it has con1"),
    "no bridge": ("ip link del br0", "bridge", "it has none"),
    "the bridge is down": ("ip link set br0 down", "bridge", "br0 is down"),
    "the bridge has no address": ("ip addr flush dev br0", "bridge", "br0 has none"),
    "no cable": ("ip link del veth1", "veth", "it has no veth interface"),
    "a cable unplugged": ("ip link set veth1 nomaster", "veth", "veth1 is not plugged into anything"),
    "a cable in another bridge": ("ip link add br1 type bridge; ip link set veth1 master br1", "veth", "veth1 is plugged into br1"),
    "a cable's other end in a Pod": ("ip link set veth1 netns con2", "veth", "the other end of eth0 is not on node1"),
    "no address": ("ip -n con1 addr flush dev eth0", "addr", "it has no address"),
    "an address of another subnet": (
        "ip -n con1 addr flush dev eth0; ip -n con1 addr add 10.9.9.9/24 dev eth0",
        "addr",
        "it has 10.9.9.9/24",
    ),
    "a wrong prefix length": (
        "ip -n con1 addr add 172.16.1.1/32 dev eth0; ip -n con1 addr del 172.16.1.1/24 dev eth0",
        "addr",
        "172.16.1.1/32",
    ),
    "a twin": ("ip -n con2 addr flush dev eth0; ip -n con2 addr add 172.16.1.1/24 dev eth0", "addr", "con2 has it, too"),
    "the node's end down": ("ip link set veth1 down", "addr", "veth1 is down"),
    "the Pod's end down": ("ip -n con1 link set eth0 down", "addr", "eth0 is down"),
    "the loopback down": ("ip -n con1 link set lo down", "addr", "lo is down"),
    "no default route": ("ip -n con1 route del default", "route", "it has no default route"),
    "a wrong gateway": ("ip -n con1 route replace default via 172.16.1.2", "route", "it has default via 172.16.1.2"),
    "no forwarding": ("sysctl -qw net.ipv4.ip_forward=0", "route", "net.ipv4.ip_forward is 0"),
    "no route to a node": ("ip route del 172.16.2.0/24", "route", "it has no route to 172.16.2"),
    "a route to the wrong node": ("ip route replace 172.16.2.0/24 via 192.168.1.13", "route", "which is not node2"),
    "a blackhole": ("ip route del 172.16.2.0/24; ip route add blackhole 172.16.2.0/24", "route", "which is not node2"),
    "a host route for one Pod only": ("ip route del 172.16.2.0/24; ip route add 172.16.2.1/32 via 192.168.1.12", "route", "172.16.2.2"),
    "a blackhole for one Pod": ("ip route add blackhole 172.16.2.2/32", "route", "172.16.2.2"),
    "the uplink down": (f"ip link set {UPLINK} down", "route", "no route to 172.16.2"),
}


WIPE = f"""
for one in /run/netns/*; do [ -e $one ] && ip netns del ${{one##*/}}; done
for one in $(ls /sys/class/net | grep -v -e '^lo$' -e '^eth[0-9]$'); do ip link del $one 2>/dev/null; done
ip link set {UPLINK} up
ip route flush root 172.16.0.0/12
sysctl -qw net.ipv4.ip_forward=0
"""


@pytest.fixture(scope="module")
def built(running):
    """A cluster of three nodes that a stranger's script built."""
    for n, node in enumerate(running, 1):
        node.shell(BUILD.format(n=n))
    return running


@pytest.fixture
def foreign(built):
    """The stranger's cluster, whole; a test may break its node1."""
    yield built
    built["node1"].shell(WIPE + BUILD.format(n=1))


def first_failure(lab, name):
    """The first stage whose check fails on a node, and that check's first failure; None if all hold."""
    cluster = lab.snapshot()
    found = ((stage, lab.network.checks(stage, cluster[name], cluster, 2).first_failure) for stage in recipes.STAGES)
    return next(((stage, failure) for stage, failure in found if failure is not None), None)


def test_the_break_is_all_that_is_wrong(foreign):
    foreign["node1"].shell(WIPE)
    assert first_failure(foreign, "node1")[0] == "namespaces"
    foreign["node1"].shell(BUILD.format(n=1))
    assert first_failure(foreign, "node1") is None


def test_it_passes_everything(foreign):
    for node in foreign:
        for stage in recipes.STAGES:
            assert node.check(stage), (node.name, stage)
    exam = foreign.check()
    assert exam
    assert exam.matrix.reached == len(exam.matrix) == 30
    assert foreign.ping("node1/con1", "node2/con2").seen_as == "172.16.1.1"


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_named(foreign, name):
    script, stage, said = BREAKS[name]
    foreign["node1"].shell(script)
    found = first_failure(foreign, "node1")
    assert found is not None, "the break went unnoticed by every stage's check"
    assert (found[0], said in str(found[1])) == (stage, True), str(found[1])
    other = first_failure(foreign, "node3")
    assert other is None or "node1" in str(other[1]), "the others are as they were"


@pytest.mark.parametrize("name", ["a twin", "no forwarding", "a blackhole for one Pod", "no address"])
def test_the_exam_sees_it(foreign, name):
    foreign["node1"].shell(BREAKS[name][0])
    assert not foreign.check()


def test_one_typed_node_among_ours(wired):
    """Two nodes by our steps, one by a stranger's script: the way of the notebooks."""
    wired.goto("namespaces")
    wired.run({name: recipes.node(wired.plan[name], wired.plan) for name in ("node1", "node3")})
    script = BUILD.format(n=2).replace("172.16.", "10.244.").replace("10.244.2.$i", "10.244.2.$((i + 1))").replace(".254", ".1")
    wired["node2"].shell(script)
    assert wired.check()
    assert all(node.check(stage) for node in wired for stage in recipes.STAGES)
    assert wired.add_pod("node2").pod.name == "pod-2-4"
