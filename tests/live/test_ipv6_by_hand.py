"""IPv6 addresses and routes that somebody made by hand are there again after whatever took them along was taken back."""

import pytest

from podnet_lab import address, bridge, link, namespace
from podnet_lab.errors import StepFailed, UndoRefused

BY_HAND = """
ip -6 addr replace fd00::1/64 dev v-net-0 nodad
ip -6 route replace fd01::/32 via fd00::2
ip -6 route replace fd02::/32 via fd00::2 table 100 metric 7
ip -6 route replace blackhole fd03::/32
ip -n pod-1-2 -6 addr replace fd00::2/64 dev veth-1-2 nodad
ip -n pod-1-2 -6 route replace default via fd00::1
"""
SEEN = """
for on in "" "-n pod-1-2"; do
  ip $on -6 -o addr show scope global | sed 's/^[0-9]*: //'
  ip $on -6 route show table all | grep -v -e fe80 -e ff00 -e 'table local'
done 2>&1 | sort
"""


@pytest.fixture
def node(wired):
    """A node of a wired lab with IPv6 by hand."""
    node = wired["node1"]
    node.shell(BY_HAND)
    assert node.shell(SEEN).count("fd0") == 10
    return node


FAILING = {
    "down": [link.down("v-net-0")],
    "down in a Pod": [link.down("veth-1-2", namespace="pod-1-2")],
    "bridge": [bridge.remove("v-net-0")],
    "Pod": [namespace.remove("pod-1-2")],
    "too small for IPv6": [link.change("v-net-0", mtu=1000)],
}


@pytest.mark.parametrize("what", FAILING)
def test_a_run_that_fails_takes_nothing_along(node, what):
    before = node.shell(SEEN)
    with pytest.raises(StepFailed):
        node.run(*FAILING[what], link.up("nosuch"))

    assert node.shell(SEEN) == before


@pytest.mark.parametrize("what", FAILING)
def test_what_a_run_took_along_comes_back_with_undo(wired, node, what):
    before = node.shell(SEEN)
    node.run(*FAILING[what])
    assert node.shell(SEEN) != before
    wired.undo()

    assert node.shell(SEEN) == before


def test_so_does_a_pods_that_was_removed(wired, node):
    before = node.shell(SEEN)
    wired.remove_pod("pod-1-2")
    wired.undo()

    assert node.shell(SEEN) == before


def test_undo_leaves_what_was_made_by_hand_since(wired, node):
    node.run(address.add("10.9.9.1/24", dev="v-net-0"))
    node.shell("ip -6 addr add fd0a::1/64 dev v-net-0 nodad; ip -6 route del fd01::/32")
    before = node.shell(SEEN)
    wired.undo()

    assert node.shell(SEEN) == before


def test_undo_that_would_lose_what_was_made_since_is_refused_and_names_it(lab):
    node = lab["node1"]
    node.run(bridge.add("v-net-0"))
    node.run(link.up("v-net-0"))
    node.shell("ip -6 addr add fd00::1/64 dev v-net-0 nodad; ip -6 route add fd01::/32 via fd00::2")
    before = node.shell(SEEN)
    with pytest.raises(UndoRefused, match=r"ip -6 route add fd01::/32 dev v-net-0 via fd00::2 metric 1024; nothing was changed"):
        lab.undo()

    assert node.shell(SEEN) == before
