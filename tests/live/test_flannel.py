"""Flannel's data plane on a real kernel, held against what `ip`, `bridge` and `nft` say: what flanneld programs, object by object."""

import json
import re
import shlex
import sys

import pytest

from live.helpers import UPLINK, VMS, everything, stable
from live.vxlan_sniffer import sniffed
from podnet_lab import Lab
from podnet_lab.errors import LabError
from podnet_lab.networks import registry
from podnet_lab.networks.flannel import names

pytestmark = pytest.mark.nft

NODES = {1: "node1", 2: "node2", 3: "node3"}


@pytest.fixture(scope="module")
def opened():
    """Opens a lab of a network, once for all; the VMs are one lab, so that there the other is closed before."""
    labs = {}

    def opened(network):
        for other in [*labs] if VMS else ():
            if other != network:
                labs.pop(other).close()
        if network not in labs:
            labs[network] = Lab.open(name=network, network=network, pods=3)
        return labs[network]

    yield opened
    for lab in labs.values():
        lab.close()


@pytest.fixture
def tunnelled(opened):
    return opened("flannel")


@pytest.fixture
def lab(tunnelled):
    tunnelled.goto("done")
    return tunnelled


@pytest.fixture
def routed(opened):
    lab = opened("flannel-host-gw")
    lab.goto("done")
    return lab


def words(node, command):
    return node.shell(command).split()


def listed(node, command):
    return [line.split() for line in node.shell(command).splitlines()]


@pytest.mark.parametrize("name", ["tunnelled", "routed"])
def test_every_pod_reaches_every_other_one_stage_after_stage(request, name):
    lab = request.getfixturevalue(name)
    lab.reset()
    for stage in lab.network.stage_names:
        assert not lab.check(stage), stage
        lab.run({node.name: lab.network.steps(stage, lab.plan[node.name], lab.plan) for node in lab})
        assert lab.check(stage).require()
    exam = lab.check()
    assert exam, exam
    assert (exam.matrix.reached, len(exam.matrix)) == (72, 72)
    assert all(lab.check(stage) for stage in lab.network.stage_names)
    made = lab.add_pod("node2")
    assert lab.ping(made.pod.name, "pod-3-2")
    assert lab.check("veth")
    lab.remove_pod(made.pod.name)
    assert lab.explain("pod-1-2", "pod-3-2")


def test_fl1_and_fl2_the_tunnel(lab):
    for n, name in NODES.items():
        said = lab[name].shell("ip -d -o link show dev flannel.1")
        assert re.search(rf"vxlan id 1 local 192\.168\.1\.1{n} dev {UPLINK} .*dstport 8472 nolearning", said)
        assert " mtu 1450 " in said
        assert [row[3] for row in listed(lab[name], "ip -o -4 addr show dev flannel.1")] == [f"10.244.{n}.0/32"]


def test_fl3_to_fl6_routes_neighbours_and_forwarding_entries(lab):
    macs = {n: words(lab[name], "cat /sys/class/net/flannel.1/address")[0] for n, name in NODES.items()}
    assert len(set(macs.values())) == 3
    assert lab.check().matrix  # after traffic: nothing is learnt
    for n, name in NODES.items():
        others = [other for other in NODES if other != n]
        routes = {tuple(row) for row in listed(lab[name], "ip route show dev flannel.1")}
        assert routes == {(f"10.244.{other}.0/24", "via", f"10.244.{other}.0", "onlink") for other in others}
        near = {tuple(row) for row in listed(lab[name], "ip neigh show dev flannel.1")}
        assert near == {(f"10.244.{other}.0", "lladdr", macs[other], "PERMANENT") for other in others}
        table = {tuple(row) for row in listed(lab[name], "bridge fdb show dev flannel.1")}
        assert table == {(macs[other], "dst", f"192.168.1.1{other}", "self", "permanent") for other in others}


def test_fl7_and_fl8_the_bridge_its_ports_and_what_a_pod_sees(lab):
    for n, name in NODES.items():
        (bridge,) = json.loads(lab[name].shell("ip -j -4 addr show dev cni0"))
        assert (bridge["mtu"], [f"{one['local']}/{one['prefixlen']}" for one in bridge["addr_info"]]) == (1450, [f"10.244.{n}.1/24"])
        ports = re.findall(r"^\d+: (\w+)@", lab[name].shell("bridge link show"), re.MULTILINE)
        assert len(ports) == 3
        assert all(re.fullmatch(r"veth[0-9a-f]{8}", port) for port in ports)
        assert lab[name].shell("bridge -d link show").count("hairpin on") == 3
        pod = f"pod-{n}-2"
        routes = {tuple(row[:3]) for row in listed(lab[name], f"ip -n {pod} route show")}
        gateway = f"10.244.{n}.1"
        assert routes == {("default", "via", gateway), ("10.244.0.0/16", "via", gateway), (f"10.244.{n}.0/24", "dev", "eth0")}
        assert " mtu 1450 " in lab[name].shell(f"ip -n {pod} -o link show dev eth0")


def test_the_bridges_mac_does_not_follow_its_ports(lab):
    for name in NODES.values():
        before = words(lab[name], "cat /sys/class/net/cni0/address")
        lab[name].shell("ip link add zz type veth peer name zy; ip link set zz address 00:00:00:00:00:01; ip link set zz master cni0")
        assert words(lab[name], "cat /sys/class/net/cni0/address") == before
        assert before[0] == names.bridge_mac(lab.plan[name])


