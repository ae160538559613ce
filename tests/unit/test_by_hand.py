"""What a person would have typed, without a kernel: the commands lead there, in an order in which each is taken."""

import world

from podnet_lab import address, bridge, link, namespace, route, veth
from podnet_lab.plan import plan
from podnet_lab.recipes.by_hand import by_hand

PLAN = plan(3, 2)
BARE = world.bare_node(PLAN.nodes[0])
WIRED = world.wired(PLAN)["node1"]


def typed(before, after):
    """The commands for one node; taking them leads there, and their undo back."""
    said = by_hand({"node1": before}, {"node1": after})
    there = world.do(before, *said.steps.get("node1", ()))
    assert world.plain(there) == world.plain(after)
    assert world.plain(world.do(there, *said.undo.get("node1", ()))) == world.plain(before)
    assert said.unsaid == ()
    return [one.step.command for one in said.typed]


def test_a_wired_node():
    words = typed(BARE, WIRED)
    assert words[0] == "ip netns add pod-1-2"
    assert "ip link add veth-1-2-br type veth peer name veth-1-2 netns pod-1-2" in words
    assert "ip route add 10.244.2.0/24 via 192.168.1.12" in words
    assert not [line for line in words if "127.0.0.1" in line or "10.244.1.0/24" in line], "the kernel does that by itself"
    assert typed(WIRED, BARE)


def test_nothing_where_nothing_differs():
    assert typed(WIRED, WIRED) == []


def test_a_cable_that_was_moved_is_moved():
    before = world.do(BARE, namespace.add("a"), veth.add("x", peer="y"))
    assert typed(before, world.do(before, veth.move("y", to="a"))) == ["ip link set y netns a"]


def test_what_goes_by_itself_is_not_typed_and_what_went_along_is():
    steps = [bridge.add("br0"), link.up("br0"), address.add("10.9.0.1/24", dev="br0"), address.add("10.9.0.2/24", dev="br0")]
    before = world.do(BARE, *steps, route.add("10.8.0.0/16", via="10.9.0.9"))
    after = world.do(before, address.remove("10.9.0.1/24", dev="br0"))
    assert typed(before, after) == ["ip addr del 10.9.0.1/24 dev br0"], "the second address goes with the first of its subnet"
    again = world.do(after, address.add("10.9.0.2/24", dev="br0"))
    assert typed(before, again) == ["ip addr del 10.9.0.1/24 dev br0", "ip addr add 10.9.0.2/24 dev br0"]


def test_what_no_step_makes_is_named():
    after = world.with_link(BARE, None, "eth0", aliases=("uplink",))
    said = by_hand({"node1": BARE}, {"node1": after})
    assert (bool(said), said.unsaid) == (False, ("node1: eth0 has other names or notes: uplink",))
