from dataclasses import replace
from ipaddress import IPv4Interface

import pytest
import world

from podnet_lab.checks.check import Check, Checks
from podnet_lab.checks.unique_addresses import unique_addresses
from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.roles import bridge_of
from podnet_lab.devices.veth import steps as veth
from podnet_lab.errors import BadInput, CheckFailed
from podnet_lab.model import DEFAULT, Address, Route
from podnet_lab.model.route_lookup import lookup_route
from podnet_lab.networks.static_routes.network import NETWORK
from podnet_lab.plan import plan
from podnet_lab.steps import address, forwarding, namespace, route

PLAN = plan(2, 2)
LESSON = world.wired(PLAN)
FOREIGN = world.foreign()
STAGES = ("namespaces", "bridge", "veth", "addr", "route")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("cluster", [LESSON, FOREIGN], ids=["the lesson's", "somebody else's"])
def test_a_wired_cluster_passes_whoever_wired_it(cluster, stage):
    for node in cluster.values():
        assert NETWORK.checks(stage, node, cluster, pods=2)
    assert unique_addresses(cluster)


@pytest.mark.parametrize("number", range(5))
def test_a_stage_fails_before_its_steps_and_passes_after(number):
    before, after = world.staged(PLAN, STAGES[number]), world.staged(PLAN, (*STAGES, "done")[number + 1])
    for name in before:
        assert not NETWORK.checks(STAGES[number], before[name], before, pods=2)
        assert NETWORK.checks(STAGES[number], after[name], after, pods=2)
        with pytest.raises(CheckFailed):
            NETWORK.checks(STAGES[number], before[name], before, pods=2).require()


# (stage, what breaks the foreign cluster's host1, the first failure)
BREAKS = [
    ("namespaces", [namespace.remove("con11")], "FAIL  host1 has 2 Pod namespaces or more: it has con12"),
    ("namespaces", [namespace.remove("con11"), namespace.remove("con12")], "FAIL  host1 has 2 Pod namespaces or more: it has none"),
    ("bridge", [bridge.remove("br0")], "FAIL  host1 has a bridge: it has none"),
    ("bridge", [link.down("br0")], "FAIL  host1's bridge is up: br0 is down"),
    ("bridge", [address.remove("172.16.1.254/24", dev="br0")], "FAIL  host1's bridge has an address: br0 has none"),
    ("veth", [link.remove("vb1")], "FAIL  con11 has a cable: it has no veth interface"),
    ("veth", [veth.unplug("vb1")], "FAIL  con11's cable is plugged into host1's bridge: vb1 is not plugged into anything"),
    (
        "veth",
        [bridge.add("aaa"), bridge.add("br9"), veth.plug("vb1", into="br9"), veth.add("x", peer="y"), veth.plug("x", into="br0")],
        "FAIL  con11's cable is plugged into host1's bridge: vb1 is plugged into br9",
    ),
    ("veth", [veth.move("vb1", to="con12")], "FAIL  con11's cable is plugged into host1's bridge: the other end of eth0 is not on host1"),
    (
        "addr",
        [address.remove("172.16.1.1/24", dev="eth0", namespace="con11")],
        "FAIL  con11 has an address in its bridge's subnet: it has no address",
    ),
    (
        "addr",
        [address.remove("172.16.1.1/24", dev="eth0", namespace="con11"), address.add("172.17.0.1/24", dev="eth0", namespace="con11")],
        "FAIL  con11 has an address in its bridge's subnet: it has 172.17.0.1/24",
    ),
    (
        "addr",
        [address.add("172.16.1.2/24", dev="eth0", namespace="con11")],
        "FAIL  con11's address is its own: con12 has it, too",
    ),
    ("addr", [link.down("eth0", namespace="con11")], "FAIL  con11's cable is up at both ends: eth0 is down"),
    ("addr", [link.down("vb1")], "FAIL  con11's cable is up at both ends: vb1 is down"),
    ("addr", [link.down("vb1"), link.down("eth0", "con11")], "FAIL  con11's cable is up at both ends: vb1 and eth0 are down"),
    ("addr", [link.down("lo", namespace="con11")], "FAIL  con11's loopback is up: lo is down"),
    ("addr", [link.remove("vb1")], "FAIL  con11 has a cable: it has no veth interface"),
    ("route", [route.remove("default", namespace="con11")], "FAIL  con11 has a default route to its bridge: it has no default route"),
    (
        "route",
        [route.remove("default", namespace="con11"), route.add("default", via="172.16.1.2", namespace="con11")],
        "FAIL  con11 has a default route to its bridge: it has default via 172.16.1.2 dev eth0",
    ),
    ("route", [forwarding.off()], "FAIL  host1 forwards: net.ipv4.ip_forward is 0"),
    (
        "route",
        [route.add("172.16.2.1/32", via="10.0.0.77")],
        "FAIL  host1 knows the way to host2's Pods: its route to 172.16.2.1 is 172.16.2.1/32 via 10.0.0.77 dev eth0, which is not host2",
    ),
    ("route", [route.remove("172.16.2.0/24")], "FAIL  host1 knows the way to host2's Pods: it has no route to 172.16.2.1"),
]


