"""`undo` takes back exactly the last change, or says what keeps it from that and changes nothing."""

import itertools
import random

import pytest

from live.helpers import UPLINK, everything, stable
from live.lab_facade import journal
from live.random_steps import drawn
from podnet_lab import address, bridge, errors, forwarding, link, namespace, recipes, route, veth

# On node1 of a wired cluster: what our step does, what a hand does then, and what the refusal names.
CHANGED = {
    "a bridge was deleted": (bridge.add("br0"), "ip link del br0", "br0"),
    "a bridge got a port": (bridge.add("br0"), "ip link add a1 type veth peer name a2; ip link set a1 master br0", "br0"),
    "a bridge got an address": (bridge.add("br0"), "ip addr add 10.5.0.1/24 dev br0", "br0"),
    "a bridge was switched on": (bridge.add("br0"), "ip link set br0 up", "br0"),
    "a bridge was replaced": (bridge.add("br0"), "ip link del br0; ip link add br0 type veth peer name br1", "br0"),
    "a bridge got another name": (bridge.add("br0"), "ip link property add dev br0 altname my-switch altname yours", "br0"),
    "a bridge got a note": (bridge.add("br0"), "ip link set br0 alias 'to the lab'", "br0"),
    "a bridge got a macvlan": (bridge.add("br0"), "ip link add mv0 link br0 type macvlan", "br0"),
    "a bridge got a forwarding entry": (bridge.add("br0"), "bridge fdb add 02:00:00:00:00:77 dev br0 self permanent", "br0"),
    "a bridge got a neighbour": (bridge.add("br0"), "ip neigh add 10.5.0.9 lladdr 02:00:00:00:00:55 dev br0 nud permanent", "br0"),
    "a namespace got a policy rule": (namespace.add("p"), "ip -n p rule add from 10.9.0.0/16 lookup 77", "p"),
    "a namespace got a cable": (namespace.add("p"), "ip link add a1 type veth peer name a2 netns p", "p"),
    "a namespace was deleted": (namespace.add("p"), "ip netns del p", "p"),
    "a cable was moved": (veth.add("a1", peer="a2"), "ip link set a2 netns pod-1-2", "a1"),
    "a cable was plugged": (veth.add("a1", peer="a2"), "ip link set a2 master v-net-0", "a2"),
    "a plug was pulled": (veth.unplug("veth-1-2-br"), "ip link set veth-1-2-br master v-net-0", "veth-1-2-br"),
    "an address was removed": (address.add("10.5.0.1/24", dev="v-net-0"), "ip addr del 10.5.0.1/24 dev v-net-0", "10.5.0.1/24"),
    "a route was removed": (route.add("10.5.0.0/16", via="192.168.1.12"), "ip route del 10.5.0.0/16", "10.5.0.0/16"),
    "a route was changed": (route.add("10.5.0.0/16", via="192.168.1.12"), "ip route replace 10.5.0.0/16 via 192.168.1.13", "10.5.0.0/16"),
    "a removed thing is back": (link.remove("v-net-0"), "ip link add v-net-0 type bridge", "v-net-0"),
    "forwarding was switched": (forwarding.off(), "sysctl -qw net.ipv4.ip_forward=1", "forwarding"),
    "an MTU was changed": (link.change("v-net-0", mtu=1400), "ip link set v-net-0 mtu 1300", "mtu"),
    "an interface was switched": (link.down("veth-1-2-br"), "ip link set veth-1-2-br up", "veth-1-2-br"),
}


def test_in_order_to_the_start(lab):
    start, seen = everything(lab), []
    for name in recipes.STAGES:
        seen.append(everything(lab))
        lab.run({node.name: recipes.stage(name, node, lab.plan) for node in lab.plan.nodes})
    lab["node1"].shell("true")
    for before in reversed(seen):
        lab.undo()
        assert everything(lab) == before
    assert everything(lab) == start
    with pytest.raises(errors.LabError, match="nothing to undo"):
        lab.undo()


