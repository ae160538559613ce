from dataclasses import replace
from ipaddress import IPv4Address

import pytest
import world

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.explain.explanation import first_cause
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.l2 import receivers
from podnet_lab.explain.size import too_long
from podnet_lab.plan import plan
from podnet_lab.steps import address, forwarding, route

WIRED = world.wired(plan(3, 3))
WHO = world.endpoints(WIRED)
A, B, C = WHO["pod-1-2"], WHO["pod-1-3"], WHO["pod-2-2"]


@pytest.mark.parametrize("cluster", [WIRED, world.foreign(), world.wired(plan(1, 2))], ids=["lesson", "foreign", "one node"])
def test_in_a_healthy_cluster_nothing_is_in_the_way_of_any_pair(cluster):
    who = world.endpoints(cluster).values()
    said = {(a.name, b.name): first_cause(cluster, a, b) for a in who for b in who if a != b}
    assert {pair: words for pair, words in said.items() if words} == {}
    assert len(said) == len(who) * (len(who) - 1)


def test_nodes_and_the_outside_are_found_their_way_to():
    cluster = {**WIRED, "outside": world.do(world.bare("outside", "192.168.1.5/24"), route.add("10.244.1.0/24", via="192.168.1.11"))}
    outside, node1 = Endpoint("outside", "outside", None, ("192.168.1.5",)), Endpoint("node1", "node1", None, ("192.168.1.11",))
    assert first_cause(cluster, node1, A) is first_cause(cluster, A, node1) is first_cause(cluster, node1, C) is None
    assert first_cause(cluster, outside, node1) is None
    assert first_cause(cluster, outside, A) is None
    assert first_cause(cluster, outside, C) == "outside has no route to 10.244.2.2"


POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
LOOP = [("node2", route.remove("10.244.3.0/24")), ("node2", route.add("10.244.3.0/24", via="192.168.1.11"))]
LOOP += [("node1", route.remove("10.244.3.0/24")), ("node1", route.add("10.244.3.0/24", via="192.168.1.12"))]

