"""Who reaches whom: every verdict both ways, with its reason, on the real kernels."""

import sys
from dataclasses import replace

import pytest

from live.helpers import UPLINK, VMS, stable
from live.lab_facade import agents
from podnet_lab import address, errors, forwarding, link, namespace, neighbour, recipes, route, veth
from podnet_lab.checks.reachability import Endpoint, Verdict
from podnet_lab.lab import ping_mesh_schedule
from podnet_lab.lab.ping_pairs import try_pairs

QUICK = 0.3
"""Patience where silence is what is expected; a node's ARP takes longer, and is not what is waited for."""

MASQUERADE = f"""
{sys.executable} - <<'EOF'
from pyroute2.nftables.main import NFTables
from pyroute2.nftables.expressions import masq, ipv4addr
with NFTables() as nft:
    nft.begin()
    nft.table("add", name="nat")
    nft.chain("add", table="nat", name="out", hook="postrouting", type="nat", policy=1, priority=100)
    nft.rule("add", table="nat", chain="out", expressions=(ipv4addr(src="10.244.1.2", dst="10.244.2.2"), masq()))
    nft.commit()
EOF
"""

# What breaks the wired cluster, who tries whom, and what the reason says.
SILENT = {
    "no default route": ({"node1": [route.remove("default", namespace="pod-1-2")]}, "pod-1-2", "pod-2-2", "pod-1-2 has no route"),
    "forwarding off here": ({"node1": [forwarding.off()]}, "pod-1-2", "pod-2-2", "node1 does not forward"),
    "forwarding off there": ({"node2": [forwarding.off()]}, "pod-1-2", "pod-2-2", "node2 does not forward"),
    "no route on the node": ({"node1": [route.remove("10.244.2.0/24")]}, "pod-1-2", "pod-2-2", "node1 has no route"),
    "a blackhole": (
        {"node1": [route.remove("10.244.2.0/24"), route.blackhole("10.244.2.0/24")]},
        "pod-1-2",
        "pod-2-2",
        "node1's route to 10.244.2.2 is blackhole",
    ),
    "no way back from the node": ({"node2": [route.remove("10.244.1.0/24")]}, "pod-1-2", "pod-2-2", "no way back: node2 has no route"),
    "no way back from the Pod": (
        {"node2": [route.remove("default", namespace="pod-2-2")]},
        "pod-1-2",
        "pod-2-2",
        "the answer has no way back: pod-2-2 has no route",
    ),
    "the bridge is down": ({"node1": [link.down("v-net-0")]}, "pod-1-2", "pod-1-3", "v-net-0 in node1 is down"),
    "the sender's cable is unplugged": ({"node1": [veth.unplug("veth-1-2-br")]}, "pod-1-2", "pod-1-3", "veth-1-2-br is not plugged"),
    "the receiver's cable is unplugged": ({"node1": [veth.unplug("veth-1-3-br")]}, "pod-1-2", "pod-1-3", "veth-1-3"),
    "the sender's end is down": ({"node1": [link.down("veth-1-2", namespace="pod-1-2")]}, "pod-1-2", "pod-1-3", "pod-1-2 has no route"),
    "the receiver's end is down": ({"node1": [link.down("veth-1-3", namespace="pod-1-3")]}, "pod-1-2", "pod-1-3", "is down"),
    "the node's end is down": ({"node1": [link.down("veth-1-2-br")]}, "pod-1-2", "pod-2-2", "veth-1-2-br"),
    "the uplink is down": ({"node2": [link.down(UPLINK)]}, "pod-1-2", "pod-2-2", f"{UPLINK} in node2 is down"),
    "the sender has no address": (
        {"node1": [address.remove("10.244.1.2/24", dev="veth-1-2", namespace="pod-1-2")]},
        "pod-1-2",
        "pod-1-3",
        "pod-1-2 has no address on veth-1-2",
    ),
    "outside knows no Pods": ({}, "outside", "pod-1-2", "outside has no route to 10.244.1.2"),
    "a Pod to outside, which has no way back": ({}, "pod-1-2", "outside", "the answer has no way back: outside has no route"),
}


@pytest.fixture(scope="module")
def whole(running):
    """A wired cluster; each test here must leave it as it is."""
    running.reset()
    running.build()
    return running


@pytest.mark.parametrize("name", SILENT)
def test_no_reply_says_why_and_comes_back_with_undo(whole, name):
    recipe, source, target, said = SILENT[name]
    if recipe:
        assert whole.ping(source, target).verdict == Verdict.REACHED
        whole.run(recipe)
    expected = whole.ping(source, target, expect=False, patience=QUICK)
    assert expected.verdict == Verdict.NO_REPLY
    assert expected
    assert "as expected" in str(expected)
    assert said in expected.why
    ping = replace(expected, expected=Verdict.REACHED)
    assert not ping
    with pytest.raises(errors.CheckFailed):
        ping.require()
    if recipe:
        whole.undo()
        again = whole.ping(source, target, patience=3)
        assert (again.verdict, again.seen_as) == (Verdict.REACHED, again.source.addresses[0])
        assert not whole.ping(source, target, expect=False)


