import re
import shlex
import shutil
import subprocess

import pytest
import world

from podnet_lab import recipes
from podnet_lab.devices import link, link_steps
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.errors import BadInput
from podnet_lab.model import DEFAULT
from podnet_lab.plan import plan
from podnet_lab.recipes import script, shortcut
from podnet_lab.recipes.lesson import STAGES
from podnet_lab.recipes.net_effect import adds_up
from podnet_lab.steps import address, forwarding, namespace, route

PLAN = plan(3, 2)
NODE = PLAN["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
BARE = world.bare()
WIRED = world.wired(PLAN)["node1"]
MOVED = [namespace.add(POD), bridge.add("v-net-0"), veth.add(CABLE, peer=END), veth.move(CABLE, to=POD), veth.plug(END, into="v-net-0")]


def test_a_wired_node_is_what_the_lesson_says():
    own, pod = WIRED.own, WIRED.spaces[POD]
    assert WIRED.link(None, END).master == "v-net-0"
    assert WIRED.link(POD, CABLE).peer == (None, END)
    assert [str(one) for one in pod.addresses_of(CABLE)] == ["10.244.1.2/24"]
    assert [str(one.via) for one in pod.routes_to(DEFAULT)] == ["10.244.1.1"]
    assert [str(one) for one in own.routes if one.via] == [
        "10.244.2.0/24 via 192.168.1.12 dev eth0",
        "10.244.3.0/24 via 192.168.1.13 dev eth0",
    ]
    assert own.forwarding
    assert not pod.forwarding


def test_the_stages_and_the_recipe_lead_to_the_same_kernel():
    by_stages, at_once = world.staged(PLAN, "done"), world.wired(PLAN)
    assert {name: world.plain(one) for name, one in by_stages.items()} == {name: world.plain(one) for name, one in at_once.items()}


@pytest.mark.parametrize("stage", [*STAGES, "done"])
def test_before_a_stage_are_all_earlier_ones(stage):
    earlier = STAGES[: (*STAGES, "done").index(stage)]
    assert recipes.before(stage, PLAN)["node2"] == [step for one in earlier for step in recipes.stage(one, PLAN["node2"], PLAN)]


@pytest.mark.parametrize("unknown", ["", "Bridge", "done", "routes", None])
def test_an_unknown_stage_is_refused_with_those_there_are(unknown):
    with pytest.raises(BadInput, match=r"(there are|There are|one of) namespaces, bridge, veth, addr, route"):
        recipes.stage(unknown, NODE, PLAN)
    if unknown != "done":
        with pytest.raises(BadInput, match=r"[tT]here are namespaces, bridge, veth, addr, route, done"):
            recipes.before(unknown, PLAN)


def test_a_cable_that_is_moved_later_is_judged_where_it_ended():
    judged = dict(adds_up(MOVED))
    after = world.do(BARE, *MOVED)
    made = MOVED[2]
    assert made.contradiction(after) is not None
    assert judged[made].contradiction(after) is None
    assert judged[made].command == made.command
    assert judged[made].contradiction(world.do(BARE, *MOVED[:3])) is not None


def test_a_cable_moved_there_and_back_or_by_its_peer_is_judged_where_it_ended():
    there_and_back = [*MOVED[:4], veth.move(CABLE, to=None, namespace=POD)]
    assert world.claims(adds_up(there_and_back), world.do(BARE, *there_and_back)) == []
    peer = [namespace.add(POD), veth.add(END, peer=CABLE), veth.move(CABLE, to=POD)]
    assert world.claims(adds_up(peer), world.do(BARE, *peer)) == []
    assert all(left is not None for _, left in adds_up(peer))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (link.down("v-net-0"), link.up("v-net-0")),
        (address.add("10.9.0.1/24", dev="v-net-0"), address.remove("10.9.0.1/24", dev="v-net-0")),
        (forwarding.off(), forwarding.on()),
        (veth.unplug(END), veth.plug(END, into="v-net-0")),
        (namespace.add("new"), namespace.remove("new")),
        (link.up(CABLE, namespace=POD), namespace.remove(POD)),
        (link.up(CABLE, namespace=POD), veth.remove(CABLE, namespace=POD)),
        (address.add("10.9.0.1/24", dev=END), veth.move(END, to="pod-1-3")),
        (link.up(END), veth.move(END, to="pod-1-3")),
        (route.add("10.9.0.0/24", via="192.168.1.13"), route.remove("10.9.0.0/24")),
        (link.change(END, mtu=1400), link.change(END, mtu=1300)),
    ],
)
def test_a_fact_that_a_later_step_ends_is_not_judged(first, second):
    assert [left for _, left in adds_up([first, second])] == [None, second]
    assert [left for _, left in adds_up([second, first])][1] == first


