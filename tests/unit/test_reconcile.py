from ipaddress import IPv4Interface, IPv4Network

import pytest
import world
from hypothesis import given, settings
from hypothesis import strategies as st

from podnet_lab import recipes
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.model import Neighbour
from podnet_lab.plan import plan
from podnet_lab.recipes.reconcile import MOST_PASSES, restore
from podnet_lab.steps import address, forwarding, namespace, neighbour, route

PLAN = plan(2, 2)
NODE = PLAN["node1"]
BARE = world.bare()
WIRED = world.wired(PLAN)["node1"]
POD, END, CABLE = "pod-1-2", "veth-1-2-br", "veth-1-2"
MAC = "02:00:00:00:00:99"

POOL = [
    *recipes.pod(NODE.pod(2), NODE),
    *recipes.stage("bridge", NODE, PLAN),
    bridge.add("br0"),
    veth.add(CABLE, peer=END),
    veth.move(CABLE, to=POD),
    veth.move(CABLE, to=None, namespace=POD),
    veth.plug(END, into="br0"),
    veth.unplug(END),
    veth.add("a", peer="b", peer_namespace=POD),
    link.up("br0"),
    link.down("v-net-0"),
    link.down(CABLE, namespace=POD),
    link.down(END),
    link.down("eth0"),
    link.up("eth0"),
    link.change(CABLE, POD, mtu=1400, arp=False),
    link.remove(END),
    bridge.remove("v-net-0"),
    namespace.remove(POD),
    namespace.add("other"),
    address.add("10.244.1.77/24", dev=CABLE, namespace=POD),
    address.remove("10.244.1.2/24", dev=CABLE, namespace=POD),
    address.remove(NODE.gateway, dev="v-net-0"),
    address.add("172.16.0.1/16", dev="br0"),
    route.add("10.244.2.0/24", via="192.168.1.12"),
    route.add("10.244.2.0/24", dev="eth0"),
    route.blackhole("10.244.2.0/24"),
    route.remove("default", namespace=POD),
    route.remove("10.244.1.0/24", dev="v-net-0"),
    forwarding.on(),
    forwarding.on(POD),
    forwarding.setting("eth0", "forwarding", 1),
    forwarding.setting("v-net-0", "rp_filter", 1),
    neighbour.add("10.244.1.1", MAC, dev=CABLE, namespace=POD),
]


def worlds():
    """Nodes as they are after any steps that the kernel takes."""

    def after(steps):
        now = BARE
        for step in steps:
            try:
                now = world.do(now, step)
            except OSError:
                continue
        return now

    return st.one_of(st.just(WIRED), st.lists(st.sampled_from(POOL), max_size=20).map(after))


@settings(max_examples=100)
@given(worlds())
def test_where_nothing_differs_there_is_nothing_to_do(one):
    assert restore(one, one) == []


@settings(max_examples=400)
@given(worlds(), worlds())
def test_any_node_comes_back_to_any_other_in_a_few_looks(now, then):
    back = world.bring_back(now, then, restore, MOST_PASSES)
    assert restore(back, then) == []
    assert world.plain(back) == world.plain(then)


def came_back(now, then=WIRED):
    return world.plain(world.bring_back(now, then, restore, MOST_PASSES)) == world.plain(then)


def commands(now, then=WIRED):
    return [step.command for step in restore(now, then)]


def test_a_wired_node_goes_back_to_bare_by_removals_only():
    words = commands(WIRED, BARE)
    assert words[:3] == ["ip link del v-net-0", f"ip link del {END}", "ip link del veth-1-3-br"]
    assert not [line for line in words if " add " in line]
    assert came_back(WIRED, BARE)