def test_rules_that_keep_the_lesson_off_another_card_are_no_reason(whole):
    """As the VMs have them: without a route, it is the route that is missing."""
    here = whole["node1"]
    for which in ("to", "from"):
        here.shell(f"ip rule add priority 32700 {which} 10.244.0.0/16 lookup main suppress_prefixlength 0")
        here.shell(f"ip rule add priority 32701 {which} 10.244.0.0/16 unreachable")
    assert whole.ping("pod-1-2", "pod-2-2").verdict == Verdict.REACHED
    here.run(route.remove("10.244.2.0/24"))
    assert whole.ping("pod-1-2", "pod-2-2", expect=False, patience=QUICK).why == "node1 has no route to 10.244.2.2"
    if not VMS:  # a VM has a default route, by its other card, which nobody here is to see or to change
        here.run(route.add("default", via="192.168.1.12"))
        assert "policy rule 32701 says unreachable" in whole.ping("pod-1-2", "pod-2-2", expect=False, patience=QUICK).why
    whole.reset()
    whole.build()


def test_reached_means_seen_with_the_senders_own_address(wired):
    assert wired.ping("pod-1-2", "pod-3-3").seen_as == "10.244.1.2"
    assert wired.ping("node1", "node2").seen_as == "192.168.1.11"
    assert wired.ping("node1", "pod-1-2").seen_as == "10.244.1.1"
    assert wired.ping("node1", "pod-2-2").seen_as == "192.168.1.11"
    assert wired.ping("outside", "node3").seen_as == "192.168.1.5"
    assert wired.ping("pod-1-2", "node2").seen_as == "10.244.1.2"
    wired.outside.run(route.add("10.244.1.0/24", via="192.168.1.11"))
    assert wired.ping("outside", "pod-1-2").seen_as == "192.168.1.5"
    assert wired.ping("pod-1-2", "outside").seen_as == "10.244.1.2"


def test_translated_is_not_reached(wired):
    said = wired["node1"].shell(MASQUERADE, may_fail=True)
    if "OSError" in said or "NetlinkError" in said:
        pytest.skip(f"this kernel has no nftables with masquerading: {said.splitlines()[-1]}")
    assert said == ""
    ping = wired.ping("pod-1-2", "pod-2-2")
    assert (ping.verdict, ping.seen_as) == (Verdict.TRANSLATED, "192.168.1.11")
    assert not ping
    assert "not 10.244.1.2" in str(ping)
    assert wired.ping("pod-1-2", "pod-2-2", expect="translated")
    assert wired.ping("pod-2-2", "pod-1-2").verdict == Verdict.REACHED
    exam = wired.check()
    assert [bool(rule) for rule in exam.rules] == [True, True, False]
    assert exam.matrix.reached == 29
    assert {ping.verdict for ping in exam.matrix.failures} == {Verdict.TRANSLATED}


def test_could_not_test_is_no_success_either_way(wired):
    wired["node1"].run(namespace.add("empty"))
    for expect in (True, False, "translated"):
        ping = wired.ping("pod-1-2", "empty", expect=expect)
        assert ping.verdict == Verdict.NOT_TESTED
        assert not ping
        assert "has no address" in ping.why
    assert not wired.check()
    assert wired.matrix().reached == 30


def test_an_address_is_a_name_too(whole):
    """A bridge has no name of its own in the cluster; its address tells whom a Pod is to reach."""
    ping = whole.ping("pod-2-2", "10.244.2.1")
    assert ping
    assert ping.target.name == "node2"
    assert not whole.ping("pod-2-2", "10.244.2.1", expect=False)


def test_an_address_that_nobody_has_is_tried_as_any_other(wired):
    lost = wired.ping("pod-1-2", "8.8.8.8")
    assert (lost.verdict, bool(lost)) == (Verdict.NO_REPLY, False)
    assert "node1 has no route to 8.8.8.8" in str(lost)
    assert wired.ping("pod-1-2", "8.8.8.8", expect=False)
    near = wired.ping("pod-1-2", "10.244.1.99", patience=0.3)  # of its own subnet: nobody says that there is no such Pod
    assert (near.verdict, near.seen_as) == (Verdict.NO_REPLY, None)
    with pytest.raises(errors.BadInput, match=r"no Pod or node is called 'pod1-2'; did you mean 'pod-1-2'\?"):
        wired.ping("node1", "pod1-2")


def test_somebody_who_answers_at_such_an_address_has_not_said_whom_they_saw(wired):
    wired["node1"].shell("ip route add 203.0.113.0/24 via 192.168.1.12")
    wired["node2"].shell("ip route add local 203.0.113.7 dev lo")
    try:
        ping = wired.ping("pod-1-2", "203.0.113.7")
        assert (ping.verdict, ping.seen_as) == (Verdict.REACHED, None)
        assert str(ping).endswith("reached, and somebody answered; whose address they saw, nobody says")
    finally:
        wired["node2"].shell("ip route del local 203.0.113.7 dev lo table local")
        wired["node1"].shell("ip route del 203.0.113.0/24")


