"""Pods that come and go: addresses by what the kernel says, and limits with clear words."""

from ipaddress import IPv4Interface, IPv4Network

import pytest

from live.helpers import everything, stable
from podnet_lab import Lab, Plan, bridge, errors, link, recipes, veth
from podnet_lab.plan import Node

BY_HAND = """
set -e
ip netns add web
ip link add web-br type veth peer name eth0 netns web
ip link set web-br master v-net-0 up
ip -n web addr add {address}/24 dev eth0
ip -n web link set eth0 up
ip -n web route add default via 10.244.1.1
"""
PORTS = 1023


@pytest.fixture(scope="module")
def whole(small_running):
    """A wired cluster, for what must not change it."""
    small_running.build()
    return small_running


def test_the_lowest_free_address(wired):
    added = wired.add_pod("node1")
    assert (added.pod.name, str(added.pod.ip)) == ("pod-1-4", "10.244.1.4")
    assert wired.add_pod("node1").pod.name == "pod-1-5"
    wired.remove_pod("pod-1-3")
    assert wired.add_pod("node1").pod.name == "pod-1-3"
    assert wired.add_pod("node2").pod.name == "pod-2-4"
    assert wired.check().matrix.reached == 9 * 8


def test_what_a_hand_gave_is_taken(wired):
    wired["node1"].shell(BY_HAND.format(address="10.244.1.4"))
    assert wired.add_pod("node1").pod.name == "pod-1-5"
    wired["node3"].shell("ip addr add 10.244.1.6/32 dev lo")
    assert wired.add_pod("node1").pod.name == "pod-1-7"
    wired["node1"].shell("ip netns del web; ip link del web-br 2>/dev/null || true")
    assert wired.add_pod("node1").pod.name == "pod-1-4"


def test_names_that_a_hand_took_are_passed_over(wired):
    wired["node1"].shell("ip netns add pod-1-4; ip link add veth-1-5-br type bridge")
    assert wired.add_pod("node1").pod.name == "pod-1-6"


@pytest.mark.parametrize("address", ["10.244.1.2", "10.244.1.1", "10.244.1.0", "10.244.1.255", "10.244.2.9", "x", "10.244.1.9/24"])
def test_an_address_that_can_not_be(whole, address):
    before = everything(whole)
    with pytest.raises(errors.BadInput):
        whole.add_pod("node1", address)
    assert everything(whole) == before


def test_an_address_of_ones_choice(wired):
    assert wired.add_pod("node1", "10.244.1.200").pod.name == "pod-1-200"
    with pytest.raises(errors.BadInput, match="pod-1-200"):
        wired.add_pod("node1", "10.244.1.200")
    assert wired.ping("pod-1-200", "pod-3-3")


@pytest.mark.parametrize("node", ["outside", "node9", ""])
def test_a_node_that_has_no_pods(whole, node):
    with pytest.raises(errors.BadInput):
        whole.add_pod(node)


def test_without_a_bridge(lab):
    with pytest.raises(errors.LabError, match="bridge"):
        lab.add_pod("node1")
    lab["node1"].run(bridge.add("v-net-0"))
    with pytest.raises(errors.LabError, match=r"10\.244\.1\.1/24"):
        lab.add_pod("node1")
    assert list(lab["node1"].snapshot().spaces) == [None]


def test_removing(wired):
    for name in ("pod-9-9", "node1", "", "v-net-0"):
        with pytest.raises(errors.BadInput, match="no node has a Pod"):
            wired.remove_pod(name)
    wired["node1"].shell("ip netns add twin")
    wired["node2"].shell("ip netns add twin")
    with pytest.raises(errors.BadInput, match="node1 and node2"):
        wired.remove_pod("twin")
    wired.remove_pod("pod-1-2")
    now = wired["node1"].snapshot()
    assert "pod-1-2" not in now.spaces
    assert "veth-1-2-br" not in now.own.links


def test_removing_one_that_a_hand_made_and_a_process_holds(wired):
    wired["node1"].shell(BY_HAND.format(address="10.244.1.9") + "setsid -f ip netns exec web sleep 30 <&- >&- 2>&-")
    wired.remove_pod("web")
    assert "web-br" not in wired["node1"].snapshot().own.links
    assert wired.add_pod("node1", "10.244.1.9")
    assert wired.check()


def test_a_small_subnet_runs_out():
    nodes = tuple(
        Node(f"n{n}", IPv4Interface(f"192.168.1.{10 + n}/24"), IPv4Network(f"10.5.{n}.{start}/29")) for n, start in ((1, 0), (2, 248))
    )
    with Lab.open(plan=Plan(nodes, pods_per_node=3), name="slash-29", where="namespaces") as lab:
        lab.build()
        assert [lab.add_pod("n2").pod.name for _ in range(2)] == ["pod-2-253", "pod-2-254"]
        before = everything(lab)
        with pytest.raises(errors.BadInput, match="no free address left; 5 Pods fit"):
            lab.add_pod("n2")
        assert everything(lab) == before
        lab.remove_pod("pod-2-251")
        assert lab.add_pod("n2").pod.name == "pod-2-251"
        assert lab.check().matrix.reached == 8 * 7


def test_another_bridges_name(lab):
    """The Pod is plugged into the bridge that is there, whatever it is called."""
    lab["node1"].shell("ip link add br0 type bridge; ip link set br0 up; ip addr add 10.244.1.1/24 dev br0")
    lab.add_pod("node1")
    assert lab["node1"].snapshot().own.links["veth-1-2-br"].master == "br0"


def test_the_1024th_port_of_a_bridge():
    with Lab.open(nodes=1, pods=0, name="ports", where="namespaces") as lab:
        node = lab["node1"]
        node.run(*recipes.stage("bridge", lab.plan["node1"], lab.plan), link.down("v-net-0"))
        cables = (PORTS + 1) // 2
        ends = [end for n in range(cables) for end in (f"a{n}", f"b{n}")]
        node.run(*(veth.add(f"a{n}", peer=f"b{n}") for n in range(cables)))
        result = node.run(*(veth.plug(end, into="v-net-0") for end in ends[:PORTS]))
        assert result.changed
        before = stable(node.snapshot())
        with pytest.raises(errors.StepFailed, match="Exchange full") as caught:
            node.run(veth.plug(ends[PORTS], into="v-net-0"))
        assert "1,023" in caught.value.question
        with pytest.raises(errors.StepFailed, match="Exchange full"):
            lab.add_pod("node1")
        assert stable(node.snapshot()) == before
        assert len(node.snapshot().own.ports_of("v-net-0")) == PORTS
