"""Flannel's data plane on a real kernel, held against what `ip`, `bridge` and `nft` say: what flanneld programs, object by object."""

import json
import re
import shlex
import sys

import pytest

from live.helpers import everything, stable
from live.vxlan_sniffer import sniffed
from podnet_lab import Lab
from podnet_lab.errors import LabError
from podnet_lab.networks import registry
from podnet_lab.networks.flannel import names

pytestmark = pytest.mark.nft

NODES = {1: "node1", 2: "node2", 3: "node3"}


@pytest.fixture(scope="module")
def tunnelled():
    with Lab.open(name="flannel", network="flannel", pods=3) as lab:
        yield lab


@pytest.fixture
def lab(tunnelled):
    tunnelled.goto("done")
    return tunnelled


@pytest.fixture(scope="module")
def routed():
    with Lab.open(name="flannel-host-gw", network="flannel-host-gw", pods=3) as lab:
        lab.goto("done")
        yield lab


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
        assert re.search(rf"vxlan id 1 local 192\.168\.1\.1{n} dev eth0 .*dstport 8472 nolearning", said)
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
    routes = {tuple(row[:3]) for row in listed(routed["node1"], "ip route show") if row[1] == "via"}
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


@pytest.mark.parametrize("language", RUN)
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


WRONG = {
    "vxlan": ("ip link set flannel.1 down", "node2's tunnel is up"),
    "peers": (
        "ip neigh replace 10.244.1.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent",
        "node2 knows the tunnel of node1: the MAC of 10.244.1.0",
    ),
    "veth": (
        "for one in $(ls /sys/class/net/cni0/brif); do ip link set $one type bridge_slave hairpin off; done",
        "pod-2-2's port is a hairpin",
    ),
    "bridge": ("ip link set cni0 mtu 1500", "node2's bridge has an MTU of 1450"),
    "way-out": ("ip -n pod-2-3 route del 10.244.0.0/16", "pod-2-3 has a route to 10.244.0.0/16 to its bridge"),
    "rules": ("nft flush chain ip flannel-ipv4 forward", "node2 has Flannel's rules"),
}


@pytest.mark.parametrize("stage", WRONG)
def test_a_check_says_what_is_wrong(lab, stage):
    command, claim = WRONG[stage]
    assert lab.check(stage)
    lab["node2"].shell(command)
    assert lab.check(stage).first_failure.claim == claim


IN_THE_TUNNEL = {
    "no forwarding entry": ("node1", "bridge fdb flush dev flannel.1", "node1", "and has no entry for that"),
    "a forwarding entry for another node": (
        "node1",
        "bridge fdb replace $(cat /run/mac2) dev flannel.1 dst 192.168.1.13 self permanent",
        "node1",
        "and sends it to 192.168.1.13",
    ),
    "no neighbour": ("node1", "ip neigh del 10.244.2.0 dev flannel.1", "node1", "has no neighbour entry for 10.244.2.0"),
    "a wrong neighbour": (
        "node1",
        "ip neigh replace 10.244.2.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent",
        "node1",
        "has a MAC for 10.244.2.0 that is no longer its own",
    ),
    "the other end is down": ("node2", "ip link set flannel.1 down", "node2", "flannel.1 in node2 is down"),
    "another number": (
        "node2",
        "mac=$(cat /sys/class/net/flannel.1/address); ip link del flannel.1; ip link add flannel.1 address $mac type vxlan id 2 "
        "local 192.168.1.12 dev eth0 dstport 8472 nolearning; ip link set flannel.1 up; ip addr add 10.244.2.0/32 dev flannel.1",
        "node1",
        "node1's tunnel flannel.1 has the vni 1, and node2's flannel.1 the vni 2",
    ),
    "its packets are dropped": (
        "node2",
        "nft add table ip x; nft 'add chain ip x i { type filter hook input priority 0 ; }'; nft add rule ip x i udp dport 8472 drop",
        "node2",
        "firewall drops it",
    ),
    "an address that is not its own": (
        "node1",
        "ip link set flannel.1 type vxlan local 192.0.2.77",
        "node1",
        "is to send from 192.0.2.77, which node1 does not have",
    ),
    "no route": ("node1", "ip route del 10.244.2.0/24", "node1", "10.244.2"),
}


BY_HAND = {"another number", "its packets are dropped", "an address that is not its own"}
"""What no step mends."""


@pytest.mark.parametrize("what", IN_THE_TUNNEL)
def test_what_is_wrong_in_the_tunnel_is_told(lab, what):
    node, command, place, words = IN_THE_TUNNEL[what]
    lab["node1"].shell(f"echo {names.tunnel_mac(lab.plan['node2'])} > /run/mac2")
    lab[node].shell(command)
    assert not lab.ping("pod-1-2", "pod-2-2", patience=0.3)
    found = lab.explain("pod-1-2", "pod-2-2", probe=False)
    assert found.cause, found
    assert words in found.cause
    assert found.cause.place == (place, None)
    for _ in range(3):
        if not found.repair:
            break
        lab.run(found.repair)
        found = lab.explain("pod-1-2", "pod-2-2")
    assert bool(found) is (what not in BY_HAND), found
    assert bool(lab.ping("pod-1-2", "pod-2-2")) is (what not in BY_HAND)


def test_what_is_broken_on_purpose_cuts_somebody_off_here_too(lab):
    with pytest.raises(
        LabError, match="'the default route is missing' can't be made here: it would keep nobody from anybody in this network"
    ):
        lab.break_something(fault="the default route is missing")
    assert lab.broken is None
    assert lab.check()
    lab.break_something(fault="the node's MTU is too small")
    source, target = lab.broken.pair
    found = lab.explain(source, target, size=1400)
    assert "has an MTU of 1000" in str(found.cause)
    assert not lab.trace(source, target, size=1400)
    assert lab.give_up()
    assert lab.trace(source, target, size=1400)


def test_a_new_pod_wants_its_bridge_first(tunnelled):
    tunnelled.goto("bridge")
    with pytest.raises(LabError, match="the stage 'bridge' makes it"):
        tunnelled.add_pod("node1")


def test_both_backends_are_found_by_name():
    assert {"flannel", "flannel-host-gw"} <= set(registry.names())