@pytest.mark.parametrize(
    ("source", "target"), [("pod-9-9", "pod-1-2"), ("pod-1-2", "pod-9-9"), ("", "pod-1-2"), ("10.244.1.99", "pod-1-2")]
)
def test_an_unknown_name(whole, source, target):
    with pytest.raises(errors.BadInput, match="there are node1"):
        whole.ping(source, target)
    with pytest.raises(errors.BadInput, match="expect"):
        whole.ping("pod-1-2", "pod-1-3", expect="maybe")


def test_another_that_answers_is_not_the_target(wired):
    """Two Pods with one address: an answer says that somebody has it, not that the one that was meant heard it."""
    wired["node1"].run(
        address.remove("10.244.1.3/24", dev="veth-1-3", namespace="pod-1-3"),
        address.add("10.244.1.2/24", dev="veth-1-3", namespace="pod-1-3"),
        link.down("veth-1-3-br"),
    )
    ping = wired.ping("pod-2-2", "pod-1-3", patience=QUICK)
    assert ping.verdict == Verdict.NO_REPLY
    assert not wired.check()
    assert not wired.check().rules[0]


def test_many_waves_are_complete_and_leave_no_neighbours(wired, monkeypatch):
    monkeypatch.setattr(ping_mesh_schedule, "MOST_ENTRIES", 24)
    for node in ("node1", "node2"):
        steps = [step for pod in wired.plan[node].pods(20)[2:] for step in recipes.pod(pod, wired.plan[node])]
        wired["node1"].lab.run({node: steps})
    mac = wired["node1"].snapshot().link(None, "v-net-0").mac
    wired["node1"].run(neighbour.add("10.244.1.1", mac, dev="veth-1-2", namespace="pod-1-2"))
    wired["node1"].run(neighbour.add("10.244.1.77", "02:00:00:00:00:07", dev="v-net-0"))
    before, counts = stable(wired.snapshot()), []
    matrix = wired.matrix(progress=lambda done, of: counts.append((done, of)))
    assert (len(matrix), matrix.reached) == (42 * 41, 42 * 41)
    assert len({(ping.source, ping.target) for ping in matrix}) == 42 * 41
    assert len(counts) > 10
    assert counts == sorted(counts)
    assert counts[-1] == (42 * 41, 42 * 41)
    assert stable(wired.snapshot()) == before
    spaces = [space for node in wired.snapshot().values() for space in node.spaces.values()]
    assert sum(one.state != "PERMANENT" for space in spaces for one in space.neighbours) <= 2 * 24


def test_a_bridge_that_changes_its_mac(wired):
    """A bridge takes the lowest MAC of its ports: a new Pod may change it, and the others' memory of it is then wrong."""
    assert wired.check()
    node = wired["node1"]
    before = node.snapshot().own.links["v-net-0"].mac
    node.shell("ip link add x1 type veth peer name x2; ip link set x1 address 02:00:00:00:00:01 master v-net-0")
    assert node.snapshot().own.links["v-net-0"].mac != before
    assert wired.ping("pod-1-2", "pod-2-2")
    assert wired.check()


def test_a_pod_whose_cable_is_down_fails_for_a_reason(wired):
    """To forget a neighbour that nobody ever had is refused, and that refusal is nobody's answer."""
    wired["node1"].shell("ip -n pod-1-3 link set dev veth-1-3 down")
    matrix = wired.matrix()
    assert matrix.reached == 20
    assert all("veth-1-3 in pod-1-3 is down" in ping.why for ping in matrix.failures)


def test_a_lab_with_no_pods_passes_no_exam(lab):
    assert not lab.check()
    assert not lab.matrix()
    assert len(lab.matrix()) == 0


def test_a_namespace_that_vanishes_meanwhile(wired):
    """A Pod is deleted between the look and the try: an answer, not a traceback, and the lab goes on."""
    gone = Endpoint("ghost", "node1", "ghost", ("10.244.1.9",))
    there = Endpoint("pod-1-2", "node1", "pod-1-2", ("10.244.1.2",))
    pings = try_pairs(agents(wired), [(gone, there), (there, gone)], QUICK)
    assert {ping.verdict for ping in pings} <= {Verdict.NO_REPLY, Verdict.NOT_TESTED}
    assert wired.ping("pod-1-2", "pod-1-3")


def test_a_matrix_leaves_what_somebody_wrote_down_about_another_pod_of_the_node(wired):
    """A permanent neighbour is no less known than a learnt one; forgetting what a try has taught must not take it along."""
    node = wired["node1"]
    for here, there in (("pod-1-2", "pod-1-3"), ("pod-1-3", "pod-1-2")):
        mac = node.snapshot().link(there, f"veth-{there[4:]}").mac
        node.run(neighbour.add(f"10.244.{there[4:].replace('-', '.')}", mac, dev=f"veth-{here[4:]}", namespace=here))
    before = stable(node.snapshot())
    assert wired.matrix()
    assert stable(node.snapshot()) == before