def test_step_by_step_to_the_start(lab):
    """The lesson's own steps, one run for each, as a student runs them cell by cell."""
    steps = [step for name in recipes.STAGES for step in recipes.stage(name, lab.plan["node1"], lab.plan)]
    seen = []
    for step in steps:
        seen.append(stable(lab["node1"].snapshot()))
        assert lab["node1"].run(step).changed
    for step, before in zip(reversed(steps), reversed(seen), strict=True):
        lab.undo()
        assert stable(lab["node1"].snapshot()) == before, step.command


def test_a_whole_cluster_at_once(lab):
    start = everything(lab)
    lab.build()
    lab.undo()
    assert everything(lab) == start


def test_a_removal_of_everything(wired):
    before = everything(wired)
    wired.run({node.name: [namespace.remove(pod.name) for pod in node.pods(2)] + [link.remove("v-net-0")] for node in wired.plan.nodes})
    wired.undo()
    assert everything(wired) == before
    assert wired.check()


def test_a_pod_that_was_removed(wired):
    before = everything(wired)
    wired.remove_pod("pod-2-3")
    assert "pod-2-3" not in wired["node2"].snapshot().spaces
    wired.undo()
    assert everything(wired) == before
    assert wired.ping("pod-2-3", "pod-1-2")


def test_a_pod_that_was_added(wired):
    before = everything(wired)
    wired.add_pod("node2")
    wired.undo()
    assert everything(wired) == before


@pytest.fixture(scope="module")
def kept(running):
    """A wired cluster for refusals; each of them is brought back by goto."""
    return running


@pytest.mark.parametrize("name", CHANGED)
def test_refused_after_a_change_by_hand(kept, name):
    step, by_hand, said = CHANGED[name]
    node = kept["node1"]
    kept.goto("namespaces")
    kept.run({"node1": recipes.node(kept.plan["node1"], kept.plan)})
    node.run(step)
    node.shell(by_hand)
    before, entries = everything(kept), journal(kept)
    with pytest.raises(errors.UndoRefused, match=said) as caught:
        kept.undo()
    assert everything(kept) == before
    assert journal(kept) == entries
    assert "nothing was changed" in str(caught.value)
    assert "goto" in str(caught.value)


def test_what_a_hand_did_elsewhere_is_no_reason(wired):
    before = stable(wired["node1"].snapshot())
    wired["node1"].run(bridge.add("br0"))
    wired["node1"].shell("ip link add mine type bridge; ip netns add theirs; sysctl -qw net.ipv4.ip_forward=0")
    wired.undo()
    now = wired["node1"].snapshot()
    assert "br0" not in now.own.links
    assert {"mine"} == set(now.own.links) - set(before[""]["links"])
    assert "theirs" in now.spaces
    assert not now.own.forwarding


def test_forwarding_over_already_on(lab):
    node = lab["node1"]
    node.shell("sysctl -qw net.ipv4.ip_forward=1")
    assert not node.run(forwarding.on()).changed
    with pytest.raises(errors.LabError):
        lab.undo()
    node.run(forwarding.on(), bridge.add("br0"))
    lab.undo()
    assert node.snapshot().own.forwarding


def test_a_failed_run_is_not_undone(lab):
    lab["node1"].run(bridge.add("br0"))
    with pytest.raises(errors.StepFailed):
        lab["node1"].run(bridge.add("br1"), link.up("nope"))
    lab.undo()
    assert set(lab["node1"].snapshot().own.links) == {"lo", UPLINK}


def test_goto_forgets_what_was_before(lab):
    lab["node1"].run(bridge.add("br0"))
    lab.goto("veth")
    with pytest.raises(errors.LabError, match="nothing to undo"):
        lab.undo()


def test_an_address_takes_no_other_along(wired):
    """Deleting a first address deletes all others of its subnet."""
    node = wired["node1"]
    node.run(address.add("10.5.0.1/24", dev="v-net-0"))
    node.shell("ip addr add 10.5.0.2/24 dev v-net-0; ip addr add 10.5.0.3/24 dev v-net-0 label v-net-0:x")
    node.shell("ip route add 10.6.0.0/16 via 10.5.0.9 src 10.5.0.2")
    wired.undo()
    said = node.shell("ip -o -4 addr show dev v-net-0; ip route")
    assert "10.5.0.1/" not in said
    assert "10.5.0.2/24" in said
    assert "10.5.0.3/24 scope global secondary v-net-0:x" in said
    assert "10.6.0.0/16 via 10.5.0.9 dev v-net-0 src 10.5.0.2" in said