# (what is broken, from whom, to whom, words that the explanation holds)
BREAKS = {
    "no default route": ([("node1", route.remove("default", namespace=POD))], A, C, ["pod-1-2 has no route to 10.244.2.2"]),
    "not forwarding": ([("node1", forwarding.off())], A, C, ["node1 does not forward"]),
    "not forwarding there": ([("node2", forwarding.off())], A, C, ["node2 does not forward"]),
    "no route": ([("node1", route.remove("10.244.2.0/24"))], A, C, ["node1 has no route to 10.244.2.2"]),
    "no way back": (
        [("node2", route.remove("10.244.1.0/24"))],
        A,
        C,
        ["the answer has no way back: node2 has no route to 10.244.1.2"],
    ),
    "no default route there": (
        [("node2", route.remove("default", namespace="pod-2-2"))],
        A,
        C,
        ["the answer has no way back: pod-2-2 has no route to 10.244.1.2"],
    ),
    "blackhole": (
        [("node1", route.remove("10.244.2.0/24")), ("node1", route.blackhole("10.244.2.0/24"))],
        A,
        C,
        ["node1's route to 10.244.2.2 is blackhole"],
    ),
    "wrong gateway": (
        [("node1", route.remove("10.244.2.0/24")), ("node1", route.add("10.244.2.0/24", via="192.168.1.99"))],
        A,
        C,
        ["nobody beyond node1's eth0 has 192.168.1.99"],
    ),
    "loop": (LOOP, A, WHO["pod-3-2"], ["round and round"]),
    "bridge down": ([("node1", link.down("v-net-0"))], A, B, ["v-net-0 in node1 is down"]),
    "bridge down, on the way out": ([("node1", link.down("v-net-0"))], A, C, ["v-net-0 in node1 is down"]),
    "bridge down, far away": ([("node1", link.down("v-net-0"))], C, A, ["node1", "v-net-0", "down"]),
    "no bridge address": (
        [("node1", address.remove("10.244.1.1/24", dev="v-net-0"))],
        A,
        C,
        ["nobody beyond pod-1-2's veth-1-2 has 10.244.1.1"],
    ),
    "Pod's end down": ([("node1", link.down(CABLE, namespace=POD))], A, B, [CABLE, POD, "down"]),
    "target's end down": ([("node1", link.down(CABLE, namespace=POD))], B, A, [f"{CABLE} in {POD} is down"]),
    "bridge's end down": ([("node1", link.down(END))], A, B, [f"{END} in node1 is down"]),
    "target's bridge end down": ([("node1", link.down(END))], B, A, [f"{END} in node1 is down"]),
    "bridge's end down, far away": ([("node1", link.down(END))], C, A, [f"{END} in node1 is down"]),
    "unplugged": ([("node1", veth.unplug(END))], A, B, [f"{END} is not plugged into anything"]),
    "unplugged, on the way out": ([("node1", veth.unplug(END))], A, C, [f"{END} is not plugged into anything"]),
    "target unplugged": ([("node1", veth.unplug(END))], B, A, [f"{END}"]),
    "target unplugged, far away": ([("node1", veth.unplug(END))], C, A, [f"{END}"]),
    "in another bridge": (
        [("node1", bridge.add("br0")), ("node1", link.up("br0")), ("node1", veth.plug(END, into="br0"))],
        A,
        B,
        ["veth-1-2-br is plugged into br0, and who is to be reached is on v-net-0"],
    ),
    "no cable": ([("node1", link.remove(END))], A, B, ["pod-1-2 has no interface but lo, and so no route to 10.244.1.3"]),
    "uplink down": ([("node1", link.down("eth0"))], A, C, ["node1", "eth0", "down"]),
    "uplink down, far away": ([("node2", link.down("eth0"))], A, C, ["eth0 in node2 is down"]),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_single_break_is_named(name):
    changes, source, target, words = BREAKS[name]
    cluster = WIRED
    for node, step in changes:
        cluster = world.change(cluster, node, step)
    said = first_cause(cluster, source, target)
    assert said is not None
    assert [word for word in words if word not in said] == [], said


def test_a_target_without_an_address_is_named():
    assert first_cause(WIRED, A, Endpoint("pod-1-3", "node1", "pod-1-3", ())) == "pod-1-3 has no address"


def test_an_address_that_someone_on_the_way_has_is_named():
    cluster = world.change(WIRED, "node1", address.add("10.244.2.2/32", dev="v-net-0"))
    assert first_cause(cluster, A, C) == "node1 has 10.244.2.2, too"


def test_a_break_elsewhere_is_in_nobodys_way():
    cluster = world.change(WIRED, "node3", forwarding.off(), link.down("v-net-0"))
    assert first_cause(cluster, A, B) is first_cause(cluster, A, C) is None


@pytest.mark.parametrize(("kind", "known"), [("veth", True), ("physical", False)])
def test_whether_a_card_takes_a_frame_beyond_its_mtu_is_not_known(kind, known):
    """A cable's end drops it (is_skb_forwardable); of a card it is the driver's to say, and virtio takes it."""
    node2 = WIRED["node2"]
    links = dict(node2.own.links) | {"eth0": replace(node2.own.links["eth0"], kind=kind, mtu=1000, peer=None)}
    cluster = {**WIRED, "node2": replace(node2, spaces={**node2.spaces, None: replace(node2.own, links=links)})}
    (receiver,) = [
        one for one in receivers(cluster, ("node1", None), cluster["node1"].own.links["eth0"])[0] if one.place == ("node2", None)
    ]
    flow = Flow(None, IPv4Address("192.168.1.12"), "udp", 8472, 1400)
    cause, doubt = too_long(cluster, flow, receiver)
    assert (cause is not None, bool(doubt)) == (known, not known)
    assert too_long(cluster, replace(flow, size=1004), receiver) == (None, "")