def test_a_shortcut_moves_nothing_and_ends_up_the_same():
    for steps in (MOVED, recipes.before("done", PLAN)["node1"]):
        short = shortcut(steps)
        assert not any(isinstance(step, link_steps.MoveLink) for step in short)
        assert world.plain(world.do(BARE, *short)) == world.plain(world.do(BARE, *steps))
        assert world.claims(adds_up(steps), world.do(BARE, *short)) == []


@pytest.mark.parametrize(
    "steps",
    [
        [namespace.add(POD), bridge.add("br"), veth.add("a", peer="b"), veth.plug("b", into="br"), veth.move("a", to=POD)],
        [namespace.add(POD), veth.add("a", peer="b"), veth.move("a", to=POD), veth.move("b", to=POD)],
        [namespace.add(POD), veth.add("a", peer="b"), veth.move("b", to=POD)],
        [namespace.add(POD), veth.add("a", peer="b"), link.up("b"), link.up("a"), veth.move("a", to=POD)],
    ],
    ids=["plugged before", "both ends", "the peer", "up before"],
)
def test_a_shortcut_of_any_order_ends_up_the_same(steps):
    assert world.plain(world.do(BARE, *shortcut(steps))) == world.plain(world.do(BARE, *steps))


def test_a_script_is_only_ip_and_sysctl_in_a_frame():
    lines = script(recipes.cluster(PLAN), "node1").splitlines()
    assert lines[:2] == ["#!/bin/bash", "set -e"]
    assert {shlex.split(line)[0] for line in lines[2:]} == {"ip", "sysctl"}
    assert lines[2:] == [step.command for step in recipes.node(NODE, PLAN)]
    assert script(recipes.node(NODE, PLAN)).splitlines() == lines


def parts(recipe, chosen):
    """What bash does with a script for several nodes, with `ip` and `sysctl` that only print."""
    frame = 'ip() { echo ip "$@"; }; sysctl() { echo sysctl "$@"; }\n'
    command = [shutil.which("bash"), "-c", frame + script(recipe), "cluster.sh", *chosen]
    return subprocess.run(command, env={"PATH": "/nonexistent"}, capture_output=True, text=True, check=False)


def test_a_script_for_all_nodes_runs_the_part_of_the_node_that_is_named():
    recipe = recipes.cluster(PLAN)
    assert parts(recipe, ["node2"]).stdout.splitlines() == [step.command for step in recipe["node2"]]
    for wrong in ([], ["node9"]):
        refused = parts(recipe, wrong)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "node1, node2, node3" in refused.stderr


@pytest.mark.parametrize("evil", ["a;id", "$(id)", "*", "a b", "a)echo x", "a'b", "`id`", 'a"b'])
def test_a_nodes_name_reaches_the_script_quoted_or_not_at_all(evil):
    recipe = {evil: [link.up("lo")], "node1": [link.down("lo")]}
    try:
        ran, other = parts(recipe, [evil]), parts(recipe, ["node1"])
    except BadInput:
        return
    assert (ran.returncode, ran.stdout.strip()) == (0, "ip link set dev lo up")
    assert (other.returncode, other.stdout.strip()) == (0, "ip link set dev lo down")
    assert not re.search("uid=|not found|syntax", parts(recipe, ["nobody"]).stderr)


def test_a_script_for_a_node_that_the_recipe_leaves_out_is_refused():
    with pytest.raises(BadInput, match="nothing for 'node9'; there are node1, node2, node3"):
        script(recipes.cluster(PLAN), "node9")
