"""Macvlans on a real kernel: who hears whom, and that explanations say so."""

import pytest

from live.helpers import UPLINK, until
from podnet_lab import address, link, macvlan, namespace

FAR, NEAR = "192.168.1.50", "192.168.1.51"


@pytest.fixture(scope="module")
def wired(running):
    """Two Pods of node1 without a cable, each with a macvlan on eth0 instead."""
    running.goto("done")
    steps = []
    for pod, ip in (("far", FAR), ("near", NEAR)):
        steps += [namespace.add(pod), macvlan.add("mv0", UPLINK, namespace=pod), address.add(f"{ip}/24", dev="mv0", namespace=pod)]
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


CHAIN = "add table netdev t; add chain netdev t c {{ type filter hook {} device eth0 priority 0; }}; add rule netdev t c {} drop"
ECHO, ARP_ANSWER = "ip protocol icmp", "arp operation reply"
AT_THE_LOWER = {
    "what comes in for it": (CHAIN.format("ingress", ECHO), [("node2", "far"), ("far", "node2"), ("far", "near")], []),
    "what it sends": (CHAIN.format("egress", ECHO), [("far", "node2"), ("node2", "far")], [("far", "near")]),
    "answers by ARP, that come in": (CHAIN.format("ingress", ARP_ANSWER), [("far", "node2"), ("far", "near")], []),
    "answers by ARP, that it sends": (CHAIN.format("egress", ARP_ANSWER), [("node2", "far")], [("far", "near")]),
    "questions by ARP, that come in": (CHAIN.format("ingress", "arp operation request"), [("node2", "far")], [("far", "near")]),
}
"""Rules at the interface that macvlans sit on, by what they drop; (source, target) that do not arrive by them, and that do."""


@pytest.mark.parametrize("name", AT_THE_LOWER)
def test_what_hangs_on_the_lower_interface_is_asked_too(wired, name):
    rules, broken, healthy = AT_THE_LOWER[name]
    wired["node1"].shell(f"nft '{rules}'")
    try:
        for source, target in broken + healthy:
            for node in ("node1", "node2"):
                wired[node].shell("ip neigh flush all; ip -all netns exec ip neigh flush all")
            arrives = (source, target) in healthy
            assert wired.ping(source, target, expect=arrives)
            for node in ("node1", "node2"):
                wired[node].shell("ip neigh flush all; ip -all netns exec ip neigh flush all")
            explanation = wired.explain(source, target, probe=False)
            assert bool(explanation) == arrives, explanation
            assert arrives or "chain c says drop" in str(explanation.cause)
    finally:
        wired["node1"].shell("nft delete table netdev t")
    until(lambda: wired.ping("node2", "far"), what="the ping")


@pytest.mark.parametrize("pair", [("far", "node2"), ("node2", "far"), ("node2", "node3")])
def test_a_queue_of_the_lower_interface_is_named(wired, pair):
    wired["node1"].shell("tc qdisc replace dev eth0 root tbf rate 1kbit burst 2k latency 1ms")
    try:
        assert ("eth0 has a queueing discipline tbf" in str(wired.explain(*pair, probe=False))) == ("far" in pair)
    finally:
        wired["node1"].shell("tc qdisc del dev eth0 root")


MARKED = (
    "add table netdev t; add chain netdev t c { type filter hook ingress device eth0 priority 0; }; add rule netdev t c meta mark set 5"
)
SENT = "add table netdev u; add chain netdev u c { type filter hook egress device eth0 priority 0; }; add rule netdev u c meta mark 7 drop"


def test_a_mark_stays_between_a_macvlan_and_its_lower_interface(wired):
    """And not over a cable into another namespace, nor between two macvlans (skb_scrub_packet)."""
    filtered = "add table ip t; add chain ip t c { type filter hook %s priority 0; }; add rule ip t c meta mark %s"
    wired["node1"].shell(f"nft '{MARKED}'; ip netns exec far nft '{filtered % ('input', '5 drop')}'")
    wired["node1"].shell(f"nft '{SENT}'; ip netns exec near nft '{filtered % ('output', 'set 7')}'")
    try:
        for pair, arrives in (
            (("node2", "far"), False),
            (("near", "node2"), False),
            (("node2", "node3"), True),
            (("node2", "pod-1-2"), True),
        ):
            assert wired.ping(*pair, expect=arrives)
            assert bool(wired.explain(*pair, probe=False)) is arrives, pair
    finally:
        tables = "nft delete table netdev t; nft delete table netdev u"
        wired["node1"].shell(f"{tables}; for pod in far near; do ip netns exec $pod nft delete table ip t; done")


