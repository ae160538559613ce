"""What the CNI plugin wires, in each Pod network, without a kernel."""

import pytest

from podnet_lab import link, vxlan
from podnet_lab.cni.call import is_interface_name
from podnet_lab.cni.wiring import about, node_end
from podnet_lab.networks import registry
from podnet_lab.networks.bridged import BridgedNetwork
from podnet_lab.plan import Node, Pod, plan


def test_a_cables_end_on_the_node_follows_from_whose_it_is_and_fits():
    ends = {node_end("pod", container, ifname) for container in ("web", "db", "a" * 64) for ifname in ("eth0", "net1")}
    assert len(ends) == 6
    assert all(len(end) == 15 and is_interface_name(end) for end in ends)
    assert node_end("pod", "web", "eth0") == "podf92296c170d3", "who removes it may be a later version of this program"
    assert node_end("cali", "web", "eth0") == "calif92296c170d"


@pytest.mark.parametrize("name", registry.names())
def test_every_network_wires_a_pod_whose_cable_has_the_runtimes_names(name):
    network = registry.find(name)
    planned = network.plan(1, 1).nodes[0]
    pod = planned.pods(1)[0]
    given = Pod("web", pod.node, pod.address, ("net7", "podabc"))
    made = {interface for step in network.pod(given, planned) for group in step.makes() for interface in group}
    assert made == {("web", "net7"), (None, "podabc")}
    touched = {fact[2] for step in network.pod(given, planned) for fact in step.touches() if fact[0] == "address"}
    assert touched == {"net7"}


@pytest.mark.parametrize("name", registry.names())
def test_a_pod_on_a_bridge_is_about_two_interfaces_of_its_node_and_one_look_at_them_shows_all_that_is_judged(name):
    network = registry.find(name)
    planned = network.plan(1, 1).nodes[0]
    given = Pod("web", planned.name, planned.pods(1)[0].address, ("net7", "podabc"))
    asked = about([*network.first_steps(planned), *network.pod(given, planned)])
    if not isinstance(network, BridgedNetwork):
        assert asked is None, "Calico's rules are looked at, too"
        return
    own, pods = asked
    assert own.links == {"podabc", planned.bridge}
    assert "conf" in own.kinds  # forwarding
    assert pods.links is None
    assert {"address", "route"} <= pods.kinds


def test_steps_about_more_than_interfaces_have_the_whole_node_looked_at():
    assert about([vxlan.fdb_append("02:00:00:00:00:02", "192.168.1.12", dev="flannel.1")]) is None
    own, pods = about([link.up("a"), link.up("b", namespace="web")])
    assert (own.links, own.kinds) == ({"a"}, {"up"})
    assert pods.kinds == {"up", "address", "route"}, "a link takes addresses and routes along when it goes down"


@pytest.mark.parametrize("name", registry.names())
def test_what_a_node_has_before_its_first_pod_is_part_of_what_all_stages_make(name):
    network = registry.find(name)
    wanted: Node = network.plan(2, 1).nodes[0]
    facts = {fact for step in network.node(wanted, network.plan(2, 1)) for fact in step.touches()}
    first = {fact for step in network.first_steps(wanted) for fact in step.touches()}
    assert first
    assert first <= facts
    assert plan(1, 1).nodes[0].gateway.ip == wanted.gateway.ip
