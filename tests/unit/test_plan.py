from ipaddress import IPv4Interface, IPv4Network

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from podnet_lab.errors import BadInput
from podnet_lab.plan import EXTERNAL, MAX_NODES, MAX_PODS, OUTSIDE, Node, Plan, interface_address, ip_address, plan, subnet
from podnet_lab.valid_names import MAX_NAME, interface_name, namespace_name, present_interface, present_namespace, within


def node(name="node1", external="192.168.1.11/24", pods="10.244.1.0/24", **more):
    return Node(name, IPv4Interface(external), IPv4Network(pods), **more)


def test_the_plan_is_the_lessons():
    lesson = plan()
    assert [str(one.external) for one in lesson.nodes] == ["192.168.1.11/24", "192.168.1.12/24", "192.168.1.13/24"]
    assert [str(one.gateway) for one in lesson.nodes] == ["10.244.1.1/24", "10.244.2.1/24", "10.244.3.1/24"]
    assert [one.bridge for one in lesson.nodes] == ["v-net-0"] * 3
    assert [pod.name for pod in lesson.pods()] == ["pod-1-2", "pod-1-3", "pod-2-2", "pod-2-3", "pod-3-2", "pod-3-3"]


def test_names_carry_the_address():
    pod = plan()["node1"].pod(2)
    assert (pod.name, pod.node, str(pod.address), str(pod.ip)) == ("pod-1-2", "node1", "10.244.1.2/24", "10.244.1.2")
    assert (pod.veth, pod.bridge_end) == ("veth-1-2", "veth-1-2-br")


def test_the_longest_name_just_fits():
    pod = node(pods="10.244.255.0/24").pod(254)
    assert pod.bridge_end == "veth-255-254-br"
    assert len(pod.bridge_end) == MAX_NAME
    assert interface_name(pod.bridge_end) == pod.bridge_end


@settings(max_examples=25)
@given(st.integers(1, MAX_NODES), st.integers(0, 9))
@example(3, MAX_PODS)
@example(MAX_NODES, 1)
def test_every_legal_plan_has_unique_names_and_addresses(nodes, pods):
    made = plan(nodes, pods)
    everyone = made.pods()
    assert len(everyone) == nodes * pods
    addresses = [pod.ip for pod in everyone] + [one.gateway.ip for one in made.nodes] + [one.external.ip for one in made.nodes]
    assert len({*addresses, OUTSIDE.ip}) == len(addresses) + 1
    names = [name for pod in everyone for name in (pod.veth, pod.bridge_end)]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= MAX_NAME for name in names)
    assert len({pod.name for pod in everyone}) == len(everyone)
    assert all(pod.ip in made[pod.node].subnet for pod in everyone)
    assert all(one.external.ip in EXTERNAL for one in made.nodes)


@settings(max_examples=40)
@given(st.integers(1, MAX_NODES), st.integers(2, MAX_PODS + 1))
def test_a_pods_number_and_its_address_lead_to_each_other(n, host):
    one = plan(MAX_NODES, 0)[f"node{n}"]
    assert one.pod_at(one.pod(host).ip) == one.pod(host)


def test_a_node_has_room_for_253_pods():
    assert node().capacity == MAX_PODS == len(node().pods(MAX_PODS))
    assert str(node().pods(MAX_PODS)[-1].ip) == "10.244.1.254"


@pytest.mark.parametrize("name", ["v-net-0", "eth0", "a" * 15, "br_1.2", "x@y"])
def test_a_name_that_the_kernel_takes_is_given_back(name):
    assert interface_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a" * 16, "é" * 8, "a/b", "/", ".", "..", "a b", "a\tb", "a\n", "a:1", "-a", "a%d", "all", "default", "a\0b", "\udc80", None, 7],
)
def test_a_name_that_no_interface_can_have_is_refused(name):
    with pytest.raises(BadInput):
        interface_name(name)


@pytest.mark.parametrize("name", ["a", "é", "$(id)", "a;b", r"v\xff.x", r"a\\b", r"\x01" * 15, r"e\x1b[31m"])
def test_the_name_of_an_interface_that_is_there_is_given_back(name):
    assert present_interface(name) == name


@pytest.mark.parametrize(("name", "shown"), [("v\udcff.x", r"v\xff.x"), ("e\x1b[31m", r"e\x1b[31m")])
def test_a_name_as_python_reads_it_is_taken_too(name, shown):
    assert present_interface(name) == present_namespace(name) == within(name) == shown


@pytest.mark.parametrize(
    "name", ["", "a" * 16, r"\x01" * 16, "a/b", ".", "..", "a b", r"a\x0ab", r"a\x2fb", "a:1", "-a", "all", "a\0b", "\ud800", None, 7]
)
def test_the_name_of_no_interface_that_could_be_there_is_refused(name):
    with pytest.raises(BadInput):
        present_interface(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", r"\x2e\x2e\x2fb", "x" * 256, "a\0", "\ud800", None, 7])
def test_the_name_of_no_namespace_that_could_be_there_is_refused(name):
    with pytest.raises(BadInput):
        present_namespace(name)


@pytest.mark.parametrize("name", ["pod-1-2", "a", "web.1", "x" * 200, "_", "A+b@c"])
def test_a_name_that_a_namespace_can_have_is_given_back(name):
    assert namespace_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "-a", "a b", "a\n", "$(id)", "a;b", "x" * 201, "é", None, 7])