def test_a_bare_node_comes_back_to_wired():
    assert came_back(BARE)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([namespace.add("extra")], ["ip netns del extra"]),
        ([bridge.add("br0")], ["ip link del br0"]),
        ([veth.add("a", peer="b")], ["ip link del dev a"]),
        ([veth.add("a", peer="b", peer_namespace=POD)], ["ip link del dev a"]),
        ([address.add("10.9.0.1/24", dev="v-net-0")], ["ip addr del 10.9.0.1/24 dev v-net-0"]),
        ([address.remove("10.244.1.2/24", CABLE, POD)], None),
        ([route.add("10.9.0.0/24", via="192.168.1.12")], ["ip route del 10.9.0.0/24 via 192.168.1.12 dev eth0"]),
        ([route.blackhole("10.9.0.0/24")], ["ip route del blackhole 10.9.0.0/24"]),
        ([route.remove("default", namespace=POD)], [f"ip -n {POD} route add default via 10.244.1.1 dev {CABLE}"]),
        ([link.change(CABLE, POD, mtu=1400)], [f"ip -n {POD} link set dev {CABLE} mtu 1500"]),
        ([link.change(END, mac=MAC)], None),
        ([bridge.add("br0"), veth.plug(END, into="br0")], ["ip link del br0", f"ip link set {END} master v-net-0"]),
        ([veth.unplug(END)], [f"ip link set {END} master v-net-0"]),
        ([link.down("v-net-0")], ["ip link set dev v-net-0 up"]),
        ([link.down("eth0")], None),
        ([forwarding.off()], ["sysctl -w net.ipv4.ip_forward=1"]),
        ([forwarding.setting("eth0", "rp_filter", 1)], ["sysctl -w net/ipv4/conf/eth0/rp_filter=0"]),
        ([neighbour.add("10.244.1.1", MAC, CABLE, POD)], [f"ip -n {POD} neigh del 10.244.1.1 dev {CABLE}"]),
        ([veth.move(CABLE, to="pod-1-3", namespace=POD)], None),
        ([veth.move(CABLE, to=None, namespace=POD)], None),
        ([namespace.remove(POD)], None),
        ([bridge.remove("v-net-0")], None),
        ([link.remove(END), bridge.add(END)], None),
        ([link.remove(END), veth.add(CABLE, peer=END)], None),
    ],
)
def test_whatever_was_done_by_hand_is_taken_back(changes, expected):
    now = world.do(WIRED, *changes)
    assert restore(now, WIRED)
    if expected is not None:
        assert commands(now) == expected
    assert came_back(now)


def test_a_moved_cable_is_made_anew_between_the_right_ends():
    now = world.do(WIRED, veth.move(CABLE, to="pod-1-3", namespace=POD))
    words = commands(now)
    assert f"ip link del {END}" in words
    assert f"ip link add {END} type veth peer name {CABLE} netns {POD}" in words


def test_a_route_of_the_kernels_that_was_deleted_by_hand_is_gone_again():
    then = world.do(BARE, bridge.add("v-net-0"), link.up("v-net-0"), address.add("10.244.1.1/24", dev="v-net-0"))
    then = world.do(then, route.remove("10.244.1.0/24", dev="v-net-0"))
    assert came_back(WIRED, then)


def test_a_cable_between_two_pods_comes_back():
    then = world.do(WIRED, veth.add("a", peer="b", peer_namespace=POD), veth.move("a", to="pod-1-3"))
    assert then.link("pod-1-3", "a").peer == (POD, "b")
    assert came_back(WIRED, then)
    assert came_back(then, WIRED)


def test_a_kernels_own_route_that_was_deleted_by_hand_comes_back_with_its_address():
    now = world.do(WIRED, route.remove("10.244.1.0/24", dev=CABLE, namespace=POD))
    assert commands(now)[:2] == [f"ip -n {POD} addr del 10.244.1.2/24 dev {CABLE}", f"ip -n {POD} addr add 10.244.1.2/24 dev {CABLE}"]
    assert came_back(now)


def test_the_loopbacks_own_address_comes_back_when_it_was_deleted():
    now = world.do(WIRED, address.remove("127.0.0.1/8", dev="lo", namespace=POD))
    back = world.bring_back(now, WIRED, restore, MOST_PASSES)
    assert back.spaces[POD].addresses_of("lo") == (IPv4Interface("127.0.0.1/8"),)


def test_learnt_neighbours_and_what_the_kernel_made_are_left_alone():
    learnt = Neighbour(world.ip("10.244.1.3"), CABLE, MAC, "REACHABLE")
    assert restore(world.with_space(WIRED, POD, neighbours=(learnt,)), WIRED) == []
    assert restore(world.with_link(WIRED, None, END, carrier=True), WIRED) == []
    assert IPv4Network("10.244.1.0/24") not in {one.to for one in restore(BARE, WIRED) if hasattr(one, "to")}