def test_one_that_takes_all_of_a_bridge_or_a_cable_is_told(wired):
    wired["node1"].run(namespace.add("above"), macvlan.add("mv0", "v-net-0", namespace="above", mode="passthru"))
    for pair, arrives in ((("pod-1-2", "pod-2-2"), False), (("pod-1-2", "pod-1-3"), True)):
        assert wired.ping(*pair, expect=arrives)
        assert bool(wired.explain(*pair, probe=False)) is arrives, pair
    wired["node1"].shell("ip -n above link del mv0")
    until(lambda: wired.ping("pod-1-2", "pod-2-2"), what="the ping")
    wired["node1"].shell("ip -n pod-1-3 link add mv0 link veth-1-3 netns above type macvlan mode passthru")
    hint = wired.explain("pod-1-2", "pod-1-3", probe=False).cause.hints[2]
    assert hint == "node1# ip -n above link del mv0"
    wired["node1"].shell(hint.partition("# ")[2])
    until(lambda: wired.ping("pod-1-2", "pod-1-3"), what="the ping")
    wired["node1"].run(namespace.remove("above"))


def test_one_on_a_bridge_is_not_judged(wired):
    """A bridge that hears all for its sake is not followed."""
    wired["node1"].run(namespace.add("above"), macvlan.add("mv0", "v-net-0", namespace="above"), link.up("mv0", namespace="above"))
    wired["node1"].run(address.add("10.244.1.50/24", dev="mv0", namespace="above"))
    for source, target in (("pod-1-2", "above"), ("above", "pod-1-2")):
        assert wired.ping(source, target)
        explanation = wired.explain(source, target, probe=False)
        assert explanation.cause is None
        assert "v-net-0" in str(explanation)
        assert "not judged" in str(explanation)
    wired["node1"].run(namespace.remove("above"))


MAC_OF_TWO = "02:00:5e:00:53:01"


def give(lab, *places):
    """Give the interface of each of (node, Pod or "", interface) the same MAC, and let everybody forget what it was."""
    for node, pod, dev in places:
        lab[node].shell(f"ip {f'-n {pod} ' if pod else ''}link set {dev} address {MAC_OF_TWO}")
    for node in ("node1", "node2", "node3"):
        lab[node].shell("ip neigh flush all; ip -all netns exec ip neigh flush all")


SAME_MACS = {
    "a macvlan, and one far away with another beside it": ([("node1", "near", "mv0"), ("node2", "there", "mv0")], "far", "there", "near"),
    "sender and receiver": ([("node1", "far", "mv0"), ("node2", "there", "mv0")], "far", "there", "far"),
    "two nodes": ([("node1", "", UPLINK), ("node2", "", UPLINK)], "node1", "node2", "node1"),
}


@pytest.fixture
def there(wired):
    """A Pod of node2 with a macvlan; what is done to MACs is gone afterwards."""
    steps = [namespace.add("there"), macvlan.add("mv0", UPLINK, namespace="there"), link.up("mv0", namespace="there")]
    wired["node2"].run(*steps, address.add("192.168.1.52/24", dev="mv0", namespace="there"))
    before = wired.snapshot()
    yield wired
    for node, pods in (("node1", ("", "far", "near")), ("node2", ("",)), ("node3", ("",))):
        for pod in pods:
            dev = "mv0" if pod else UPLINK
            inside = f"-n {pod} " if pod else ""
            wired[node].shell(f"ip {inside}link set {dev} address {before[node].link(pod or None, dev).mac}; ip {inside}neigh flush all")
    # The interface first: a namespace's own go some time after it, and until then no other macvlan of eth0 may have their MAC (EADDRINUSE).
    wired["node2"].shell("ip -n there link del mv0; ip netns del there")
    until(lambda: wired.ping("node2", "far"), what="the ping")


@pytest.mark.parametrize("name", SAME_MACS)
def test_a_mac_that_two_have_is_the_cause_and_its_repair_mends(there, name):
    places, source, target, named = SAME_MACS[name]
    assert there.ping(source, target)
    give(there, *places)
    assert there.ping(source, target, expect=False)
    explanation = there.explain(source, target)
    assert explanation.cause is not None, explanation
    said = str(explanation.cause)
    assert "the same MAC" in said
    assert named in said
    there.run(explanation.repair)
    until(lambda: there.ping(source, target), what="the ping")


def test_who_is_heard_last_of_two_nodes_with_one_mac_is_not_known(there):
    give(there, ("node2", "", UPLINK), ("node3", "", UPLINK))
    explanation = there.explain("node1", "node2", probe=False)
    assert explanation.cause is None
    assert not explanation
    assert "have the same MAC" in str(explanation)