@pytest.mark.parametrize(("stage", "steps", "words"), BREAKS)
def test_each_check_fails_where_its_thing_is_broken_and_says_what(stage, steps, words):
    broken = world.change(FOREIGN, "host1", *steps)
    found = NETWORK.checks(stage, broken["host1"], broken, pods=2)
    assert not found
    assert str(found.first_failure) == words
    with pytest.raises(CheckFailed) as failure:
        found.require()
    assert str(failure.value) == words


@pytest.mark.parametrize("stage", ["veth", "addr", "route"])
def test_a_node_without_pods_fails_rather_than_passing_unchecked(stage):
    bare = {"node1": world.bare()}
    assert str(NETWORK.checks(stage, bare["node1"], bare).first_failure) == "FAIL  node1 has 1 Pod namespace or more: it has none"


def test_no_checks_are_no_success():
    assert not Checks()
    assert str(Checks()) == "nothing was checked"
    with pytest.raises(CheckFailed, match="nothing was checked"):
        Checks().require()
    good = Checks([Check("a")])
    assert good.require() is good
    assert not Checks([Check("a"), Check("b", "no")])
    assert str(Checks([Check("a"), Check("b", "no")])) == "ok    a\nFAIL  b: no"


def test_an_unknown_stage_is_refused():
    with pytest.raises(BadInput, match="'done' is after all stages"):
        NETWORK.checks("done", LESSON["node1"], LESSON)


def with_address(cluster, node, pod, interface):
    space = cluster[node].spaces[pod]
    dev = next(iter(set(space.links) - {"lo", "br0", "v-net-0", "vb1", "vb2"}))
    return {**cluster, node: world.with_space(cluster[node], pod, addresses=(*space.addresses, Address(dev, IPv4Interface(interface))))}


@pytest.mark.parametrize(
    ("node", "pod", "interface", "words"),
    [
        ("host2", "con21", "172.16.1.1/24", "172.16.1.1 belongs to con11 on host1 and to con21 on host2"),
        ("host2", "con21", "172.16.1.254/24", "172.16.1.254 belongs to host1 and to con21 on host2"),
        ("host2", "con21", "10.0.0.1/8", "10.0.0.1 belongs to host1 and to con21 on host2"),
        ("host1", "con12", "172.16.1.1/32", "172.16.1.1 belongs to con11 on host1 and to con12 on host1"),
    ],
)
def test_a_pods_address_is_nobody_elses(node, pod, interface, words):
    assert unique_addresses(with_address(FOREIGN, node, pod, interface)).problem == words


def test_addresses_that_no_pod_has_do_not_matter_to_the_rule():
    management = with_address(with_address(FOREIGN, "host1", None, "10.0.2.15/24"), "host2", None, "10.0.2.15/24")
    assert unique_addresses(management)  # every VirtualBox VM has this one


def test_an_address_that_one_pod_has_twice_is_still_its_own():
    both = world.do(FOREIGN["host1"], address.add("172.16.1.1/32", dev="lo", namespace="con11"))
    assert unique_addresses({**FOREIGN, "host1": both})


def test_a_pod_without_an_address_and_a_cluster_without_pods_break_the_rule():
    bare = world.change(FOREIGN, "host1", address.remove("172.16.1.1/24", dev="eth0", namespace="con11"))
    assert unique_addresses(bare).problem == "con11 on host1 has none"
    assert unique_addresses({"node1": world.bare()}).problem == "there is no Pod"


def test_the_bridge_is_the_one_that_cables_are_plugged_into():
    busy = world.do(FOREIGN["host1"], bridge.add("aaa"), bridge.add("zzz"))
    assert bridge_of(busy).name == "br0"
    assert bridge_of(world.bare()) is None


def test_a_lookup_takes_the_longest_prefix_then_the_lowest_metric():
    space = FOREIGN["host1"].own
    default = Route(DEFAULT, world.ip("10.0.0.9"), "eth0", metric=100)
    better, elsewhere = replace(default, metric=50, via=world.ip("10.0.0.8")), Route(DEFAULT, table=100)
    more = replace(space, routes=(*space.routes, default, elsewhere, better))
    assert lookup_route(space, world.ip("8.8.8.8")).route is None
    assert lookup_route(more, world.ip("8.8.8.8")).route is better
    assert str(lookup_route(more, world.ip("172.16.2.1")).route) == "172.16.2.0/24 via 10.0.0.2 dev eth0"
    assert lookup_route(more, world.ip("172.16.1.1")).route.kernel
