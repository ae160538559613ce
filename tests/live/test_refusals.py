"""What can't be done says why, and leaves the kernel as it was."""

import pytest

from live.helpers import UPLINK, stable
from live.lab_facade import journal
from podnet_lab import address, bridge, errors, forwarding, link, namespace, neighbour, recipes, route, veth

POD = "pod-1-2"

TAKEN = {
    "a bridge's name, by a cable": (bridge.add("veth-1-2-br"), "veth"),
    "a cable's name, by a bridge": (veth.add("v-net-0", peer="two"), "bridge"),
    "a cable's name, by another cable": (veth.add("veth-1-2-br", peer="two"), "veth-1-2"),
    "the other end's name": (veth.add("one", peer="veth-1-2", peer_namespace=POD), "veth-1-2-br"),
    "a route, by another gateway": (route.add("10.244.2.0/24", via="192.168.1.13"), "192.168.1.12"),
    "a route, by an interface": (route.add("10.244.1.0/24", via="192.168.1.12"), "v-net-0"),
    "a route, by a gateway, to be a blackhole": (route.blackhole("10.244.2.0/24"), "192.168.1.12"),
    "a name in the Pod, by another cable": (veth.move("same", to=POD), "same"),
    "a default route": (route.add("default", via="10.244.1.3", namespace=POD), "10.244.1.1"),
}

# step, the kernel's word, a part of the question
REFUSED = {
    "no such interface": (link.up("nope"), "No such device", "interface"),
    "no such interface to address": (address.add("10.1.1.1/24", dev="nope"), "No such device", "interface"),
    "no such namespace": (link.up("lo", namespace="pod-9-9"), "No such file or directory", "namespace"),
    "an end into no namespace": (veth.add("one", peer="two", peer_namespace="pod-9-9"), "No such file or directory", "namespace"),
    "a move into no namespace": (veth.move("veth-1-2-br", to="pod-9-9"), "No such file or directory", "namespace"),
    "a gateway that is not near": (route.add("10.99.0.0/16", via="172.30.0.1"), "Network is unreachable", "gateway"),
    "a route out of what is down": (route.add("10.99.0.0/16", dev="br9"), "Network is down", "up"),
    "a bridge in a bridge": (veth.plug("br9", into="v-net-0"), "Too many levels of symbolic links", "bridge"),
    "a cable into a cable": (veth.plug("veth-1-2-br", into="veth-1-3-br"), "Operation not supported", ""),
    "no such interface to set": (forwarding.setting("nope", "rp_filter", 1), "No such file or directory", ""),
}


@pytest.fixture(scope="module")
def node(running):
    """A wired node1, with a bridge br9 that is down; each test here must leave it as it is."""
    running.reset()
    running.build()
    running["node1"].run(bridge.add("br9"), veth.add("same", peer="same", peer_namespace=POD))
    return running["node1"]


@pytest.mark.parametrize("name", TAKEN)
def test_a_taken_name_is_a_conflict(node, name):
    step, said = TAKEN[name]
    before, entries = stable(node.snapshot()), journal(node.lab)
    with pytest.raises(errors.StepConflict) as caught:
        node.run(step)
    assert stable(node.snapshot()) == before
    assert journal(node.lab) == entries
    assert said in caught.value.reason
    assert (caught.value.node, caught.value.command) == ("node1", step.command)


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_node_command_word_and_question(node, name):
    step, word, question = REFUSED[name]
    before, entries = stable(node.snapshot()), journal(node.lab)
    with pytest.raises(errors.StepFailed) as caught:
        node.run(step)
    assert stable(node.snapshot()) == before
    assert journal(node.lab) == entries
    failure = caught.value
    assert (failure.node, failure.command) == ("node1", step.command)
    assert word in str(failure)
    assert failure.question.endswith("?")
    assert question in failure.question
    assert not [note for note in getattr(failure, "__notes__", []) if "brought back" in note]


