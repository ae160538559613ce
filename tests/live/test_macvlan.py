"""Macvlans on a real kernel: who hears whom, and that explanations say so."""

import pytest

from live.helpers import until
from podnet_lab import address, link, macvlan, namespace

FAR, NEAR = "192.168.1.50", "192.168.1.51"


@pytest.fixture(scope="module")
def wired(running):
    """Two Pods of node1 without a cable, each with a macvlan on eth0 instead."""
    running.goto("done")
    steps = []
    for pod, ip in (("far", FAR), ("near", NEAR)):
        steps += [namespace.add(pod), macvlan.add("mv0", "eth0", namespace=pod), address.add(f"{ip}/24", dev="mv0", namespace=pod)]
        steps += [link.up("mv0", namespace=pod), link.up("lo", namespace=pod)]
    running["node1"].run(*steps)
    yield running
    running.goto("done")


PAIRS = {
    "to another node": ("node2", "far", True),
    "from it": ("far", "node2", True),
    "to each other": ("far", "near", True),
    "to the node whose wire it shares": ("far", "node1", False),
    "from that node": ("node1", "near", False),
    "to the host outside": ("outside", "far", True),
}


@pytest.mark.parametrize("name", PAIRS)
def test_who_hears_whom_and_the_explanation_agrees(wired, name):
    source, target, reaches = PAIRS[name]
    assert wired.ping(source, target, expect=reaches)
    assert bool(wired.explain(source, target)) == reaches
    assert bool(wired.trace(source, target)) == reaches


def test_with_the_lower_interface_down_nobody_is_reached_and_it_is_named(wired):
    wired["node1"].run(link.down("eth0"))
    assert wired.ping("node2", "far", expect=False)
    assert "eth0" in str(wired.explain("node2", "far"))
    wired.undo()
    assert wired.ping("node2", "far")


def test_private_ones_do_not_hear_each_other(wired):
    wired["node1"].shell("ip netns exec far ip link set mv0 type macvlan mode private")
    assert wired["node1"].snapshot().link("far", "mv0").setting("mode") == "private"
    assert wired.ping("far", "near", expect=False)
    assert not wired.explain("far", "near")
    assert wired.ping("node2", "far")
    wired["node1"].shell("ip netns exec far ip link set mv0 type macvlan mode bridge")
    # Not at once: each waits until it has given up to ask for the other.
    until(lambda: wired.ping("far", "near"), what="the ping")