def test_fl10_and_fl11_what_is_on_the_wire(lab):
    mac = {n: words(lab[name], "cat /sys/class/net/flannel.1/address")[0] for n, name in NODES.items()}
    seen = sniffed(lab, "node2", "pod-1-2", "pod-2-2", 84)
    outer = ["148", "8472", "8", "1", "192.168.1.11", "192.168.1.12"]
    assert seen == [*outer, mac[1], mac[2], "10.244.1.2", "10.244.2.2", "63"], "VNI 1, the tunnels' MACs, the Pods' own addresses"
    trace = lab.trace("pod-1-2", "pod-2-2")
    assert [hop.seen.frame.ttl for hop in trace.way("there")][-1] == 62 == lab.network.facts.ttl
    assert lab.trace("pod-1-2", "pod-2-2", size=lab.network.facts.mtu)
    near = lab.trace("pod-1-2", "pod-1-3")
    assert [hop.seen.frame.ttl for hop in near.way("there")][-1] == 64


def test_the_facts_of_host_gw_are_what_is_measured(routed):
    assert [hop.seen.frame.ttl for hop in routed.trace("pod-1-2", "pod-2-2").way("there")][-1] == routed.network.facts.ttl
    assert routed.trace("pod-1-2", "pod-2-2", size=1500)
    routes = {tuple(row[:3]) for row in listed(routed["node1"], f"ip route show dev {UPLINK}") if row[1] == "via"}
    assert routes == {("10.244.2.0/24", "via", "192.168.1.12"), ("10.244.3.0/24", "via", "192.168.1.13")}
    assert "flannel.1" not in routed["node1"].shell("ip -o link")


def test_rules_mask_what_leaves_and_nothing_else(lab):
    """The host outside sees the node's address; Pods see each other's own, and nodes the Pods'."""
    lab.serve("outside", 8000)
    assert str(lab.ask("pod-1-2", "192.168.1.5:8000")).endswith("saw 192.168.1.11")
    lab.serve("pod-2-2", 8080)
    assert str(lab.ask("pod-1-2", "10.244.2.2:8080")).endswith("saw 10.244.1.2")
    said = lab["node2"].shell("nft -s list table ip flannel-ipv4")
    bodies = re.findall(r"chain (\w+) \{(.*?)\n\t\}", said, re.DOTALL)
    chains = {name: [line.strip() for line in body.splitlines()[1:] if "hook" not in line] for name, body in bodies}
    assert [rule.split()[-1] for rule in chains["forward"] if rule] == ["accept", "accept"]
    assert [rule.split()[-1] for rule in chains["postrtg"] if rule] == [*["return"] * 4, *["fully-random"] * 2]


RUN = {"shell": "bash -e -s", "pyroute2": f"{shlex.quote(sys.executable)} -"}
NO_PYROUTE2 = pytest.mark.skipif(VMS, reason="pyroute2 is on node1 alone")


@pytest.mark.parametrize("language", ["shell", pytest.param("pyroute2", marks=NO_PYROUTE2)])
def test_its_script_rebuilds_it(lab, language):
    wanted = everything(lab)
    lab.reset()
    for node in lab:
        node.shell(f"{RUN[language]} {node.name} <<'END OF PROGRAM'\n{lab.script(language=language)}\nEND OF PROGRAM")
    assert everything(lab) == wanted
    assert lab.check()


def test_undo_brings_every_stage_back(tunnelled):
    tunnelled.reset()
    seen = [stable(tunnelled.snapshot())]
    for stage in tunnelled.network.stage_names:
        tunnelled.run({node.name: tunnelled.network.steps(stage, tunnelled.plan[node.name], tunnelled.plan) for node in tunnelled})
        seen.append(stable(tunnelled.snapshot()))
    for before in reversed(seen[:-1]):
        tunnelled.undo()
        assert stable(tunnelled.snapshot()) == before


def test_a_new_pod_wants_its_bridge_first(tunnelled):
    tunnelled.goto("bridge")
    with pytest.raises(LabError, match="the stage 'bridge' makes it"):
        tunnelled.add_pod("node1")


def test_both_backends_are_found_by_name():
    assert {"flannel", "flannel-host-gw"} <= set(registry.names())


@pytest.mark.parametrize(("name", "mtu"), [("tunnelled", 1450), ("routed", 1500)])
def test_fl13_what_flanneld_and_host_local_write(request, name, mtu):
    lab, folder = request.getfixturevalue(name), "/var/lib/cni/networks/cbr0"
    lab.goto("done")
    for n, node in NODES.items():
        env = lab[node].shell("cat /run/flannel/subnet.env").splitlines()
        own = f"FLANNEL_SUBNET=10.244.{n}.1/24"
        assert env == ["FLANNEL_NETWORK=10.244.0.0/16", own, f"FLANNEL_MTU={mtu}", "FLANNEL_IPMASQ=true"]
        held = {f"10.244.{n}.{host}": f"pod-{n}-{host}\r\neth0" for host in (2, 3, 4)} | {"last_reserved_ip.0": f"10.244.{n}.4"}
        assert lab[node].shell(f"ls {folder}").split() == sorted(held)
        for file, content in held.items():
            assert lab[node].snapshot().files[f"{folder}/{file}"] == content
    made = lab.add_pod("node2").pod
    assert lab["node2"].snapshot().files[f"{folder}/last_reserved_ip.0"] == str(made.address.ip)
    assert lab["node2"].snapshot().files[f"{folder}/{made.address.ip}"] == f"{made.name}\r\neth0"
    lab.remove_pod(made.name)
    assert f"{folder}/{made.address.ip}" not in lab["node2"].snapshot().files
    lab.undo()
    assert f"{folder}/{made.address.ip}" in lab["node2"].snapshot().files
