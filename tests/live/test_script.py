"""What we print is what we do: scripts of ours, run by bash with the real `ip`, make the kernel that our steps make."""

import shlex
import subprocess
from itertools import pairwise

import kinds
import pytest

from live.helpers import everything, stable
from podnet_lab import address, bridge, forwarding, link, namespace, neighbour, recipes, route, veth
from podnet_lab.errors import BadInput

MIXED = [
    namespace.add("p1"),
    namespace.add("p2"),
    namespace.add("gone"),
    bridge.add("br0"),
    bridge.add("br1"),
    link.up("br0"),
    link.change("br0", mtu=1400, mac="02:00:00:00:00:0b"),
    address.add("10.50.0.1/24", dev="br0"),
    veth.add("cable1", peer="cable1-br"),
    veth.move("cable1", to="p1"),
    veth.add("cable2-br", peer="cable2", peer_namespace="p2"),
    veth.plug("cable1-br", into="br0"),
    veth.plug("cable2-br", into="br1"),
    veth.unplug("cable2-br"),
    veth.plug("cable2-br", into="br0"),
    address.add("10.50.0.2/24", dev="cable1", namespace="p1"),
    address.add("10.50.0.9/32", dev="lo", namespace="p1"),
    link.up("cable1-br"),
    link.up("cable1", namespace="p1"),
    link.up("lo", namespace="p1"),
    link.down("lo", namespace="p1"),
    link.change("cable1", namespace="p1", mtu=1300, arp=False),
    veth.move("cable2", to=None, namespace="p2"),
    veth.move("cable2", to="p1"),
    veth.move("cable2", to="p2", namespace="p1"),
    address.add("10.50.0.3/24", dev="cable2", namespace="p2"),
    link.up("cable2", namespace="p2"),
    link.up("cable2-br"),
    route.add("default", via="10.50.0.1", namespace="p1"),
    route.add("10.60.0.0/16", via="10.50.0.1", dev="cable1", namespace="p1"),
    route.add("10.61.0.0/16", dev="br0"),
    route.add("10.62.0.0/16", via="192.168.1.12"),
    route.remove("10.62.0.0/16"),
    route.blackhole("10.63.0.0/16"),
    forwarding.on(),
    forwarding.on(namespace="p2"),
    forwarding.off(namespace="p2"),
    forwarding.setting("br0", "rp_filter", 2),
    forwarding.setting("cable1", "proxy_arp", 1, namespace="p1"),
    neighbour.add("10.50.0.1", "02:00:00:00:00:0b", dev="cable1", namespace="p1"),
    neighbour.add("10.50.0.7", "02:00:00:00:00:07", dev="br0"),
    neighbour.remove("10.50.0.7", dev="br0"),
    veth.add("spare1", peer="spare2"),
    veth.remove("spare1"),
    address.add("10.50.0.8/24", dev="br0"),
    address.remove("10.50.0.8/24", dev="br0"),
    link.remove("br1"),
    namespace.remove("gone"),
    *kinds.script(),
]

# Characters that a name may have, and words, or beginnings of words, that `ip` has a meaning of its own for.
HARD_NAMES = ["a.b-c_d@e+f", "_", ".x", "007", "a", "b", "up", "type", "mtu", "netns"]
NO_NAMES = [
    "a;b",
    "n$$",
    "$(id)",
    "`id`",
    "a&b",
    "a|b",
    "a'b",
    'a"b',
    "#a",
    "a*",
    "a>b",
    "(a)",
    "~",
    "!a",
    "a\\b",
    "a b",
    "a/b",
    "-a",
    "a\n",
]


def test_the_cluster_by_one_script(lab, other):
    lab.build()
    script = lab.script()
    for node in other:
        node.shell(f"bash -c {shlex.quote(script)} cluster.sh {node.name}")
    assert everything(other) == everything(lab)
    assert other.check()


def test_the_cluster_by_each_nodes_script(lab, other):
    lab.build()
    for node in other:
        node.shell(lab.script(node.name))
    assert everything(other) == everything(lab)


def test_the_script_for_all_wants_a_known_name(lab):
    said = lab["node1"].shell(f"bash -c {shlex.quote(lab.script())} cluster.sh node9 2>&1; echo $?", may_fail=True)
    assert said.split() == ["which", "node?", "node1,", "node2,", "node3", "2"]


def test_each_stages_script_with_its_moves(lab, other):
    for now, following in pairwise((*recipes.STAGES, "done")):
        recipe = {node.name: recipes.stage(now, node, lab.plan) for node in lab.plan.nodes}
        lab.run(recipe)
        for node in other:
            node.shell(recipes.script(recipe, node.name))
        assert everything(other) == everything(lab), following
    assert other.check()


def test_every_kind_of_step_as_a_script(lab, other):
    lab["node1"].run(*MIXED)
    other["node1"].shell(recipes.script(MIXED))
    assert stable(other["node1"].snapshot()) == stable(lab["node1"].snapshot())
    assert lab["node1"].snapshot().own.links["br0"].mac == other["node1"].snapshot().own.links["br0"].mac


def test_every_kind_of_step_one_by_one(lab, other):
    for step in MIXED:
        lab["node1"].run(step)
        other["node1"].shell(step.command)
        assert stable(other["node1"].snapshot()) == stable(lab["node1"].snapshot()), step.command


def test_a_removed_pod_as_a_script(lab, other):
    lab.build(), other.build()
    gone = lab.remove_pod("pod-1-2")
    other["node1"].shell(recipes.script(gone.steps, "node1"))
    assert everything(other) == everything(lab)


@pytest.mark.parametrize("name", HARD_NAMES)
def test_hard_names_reach_a_shell_as_they_are(running, other_running, name):
    lab, other = running, other_running
    peer = name[:1] + "-x"
    steps = [bridge.add(name), link.up(name), veth.add("v1", peer=peer), veth.plug(peer, into=name), link.change(name, mtu=1400)]
    steps += [address.add("10.50.0.1/24", dev=name), route.add("10.60.0.0/16", dev=name), forwarding.setting(name, "rp_filter", 1)]
    steps += [neighbour.add("10.50.0.2", "02:00:00:00:00:02", dev=name)]
    back = [link.remove("v1"), link.remove(name)]
    try:
        lab["node1"].run(*steps)
        other["node1"].shell(recipes.script(steps))
        assert stable(other["node1"].snapshot()) == stable(lab["node1"].snapshot())
        lab["node1"].run(*back)
        other["node1"].shell(recipes.script(back))
        assert stable(other["node1"].snapshot()) == stable(lab["node1"].snapshot())
    finally:
        lab.reset(), other.reset()


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("make", [bridge.add, namespace.add, lambda name: veth.add("v1", peer=name)])
def test_nothing_is_made_whose_name_a_shell_would_read_otherwise(make, name):
    with pytest.raises(BadInput):
        make(name)


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("make", [link.up, lambda name: route.add("default", dev=name)])
def test_a_name_of_something_that_is_there_is_one_word_for_a_shell(make, name):
    """Somebody may have called an interface so, by hand."""
    try:
        step = make(name)
    except BadInput:
        assert not name or set(name) & set(" \t\n/:") or len(name) > 15 or name.startswith("-")
        return
    words = subprocess.run(["bash", "-c", f"printf '%s\\n' {step.command}"], capture_output=True, text=True, check=True).stdout
    assert name in words.splitlines()
