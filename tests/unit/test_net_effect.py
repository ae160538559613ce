"""Which steps of a recipe have work to do, on a node that may be anywhere on the way."""

import pytest
import world
from hypothesis import given, settings
from hypothesis import strategies as st
from world import run

from podnet_lab import recipes
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.plan import plan
from podnet_lab.recipes.net_effect import adds_up, conflicts, needed
from podnet_lab.steps import address, forwarding, namespace, route

PLAN = plan(3, 2)
NODE = PLAN["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
BARE = world.bare()
WIRED = world.wired(PLAN)["node1"]
MOVED = [namespace.add(POD), bridge.add("v-net-0"), veth.add(CABLE, peer=END), veth.move(CABLE, to=POD), veth.plug(END, into="v-net-0")]


def test_rerunning_a_complete_recipe_has_nothing_to_do():
    steps = recipes.node(NODE, PLAN)
    lesson = recipes.before("done", PLAN)["node1"]
    assert not any(needed(steps, WIRED))
    assert not any(needed(lesson, WIRED))
    assert all(needed(steps, BARE))
    assert list(conflicts(steps, WIRED)) == list(conflicts(lesson, WIRED)) == list(conflicts(steps, BARE)) == []


@pytest.mark.parametrize("done", range(len(MOVED) + 1))
def test_a_half_done_recipe_goes_on_where_it_stopped(done):
    before = world.do(BARE, *MOVED[:done])
    assert needed(MOVED, before) == [number >= done for number in range(len(MOVED))]
    assert list(conflicts(MOVED, before)) == []


def test_what_an_earlier_step_takes_away_is_done_again():
    bounce = [link.down("v-net-0"), link.up("v-net-0")]
    assert needed(bounce, WIRED) == [True, True]
    assert needed(bounce, world.do(WIRED, link.down("v-net-0"))) == [False, True]


@pytest.mark.parametrize(
    "steps",
    [
        [namespace.remove(POD), *recipes.pod(NODE.pod(2), NODE)],
        [veth.remove(END), *recipes.pod(NODE.pod(2), NODE)[1:]],
        [bridge.remove("v-net-0"), *recipes.stage("bridge", NODE, PLAN), veth.plug(END, into="v-net-0")],
        [veth.remove(END), *(step for name in ("veth", "addr") for step in recipes.stage(name, NODE, plan(3, 1)))],
        [veth.unplug(END), veth.plug(END, into="v-net-0")],
        [address.remove("10.244.1.2/24", CABLE, POD), address.add("10.244.1.2/24", CABLE, POD)],
        [route.remove("default", namespace=POD), route.add("default", via="10.244.1.1", namespace=POD)],
        [link.down(CABLE, POD), link.up(CABLE, POD), route.add("default", via="10.244.1.1", namespace=POD)],
    ],
    ids=["Pod", "cable", "bridge", "moved cable", "plug", "address", "route", "down and up"],
)
def test_a_thing_made_anew_gets_all_that_the_recipe_says_of_it(steps):
    after = run(WIRED, steps)
    assert world.claims(adds_up(steps), after) == []


COMMON = [
    bridge.add("v-net-0"),
    link.up("v-net-0"),
    link.down("v-net-0"),
    link.down(END),
    address.add(NODE.gateway, dev="v-net-0"),
    veth.unplug(END),
    forwarding.on(),
    forwarding.off(),
]
# Two ways to the same Pod; nothing that deletes, and takes along what the steps alone do not tell of.
IN_PLACE = [*COMMON, *recipes.pod(NODE.pod(2), NODE)[:-1]]
BY_MOVING = [*COMMON, *MOVED, *recipes.stage("addr", NODE, plan(3, 1))]


def followed(before, steps):
    """The steps that a kernel takes, done one after the other, and what it is then."""
    kept = []
    for step in steps:
        try:
            before = world.follow(before, step)
        except OSError:
            continue
        kept.append(step)
    return kept, before


@settings(max_examples=300)
@given(st.sampled_from([IN_PLACE, BY_MOVING]), st.sampled_from([BARE, WIRED]), st.data())
def test_doing_what_is_needed_is_as_good_as_doing_step_after_step(pool, start, data):
    _, before = followed(start, data.draw(st.lists(st.sampled_from(pool), max_size=8)))
    kept, after = followed(before, data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=8)))
    assert world.claims(adds_up(kept), after) == []
    assert world.claims(adds_up(kept), run(before, kept)) == []


def test_what_takes_a_name_is_a_conflict_unless_an_earlier_step_removes_it():
    taken = world.do(BARE, veth.add("v-net-0", peer="x"))
    assert [(step.command, words) for step, words in conflicts([bridge.add("v-net-0")], taken)] == [
        ("ip link add v-net-0 type bridge", "v-net-0 is a veth interface")
    ]
    assert list(conflicts([veth.remove("v-net-0"), bridge.add("v-net-0")], taken)) == []


UPLINK = [address.add("10.98.0.1/24", "eth0"), route.remove("10.98.0.0/24", dev="eth0")]
DOWN = [bridge.add("br0"), address.add("10.98.0.1/24", "br0")]


def test_what_comes_with_an_earlier_step_is_there_to_be_taken_away():
    assert needed(UPLINK, BARE) == [True, True], "the kernel makes a route for an address"
    assert needed([*DOWN, link.up("br0"), route.remove("10.98.0.0/24", dev="br0")], BARE)[-1]
    assert needed([namespace.add("a"), link.up("lo", "a"), address.remove("127.0.0.1/8", "lo", "a")], BARE)[-1]


def test_what_does_not_come_is_not_taken_away():
    assert needed([*DOWN, route.remove("10.98.0.0/24", dev="br0")], BARE) == [True, True, False], "an interface that is down has no routes"
    assert needed([UPLINK[0], route.remove("10.98.0.0/24", dev="v-net-0")], BARE) == [True, False]
