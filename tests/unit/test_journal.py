import pytest
import world

from podnet_lab import recipes
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.errors import UndoRefused
from podnet_lab.lab.journal import Entry
from podnet_lab.plan import plan
from podnet_lab.recipes.net_effect import needed
from podnet_lab.recipes.results import Outcome, Result
from podnet_lab.steps import address, forwarding, namespace, neighbour, route

PLAN = plan(2, 2)
BARE, WIRED = world.bare(), world.wired(PLAN)["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
MAC = "02:00:00:00:00:99"


def ran(before, *steps):
    """The result of a run on node1."""
    does = needed(steps, before)
    after = world.do(before, *(step for step, todo in zip(steps, does, strict=True) if todo))
    return Result(tuple(Outcome("node1", *pair) for pair in zip(steps, does, strict=True)), {"node1": before}, {"node1": after})


def entry(before, *steps):
    return Entry.of(ran(before, *steps))


def test_a_run_that_changed_nothing_leaves_no_entry():
    result = ran(WIRED, forwarding.on(), link.up("v-net-0"))
    assert Entry.of(result) is None
    assert not result.changed
    assert str(result).splitlines()[0] == "ok    node1# sysctl -w net.ipv4.ip_forward=1    (already so: the node forwards)"
    assert str(Result((), {}, {})) == "nothing to do"


def test_only_what_changed_something_is_kept():
    kept = entry(WIRED, forwarding.on(), bridge.add("br0"))
    assert kept.steps == {"node1": [bridge.add("br0")]}
    assert kept.keys("node1") == [("link", None, "br0")]
    assert kept.inverse() == {"node1": [bridge.remove("br0")]}


@pytest.mark.parametrize(
    "steps",
    [
        [forwarding.off()],
        [bridge.add("br0"), link.up("br0"), address.add("10.9.0.1/24", dev="br0")],
        [veth.unplug(END)],
        [link.down("v-net-0")],
        [namespace.remove(POD)],
        [veth.remove(END), bridge.remove("v-net-0")],
        [forwarding.off(), forwarding.setting("v-net-0", "rp_filter", 1)],
        [address.remove("10.244.1.2/24", dev=CABLE, namespace=POD), route.remove("10.244.2.0/24")],
        [route.remove("default", namespace=POD)],
        [neighbour.add("10.244.1.1", MAC, dev=CABLE, namespace=POD)],
        recipes.pod(PLAN["node1"].pod(9), PLAN["node1"]),
    ],
    ids=lambda steps: steps[0].command,
)
def test_what_a_run_did_is_taken_back_all_the_way(steps):
    kept = entry(WIRED, *steps)
    kept.refuse_if_changed(kept.after)
    back = world.do(kept.after["node1"], *kept.inverse()["node1"])
    kept.refuse_if_left({"node1": back})
    assert world.plain(back) == world.plain(WIRED)


BY_HAND = [
    (BARE, [bridge.add("br0")], [bridge.remove("br0")], "br0 is gone"),
    (BARE, [bridge.add("br0")], [link.up("br0")], "br0: state up now, down when the step ran"),
    (BARE, [bridge.add("br0")], [veth.add("a", peer="b"), veth.plug("a", into="br0")], "br0: ports a now, none when the step ran"),
    (BARE, [bridge.add("br0")], [address.add("10.9.0.1/24", dev="br0")], "br0: addresses 10.9.0.1/24 now, none when the step ran"),
    (BARE, [namespace.add("x")], [link.up("lo", namespace="x")], "lo in x: state up now, down when the step ran"),
    (BARE, [namespace.add("x")], [veth.add("a", peer="b", peer_namespace="x")], "x now holds b, lo, not lo"),
    (BARE, [namespace.add("x")], [namespace.remove("x")], "x is gone"),
    (WIRED, [link.down("v-net-0")], [link.up("v-net-0")], "up v-net-0 is True now, False when the step ran"),
    (WIRED, [link.down("v-net-0")], [bridge.remove("v-net-0")], "v-net-0 is gone"),
    (WIRED, [forwarding.off()], [forwarding.on()], "is True now, False when the step ran"),
    (WIRED, [link.change(END, mtu=1400)], [link.change(END, mtu=1300)], f"mtu {END} is 1300 now, 1400 when the step ran"),
    (WIRED, [address.add("10.9.0.1/24", "v-net-0")], [address.remove("10.9.0.1/24", "v-net-0")], "10.9.0.1/24 is False now"),
    (WIRED, [route.add("10.9.0.0/24", via="192.168.1.12")], [route.remove("10.9.0.0/24")], "route 10.9.0.0/24 is none now"),
]


@pytest.mark.parametrize(("before", "steps", "by_hand", "words"), BY_HAND)
def test_undo_is_refused_where_somebody_changed_the_same_thing(before, steps, by_hand, words):
    kept = entry(before, *steps)
    now = {"node1": world.do(kept.after["node1"], *by_hand)}
    with pytest.raises(UndoRefused) as refusal:
        kept.refuse_if_changed(now)
    assert words in str(refusal.value)
    assert str(refusal.value).startswith("node1: ")
    assert "nothing was changed" in str(refusal.value)


@pytest.mark.parametrize(
    ("steps", "by_hand", "words"),
    [
        ([bridge.add("br0"), veth.plug(END, into="br0")], [veth.unplug(END)], END),
        ([veth.unplug(END)], [veth.plug(END, into="v-net-0")], END),
        ([neighbour.add("10.244.1.1", MAC, CABLE, POD)], [neighbour.remove("10.244.1.1", CABLE, POD)], "10.244.1.1"),
    ],
)
def test_what_was_unplugged_or_forgotten_is_not_said_to_be_gone(steps, by_hand, words):
    kept = Entry({"node1": steps[-1:]}, {"node1": WIRED}, {"node1": world.do(WIRED, *steps)})
    with pytest.raises(UndoRefused) as refusal:
        kept.refuse_if_changed({"node1": world.do(kept.after["node1"], *by_hand)})
    assert words in str(refusal.value)
    assert f"{END} is gone" not in str(refusal.value)
    assert f"{CABLE} is gone" not in str(refusal.value)
    assert "there again" not in str(refusal.value)


def test_what_somebody_did_elsewhere_does_not_stop_undo():
    kept = entry(WIRED, bridge.add("br0"))
    kept.refuse_if_changed({"node1": world.do(kept.after["node1"], bridge.add("br1"), link.down("eth0"))})


def test_an_undo_that_left_something_says_what():
    kept = entry(WIRED, link.change(END, mtu=1400))
    with pytest.raises(UndoRefused, match="node1: taken back, but mtu veth-1-2-br is 1400 now, 1500"):
        kept.refuse_if_left(kept.after)
