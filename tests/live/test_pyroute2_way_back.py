"""Programs in Python that take back what was typed, and what random steps made: the nodes are as they were."""

import random

import pytest

from live.helpers import until
from live.random_steps import accepted
from live.test_pyroute2_program import program, python, same
from podnet_lab import route
from podnet_lab.recipes.reconcile import MOST_PASSES, restore
from podnet_lab.steps.pyroute2_calls import FOREIGN

TO = route.blackhole("10.73.0.0/16").to
BY_HAND = """
ip link add br7 type bridge
ip link set br7 up
ip addr add 10.71.0.1/24 dev br7
ip addr add 10.71.0.2/24 dev br7
ip netns add p7
ip link add c7 type veth peer name c7-br
ip link set c7 netns p7
ip link set c7-br master br7 up mtu 1300
ip -n p7 link set c7 up arp off
ip -n p7 link set lo up
ip -n p7 addr add 10.71.0.7/24 dev c7
ip -n p7 route add default via 10.71.0.1
ip -n p7 route add prohibit 10.72.0.0/16 metric 9
ip -n p7 neigh add 10.71.0.1 lladdr 02:00:00:00:00:01 dev c7 nud permanent
ip route add 10.73.0.0/16 via 192.168.1.12 table 99
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.br7.rp_filter=2
ip netns exec p7 sysctl -qw net.ipv4.conf.c7.proxy_arp=1
"""


def settle(node):
    """Wait until no cable's other end is in a namespace that went: the kernel clears those away."""
    until(
        lambda: all(link.peer for link in node.snapshot().own.links.values() if link.kind == "veth" and link.name != "eth0"),
        what="clearing away",
    )


def passes(node, then):
    """Programs that bring a node to what it was, until a look finds nothing left; how many that took."""
    for done in range(MOST_PASSES):
        steps = restore(node.snapshot(), then)
        if not steps:
            return done
        python(node, program(steps))
    return MOST_PASSES


def test_the_way_back_from_what_was_typed_and_there_again(lab, other):
    """Steps that no step function makes: reset's and undo's, which are written from what a kernel said."""
    node, before = other["node1"], other["node1"].snapshot()
    node.shell(BY_HAND)
    typed = node.snapshot()
    assert 0 < passes(node, before) < MOST_PASSES
    same(lab, other)
    assert 0 < passes(node, typed) < MOST_PASSES
    assert restore(node.snapshot(), typed) == []


def test_what_the_kernel_knew_more_of_is_made_as_far_as_steps_say_it(other):
    node = other["node1"]
    before = node.snapshot()
    node.shell("ip addr add 10.71.0.1/24 dev eth0 label eth0:x; ip route add 10.73.0.0/16 via 192.168.1.12 src 10.71.0.1")
    node.shell("ip route add 10.74.0.0/16 encap ip id 5 dst 192.168.1.12 via 192.168.1.12 dev eth0")
    typed = node.snapshot()
    assert 0 < passes(node, before) < MOST_PASSES
    back = program(restore(node.snapshot(), typed))
    assert back.count(FOREIGN) == 1, "of the tunnel that a route has of its own"
    python(node, back)
    own = node.snapshot().own
    assert [one for one in own.addresses if one.dev == "eth0"] == [one for one in typed.own.addresses if one.dev == "eth0"]
    assert [one for one in own.routes if one.to == TO] == [one for one in typed.own.routes if one.to == TO]
    assert [str(one) for one in own.routes if str(one.to) == "10.74.0.0/16"] == ["10.74.0.0/16 via 192.168.1.12 dev eth0"]


@pytest.mark.parametrize("seed", range(4))
def test_random_steps_and_the_way_back(lab, other, seed):
    node, draw = other["node1"], random.Random(seed)  # noqa: S311 - no secret
    before = node.snapshot()
    parts = accepted(lab["node1"], draw, 150)
    assert len({type(step) for part in parts for step in part}) >= 10
    for part in parts:
        python(node, program(part))
        settle(node)
    same(lab, other)
    assert passes(node, before) < MOST_PASSES
    lab.reset()
    same(lab, other)