BATCHES = {
    "in one send": [bridge.add("b1"), link.up("nope"), bridge.add("b2"), veth.add("v1", peer="v2")],
    "after a namespace": [namespace.add("pod-x"), veth.add("a", peer="b", peer_namespace="pod-x"), link.up("nope")],
    "after removals": [namespace.remove(POD), link.remove("v-net-0"), link.up("nope")],
    "after removals of a cable": [link.remove("veth-1-2-br"), address.remove("10.244.1.1/24", dev="v-net-0"), link.up("nope")],
    "after changes": [link.change("veth-1-2-br", mtu=1400), forwarding.off(), link.down("v-net-0"), link.up("nope")],
    "after a move": [veth.move("veth-1-2-br", to="pod-1-3"), link.up("nope")],
    "after routes": [route.remove("10.244.2.0/24"), route.blackhole("10.244.2.0/24"), route.add("10.9.0.0/16", via="1.1.1.1")],
    "after neighbours": [neighbour.add("10.244.1.9", "02:00:00:00:00:09", dev="v-net-0"), link.up("nope")],
    "after an address": [link.up("br9"), address.add("10.99.0.1/24", dev="br9"), address.add("10.99.0.2/24", dev="nope")],
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_that_fails_leaves_nothing(node, name):
    before, macs = (
        stable(node.snapshot()),
        {one.name: one.mac for one in node.snapshot().own.links.values() if one.kind in ("veth", "physical")},
    )
    with pytest.raises(errors.StepFailed) as caught:
        node.run(*BATCHES[name])
    assert stable(node.snapshot()) == before
    assert not [note for note in getattr(caught.value, "__notes__", []) if "brought back" in note]
    assert macs[UPLINK] == node.snapshot().own.links[UPLINK].mac


def test_a_batch_of_hundreds_that_fails_at_its_end_leaves_nothing(node):
    before = stable(node.snapshot())
    cables = [veth.add(f"c{number}", peer=f"d{number}") for number in range(40)]
    with pytest.raises(errors.StepFailed, match="nope"):
        node.run(*cables, *(route.add(f"10.50.{number}.0/24", via="192.168.1.12") for number in range(250)), link.up("nope"))
    assert stable(node.snapshot()) == before


def test_a_failure_on_one_node_takes_back_the_other(node):
    lab = node.lab
    before = stable(lab.snapshot())
    good = [bridge.add("b1"), link.up("b1"), address.add("10.50.0.1/24", dev="b1")]
    with pytest.raises(errors.StepFailed) as caught:
        lab.run({"node3": good, "node2": [*good, link.up("nope")], "node1": good})
    assert caught.value.node == "node2"
    assert stable(lab.snapshot()) == before


def test_a_conflict_on_one_node_keeps_the_other_from_starting(node):
    lab = node.lab
    before = stable(lab.snapshot())
    with pytest.raises(errors.StepConflict):
        lab.run({"node2": [bridge.add("b1")], "node1": [bridge.add(UPLINK)]})
    assert stable(lab.snapshot()) == before


def test_what_is_no_step_or_no_node_is_bad_input(node):
    before = stable(node.lab.snapshot())
    with pytest.raises(errors.BadInput, match="node9"):
        node.lab.run({"node1": [bridge.add("b1")], "node9": [bridge.add("b1")]})
    with pytest.raises(errors.BadInput, match="is a Step"):
        node.run(bridge.add("b1"), "ip link add b2 type bridge")
    with pytest.raises(errors.BadInput, match="node9"):
        node.lab["node9"]
    assert stable(node.lab.snapshot()) == before


def test_a_recipe_may_remove_a_cable_by_either_end(node):
    """What a recipe did to one end is not asked for any more once it removed the other."""
    before = stable(node.snapshot())
    node.run(veth.add("v1", peer="v2"), link.up("v2"), link.change("v2", mtu=1400), link.remove("v1"))
    node.run(veth.add("v3", peer="v4"), veth.move("v4", to=POD), link.up("v4", namespace=POD), link.remove("v3"))
    assert stable(node.snapshot()) == before


def test_a_recipe_may_remove_and_make_anew(node):
    """A name that an earlier step of the same recipe frees is free for a later one."""
    lab = node.lab
    lab.reset()
    node.run(bridge.add("br0"))
    node.run(link.remove("br0"), bridge.add("br0"), link.up("br0"))
    assert node.snapshot().own.links["br0"].up
    node.run(namespace.add("p"))
    node.run(namespace.remove("p"), namespace.add("p"))
    node.run(route.add("10.9.0.0/16", via="192.168.1.12"))
    node.run(route.remove("10.9.0.0/16"), route.add("10.9.0.0/16", via="192.168.1.13"))
    lab.undo()
    assert [str(one.via) for one in node.snapshot().own.routes if str(one.to) == "10.9.0.0/16"] == ["192.168.1.12"]


def test_a_whole_node_twice_changes_nothing(lab):
    steps = recipes.node(lab.plan["node1"], lab.plan)
    lab["node1"].run(*steps)
    before, entries = stable(lab.snapshot()), len(journal(lab))
    assert not lab["node1"].run(*steps).changed
    by_hand = [step for name in recipes.STAGES for step in recipes.stage(name, lab.plan["node1"], lab.plan)]
    assert not lab["node1"].run(*by_hand).changed
    assert (stable(lab.snapshot()), len(journal(lab))) == (before, entries)