def test_what_would_be_lost_is_named_and_nothing_is_undone(wired):
    node = wired["node1"]
    node.run(address.add("10.5.0.1/24", dev="v-net-0"))
    node.shell("ip route add 10.6.0.0/16 via 192.168.1.12 src 10.5.0.1")
    before, entries = everything(wired), journal(wired)
    with pytest.raises(errors.UndoRefused, match=r"10\.6\.0\.0/16 via 192\.168\.1\.12.*nothing was changed"):
        wired.undo()
    assert (everything(wired), journal(wired)) == (before, entries)


@pytest.mark.parametrize("group", ["", "; ip nexthop add id 20 group 7", "; ip nexthop add id 20 group 7 type resilient buckets 4"])
def test_routes_of_nexthop_objects_come_back_with_them(wired, group):
    node = wired["node1"]
    number = 20 if group else 7
    node.shell(f"ip nexthop add id 7 via 10.244.1.9 dev v-net-0{group}; ip route add 10.9.0.0/24 nhid {number}")
    node.shell("ip route add 10.8.0.0/24 nexthop via 10.244.1.7 nexthop via 192.168.1.12")
    node.shell("ip nexthop add id 30 blackhole; ip route add 10.7.0.0/24 nhid 30")
    before = node.shell("ip route; ip nexthop")
    node.run(link.remove("v-net-0"))
    assert "10.244.1.9" not in node.shell("ip route; ip nexthop")
    wired.undo()
    assert sorted(node.shell("ip route; ip nexthop").split("\n")) == sorted(before.split("\n"))


def random_steps_there_and_back(lab, seed, tries):
    """Run random steps on a bare node, one by one, and take each back: the node is at each moment what it was."""
    node, draw, seen = lab["node1"], random.Random(seed), []  # noqa: S311 - no secret
    lab.reset()
    for _ in range(tries):
        before = stable(node.snapshot())
        try:
            if node.run(drawn(draw)).changed:
                seen.append(before)
        except errors.PodnetError:  # it makes no sense there
            continue
    assert len(journal(lab)) == len(seen)
    for before in reversed(seen):
        steps = [step.command for step in journal(lab)[-1].steps["node1"]]
        lab.undo()
        assert stable(node.snapshot()) == before, steps


@pytest.mark.parametrize("seed", range(4))
def test_random_steps_are_taken_back_one_by_one(lab, seed):
    random_steps_there_and_back(lab, seed, 80)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_random_steps_are_taken_back_one_by_one(lab, seed):
    random_steps_there_and_back(lab, seed, 150)


def test_runs_that_follow_each_other_hold_what_is_the_same_once(wired):
    """4,000 runs took 126 MB: what undo needs is kept, and each thing of it once."""
    for name in ("one", "two"):
        wired["node1"].run(namespace.add(name))
    looks = [look["node1"] for run in journal(wired)[-2:] for look in (run.before, run.after)]
    for one, other in itertools.pairwise(looks):
        # Equal is asked, not taken for granted: a bridge may learn an address, or a port come up, between two runs.
        kept = [name for name, space in one.spaces.items() if space == other.spaces.get(name)]
        assert {"pod-1-2", "pod-1-3"} <= set(kept)
        assert [name for name in kept if one.spaces[name] is not other.spaces[name]] == []
        assert one is other or one != other
    wired.undo()
    wired.undo()
    assert not {"one", "two"} & wired.snapshot("node1")["node1"].spaces.keys()


def test_undo_says_what_was_let_go(wired, monkeypatch):
    monkeypatch.setattr("podnet_lab.lab.journal.MOST_RUNS", 2)
    for name in ("one", "two", "three"):
        wired["node1"].run(namespace.add(name))
    wired.undo()
    wired.undo()
    with pytest.raises(errors.LabError, match="nothing to undo: the last 2 runs were kept, and the 2 before them let go"):
        wired.undo()
    wired.goto("done")
    with pytest.raises(errors.LabError, match="nothing to undo: no step has changed anything"):
        wired.undo()
