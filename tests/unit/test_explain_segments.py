"""Whether what a TCP connection carries fits its way, of which its handshake says nothing."""

from dataclasses import replace

import pytest
import world

from podnet_lab.explain.explanation import explanation
from podnet_lab.explain.flow import HANDSHAKE_SIZE
from podnet_lab.plan import plan

WIRED = world.wired(plan(3, 3))
WHO = world.endpoints(WIRED)
A, B, C = WHO["pod-1-2"], WHO["pod-1-3"], WHO["pod-2-2"]
CABLE, END, THERE = ("pod-1-2", "veth-1-2"), (None, "veth-1-2-br"), ("pod-2-2", "veth-2-2")


def with_mtu(node, space, dev, mtu, cluster=WIRED):
    return {**cluster, node: world.with_link(cluster[node], space, dev, mtu=mtu)}


def explained(cluster, source=A, target=C, protocol="tcp"):
    return explanation(cluster, source, target, protocol, None if protocol == "icmp" else 8080, HANDSHAKE_SIZE)


# What a cable's end or a bridge's port drops: (interface, its MTU, the longest packet that comes to it), seen on a kernel
DROPS = {
    "the node's end of the sender's cable": ("node1", *END, 1000, 1500),
    "below min_pmtu it is no other": ("node1", *END, 100, 1500),
    "the other node's uplink": ("node2", None, "eth0", 1000, 1500),
    "the target's port": ("node2", None, "veth-2-2-br", 1000, 1500),
    "its own uplink, on the way back": ("node1", None, "eth0", 1000, 1500),
    "the target's end, which announces 256 bytes and gets them": ("node2", *THERE, 100, 296),
    "the sender's end, on the way back": ("node1", *CABLE, 100, 296),
}


@pytest.mark.parametrize("name", DROPS)
def test_what_drops_a_long_segment_without_a_word_makes_a_connection_unsure(name):
    node, space, dev, mtu, longest = DROPS[name]
    said = explained(with_mtu(node, space, dev, mtu))
    assert (said.cause, said.suspect, bool(said)) == (None, None, False)
    (words,) = said.unsure
    assert f"{dev} in {space or node} has an MTU of {mtu}, and drops a packet of {longest} bytes without a word" in words


# Seen to work on a kernel: senders and receivers say what they take, and a router's word, or its cutting, makes segments fit
PASSES = {
    "the sender's own MTU": [("node1", *CABLE, 1000)],
    "the target's own MTU, which it announces": [("node2", *THERE, 1000)],
    "a bridge, which a router sends by": [("node2", None, "v-net-0", 1000)],
    "the same below min_pmtu": [("node2", None, "v-net-0", 100)],
    "four bytes more, room for a VLAN tag": [("node2", None, "eth0", 1496)],
    "a small end is reached through a router that is as small": [("node2", None, "veth-2-2-br", 1000), ("node1", *CABLE, 1000)],
    "the smallest that is announced": [("node2", *THERE, 292)],
}


@pytest.mark.parametrize("name", PASSES)
def test_what_makes_segments_smaller_is_in_nobodys_way(name):
    cluster = WIRED
    for changed in PASSES[name]:
        cluster = with_mtu(*changed, cluster)
    assert explained(cluster)


def test_only_a_connection_carries_more_than_was_asked_for():
    assert explained(with_mtu("node1", *END, 1000), protocol="icmp")


def test_neighbours_on_a_bridge_have_no_router_that_tells_them():
    cluster = with_mtu("node1", *END, 1000)
    for pair in ((A, B), (B, A)):
        assert "veth-1-2-br in node1 has an MTU of 1000" in " ".join(explained(cluster, *pair).unsure)
    assert explained(cluster, B, C)


def test_a_card_may_take_more_than_its_mtu():
    said = explained({**WIRED, "node2": replace(with_mtu("node2", None, "eth0", 1000)["node2"])})
    card = {**WIRED, "node2": world.with_link(WIRED["node2"], None, "eth0", mtu=1000, kind="physical", peer=None)}
    assert "GSO" in " ".join(said.unsure)
    assert "is its driver's to say" in " ".join(explained(card).unsure)