def test_a_name_that_no_namespace_can_have_is_refused(name):
    with pytest.raises(BadInput):
        namespace_name(name)


def test_an_address_keeps_its_prefix_length():
    assert interface_address("10.244.1.1/24") == IPv4Interface("10.244.1.1/24") == interface_address(IPv4Interface("10.244.1.1/24"))
    assert str(interface_address("10.0.0.0/31")) == "10.0.0.0/31"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.244.1.1", "needs a prefix length"),
        ("10.244.1.0/24", "network address of 10.244.1.0/24"),
        ("10.244.1.255/24", "broadcast address of 10.244.1.0/24"),
        ("224.0.0.9/24", "is a multicast address"),
        ("255.255.255.255/32", "is the broadcast address of every network"),
        ("10.244.1.256/24", "not an IPv4 address"),
        ("10.244.1.1/33", "not an IPv4 address"),
        ("fd00::1/64", "not an IPv4 address"),
        ("", "needs a prefix length"),
        (7, "needs a prefix length"),
        (None, "needs a prefix length"),
    ],
)
def test_an_address_that_no_interface_can_have_is_refused(text, words):
    with pytest.raises(BadInput, match=words):
        interface_address(text)


@pytest.mark.parametrize("text", ["10.244.1", "10.244.1.1/24", "fd00::1", "default", "", None, 5, True])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BadInput):
        ip_address(text)


@pytest.mark.parametrize("text", ["10.244.1.1/24", "10.244.1.0/33", "fd00::/64", "", "nonsense", None, 5])
def test_what_is_no_subnet_is_refused(text):
    with pytest.raises(BadInput):
        subnet(text)


@pytest.mark.parametrize(
    "bad", [(0, 2), (MAX_NODES + 1, 2), (3, -1), (3, MAX_PODS + 1), ("3", 2), (3, 2.0), (True, 2), (3, True), (None, 2)]
)
def test_a_plan_with_no_room_is_refused(bad):
    with pytest.raises(BadInput):
        plan(*bad)


@pytest.mark.parametrize("host", [-1, 0, 1, 255, 256])
def test_the_network_the_bridge_and_broadcast_are_no_pods(host):
    with pytest.raises(BadInput, match=r"Pod addresses \.2 to \.254"):
        node().pod(host)


@pytest.mark.parametrize("address", ["10.244.1.0", "10.244.1.1", "10.244.1.255", "10.244.2.2", "nonsense"])
def test_a_pod_outside_its_subnet_or_at_a_kept_address_is_refused(address):
    with pytest.raises(BadInput):
        node().pod_at(address)


def test_an_unknown_node_is_refused_with_those_there_are():
    with pytest.raises(BadInput, match="no node is called 'node9'; there are node1, node2, node3"):
        plan()["node9"]


NODE2 = {"name": "node2", "external": "192.168.1.12/24", "pods": "10.244.2.0/24"}


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ({"name": "node1"}, "node name node1 is there twice"),
        ({"external": "192.168.1.11/24"}, "192.168.1.11 is there twice"),
        ({"pods": "10.244.1.0/24"}, "overlaps"),
        ({"pods": "10.244.0.0/16"}, "overlaps"),
        ({"pods": "10.244.1.128/25"}, "overlaps"),
        ({"pods": "192.168.1.0/28", "external": "192.168.1.200/24"}, "192.168.1.11"),
        ({"pods": "10.1.1.0/24"}, "pod-1-2"),
        ({"external": "192.168.1.5/24"}, "outside"),
        ({"name": "outside"}, "outside"),
    ],
)
def test_two_nodes_that_get_in_each_others_way_are_refused(difference, words):
    with pytest.raises(BadInput, match=words):
        Plan((node(), node(**(NODE2 | difference))))


def test_a_node_inside_its_own_pods_subnet_is_refused():
    with pytest.raises(BadInput, match="lies inside"):
        node(external="10.244.1.11/24")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "node1//python=reboot", "$(reboot)", "x" * 201])
def test_a_node_that_no_host_can_be_called_is_refused(name):
    with pytest.raises(BadInput):
        node(name)


def test_a_node_whose_bridge_has_no_possible_name_is_refused():
    with pytest.raises(BadInput):
        node(bridge="a" * 16)


def test_an_empty_cluster_and_one_with_more_pods_than_room_are_refused():
    with pytest.raises(BadInput, match="at least one node"):
        Plan(())
    with pytest.raises(BadInput, match="room for 1"):
        Plan((node(pods="10.244.1.0/30"),), 2)
    assert [pod.name for pod in Plan((node(pods="10.244.1.0/30"),), 1).pods()] == ["pod-1-2"]


def test_a_plan_knows_the_interfaces_between_its_nodes():
    lesson = plan(2, 1)
    assert [one.uplink for one in lesson.nodes] == ["eth0", "eth0"]
    assert [one.uplink for one in lesson.with_uplinks({"node2": "enp0s8", "node9": "x"}).nodes] == ["eth0", "enp0s8"]
    with pytest.raises(BadInput):
        lesson.with_uplinks({"node2": "a name too long"})
