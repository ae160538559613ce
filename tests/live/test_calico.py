"""Calico's data plane on a real kernel, held against what `ip`, `bridge`, `sysctl` and `birdc` say: checks CA1 to CA14 of its reference."""

import json
import re
import shlex
import sys
from hashlib import sha1

import pytest

from live.helpers import UPLINK, VMS, everything, stable, until
from podnet_lab import Lab
from podnet_lab.networks import registry
from podnet_lab.networks.calico import control_plane, names

pytestmark = pytest.mark.nft

NODES = {1: "node1", 2: "node2", 3: "node3"}
NETWORKS = [pytest.param("calico", marks=pytest.mark.bird), "calico-vxlan"]
CONVERGED = 10.0
"""Seconds within which all BIRDs have told each other; some two are usual."""


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
            labs[network].reset()  # VMs may have the other's network still, which checks find whole
        return labs[network]

    yield opened
    for lab in labs.values():
        lab.close()


@pytest.fixture(params=NETWORKS)
def lab(request, opened):
    lab = opened(request.param)
    if not lab.check():  # what the last test has left whole need not be wired again
        lab.goto("done")
    return lab


@pytest.fixture
def tunnelled(opened):
    lab = opened("calico-vxlan")
    lab.goto("done")
    return lab


def lines(node, command):
    return [line.split() for line in node.shell(command).splitlines()]


def cali(pod):
    """As in libcalico-go's workload_endpoint_default.go."""
    return f"cali{sha1(f'default.{pod}'.encode(), usedforsecurity=False).hexdigest()[:11]}"


def wired_stage_after_stage_and_undone(lab):
    """Each stage makes itself true, all pairs reach each other at the end, and undo brings each stage back."""
    lab.reset()
    seen = [stable(lab.snapshot())]
    for stage in lab.network.stage_names:
        assert not lab.check(stage), stage
        lab.run({node.name: lab.network.steps(stage, lab.plan[node.name], lab.plan) for node in lab})
        assert lab.check(stage).require()
        seen.append(stable(lab.snapshot()))
    exam = lab.check()
    assert exam, exam
    assert (exam.matrix.reached, len(exam.matrix)) == (72, 72)
    assert all(lab.check(stage) for stage in lab.network.stage_names)
    assert lab.explain("pod-1-2", "pod-3-2")
    for before in reversed(seen[:-1]):
        lab.undo()
        until(lambda before=before: stable(lab.snapshot()) == before, 2)


def test_every_pod_reaches_every_other_one_stage_after_stage_and_undo_brings_each_back(lab):
    wired_stage_after_stage_and_undone(lab)


def test_one_more_pod_is_no_news_to_other_nodes_and_comes_back_by_undo(lab):
    others = [lab[name].snapshot().own.routes for name in ("node1", "node3")]
    made = lab.add_pod("node2").pod
    assert lab.ping(made.name, "pod-3-2")
    assert lab.check("pod-routes")
    assert [lab[name].snapshot().own.routes for name in ("node1", "node3")] == others
    lab.remove_pod(made.name)
    lab.undo()
    assert lab.ping("pod-1-2", made.name)
    assert lab.check("veth"), "with the MACs that the node goes by"
    lab.remove_pod(made.name)


def test_a_pod_that_comes_before_the_rules_has_no_entry_in_them(lab):
    lab.goto("rules")
    made = lab.add_pod("node2").pod
    assert lab.ping(made.name, "pod-3-2")
    lab.remove_pod(made.name)
    lab.goto("done")


def test_ca1_to_ca5_cables_settings_and_what_a_pod_sees(lab):
    assert cali("pod1") == "calice0906292e2", "the reference's own example"
    assert not re.search(r"(?m)^\d+: \S+ .* bridge", lab["node1"].shell("ip -d -o link"))
    for n, name in NODES.items():
        for host in (2, 3, 4):
            pod, dev, ip = f"pod-{n}-{host}", cali(f"pod-{n}-{host}"), f"10.244.{n}.{host}"
            (link,) = json.loads(lab[name].shell(f"ip -j addr show dev {dev}"))
            assert (link["address"], link.get("master"), [one for one in link["addr_info"] if one["family"] == "inet"]) == (
                "ee:ee:ee:ee:ee:ee",
                None,
                [],
            )
            assert link["mtu"] == lab.network.facts.mtu
            keys = [f"net/ipv4/{path}" for path in (f"conf/{dev}/proxy_arp", f"neigh/{dev}/proxy_delay", f"conf/{dev}/route_localnet")]
            assert lab[name].shell(f"sysctl -n {' '.join(keys)} net/ipv4/conf/{dev}/forwarding").split() == ["1", "0", "1", "1"]
            (own,) = json.loads(lab[name].shell(f"ip -n {pod} -j -4 addr show dev eth0"))
            assert [f"{one['local']}/{one['prefixlen']}" for one in own["addr_info"]] == [f"{ip}/32"]
            routes = {tuple(row[:5]) for row in lines(lab[name], f"ip -n {pod} route")}
            assert routes == {("default", "via", "169.254.1.1", "dev", "eth0"), ("169.254.1.1", "dev", "eth0", "scope", "link")}
            lab[name].shell(f"ip netns exec {pod} bash -c 'echo > /dev/udp/10.244.1.1/9'")  # it asks for its gateway
            near = f"ip -n {pod} neigh show 169.254.1.1"
            until(lambda name=name, near=near: "dev eth0 lladdr ee:ee:ee:ee:ee:ee" in lab[name].shell(near), 3)
            assert lines(lab[name], f"ip route get {ip}")[0][:3] == [ip, "dev", dev]
            assert lines(lab[name], f"ip route show {ip}")[0][3:5] == ["scope", "link"]


def test_ca6_and_ca7_blocks(lab):
    for n, name in NODES.items():
        routes = {" ".join(row) for row in lines(lab[name], "ip route") if "/26" in row[0] or row[0] == "blackhole"}
        maker = "bird" if lab.network.name == "calico" else "80"
        wanted = {f"blackhole 10.244.{n}.0/26 proto {maker}"}
        for other in set(NODES) - {n}:
            way = f"192.168.1.1{other} dev {UPLINK} proto bird" if maker == "bird" else f"10.244.{other}.0 dev vxlan.calico onlink"
            wanted.add(f"10.244.{other}.0/26 via {way}")
        assert routes == wanted


def test_ca8_and_ca9_the_tunnel(tunnelled):
    macs = {1: "66:f9:37:c3:7e:94", 2: "66:2d:bf:44:a6:8b", 3: "66:a4:6f:e0:c4:da"}  # the reference's own
    assert tunnelled.check().matrix  # after traffic: nothing is learnt
    for n, name in NODES.items():
        said = tunnelled[name].shell("ip -d -o link show dev vxlan.calico")
        assert re.search(rf"vxlan id 4096 local 192\.168\.1\.1{n} dev {UPLINK} .*dstport 4789 nolearning", said)
        assert " mtu 1450 " in said
        assert macs[n] in said
        assert [row[3] for row in lines(tunnelled[name], "ip -o -4 addr show dev vxlan.calico")] == [f"10.244.{n}.0/32"]
        others = [other for other in NODES if other != n]
        near = {tuple(row) for row in lines(tunnelled[name], "ip neigh show dev vxlan.calico")}
        assert near == {(f"10.244.{other}.0", "lladdr", macs[other], "PERMANENT") for other in others}
        table = {tuple(row) for row in lines(tunnelled[name], "bridge fdb show dev vxlan.calico")}
        assert table == {(macs[other], "dst", f"192.168.1.1{other}", "self", "permanent") for other in others}


def test_ca11_what_leaves_the_pods_range_is_masked_and_nothing_else(lab):
    lab.serve("outside", 8000)
    assert str(lab.ask("pod-1-2", "192.168.1.5:8000")).endswith("saw 192.168.1.11")
    lab.serve("pod-2-2", 8080)
    assert str(lab.ask("pod-1-2", "10.244.2.2:8080")).endswith("saw 10.244.1.2")


@pytest.mark.parametrize("direction", ["from", "to"])
def test_ca12_what_no_entry_knows_is_dropped_from_a_pod_and_to_it(lab, direction):
    node, chain, end = lab["node1"], f"{direction}-wl-dispatch", cali("pod-1-2")
    node.shell(f"nft delete element ip calico {chain} {{ {end} }}")
    handle = re.search(r"drop # handle (\d+)", node.shell(f"nft -a list chain ip calico {chain}"))[1]
    node.shell(f"nft replace rule ip calico {chain} handle {handle} counter drop")
    seen = 0
    for source, target in (("pod-1-2", "pod-2-2"), ("pod-1-2", "pod-1-3")):
        assert lab.ping(source, target, expect=False, patience=0.3)
        dropped = int(re.search(r"counter packets (\d+)", node.shell(f"nft list chain ip calico {chain}"))[1])
        assert dropped > seen
        seen = dropped
    assert lab.ping("pod-1-3", "pod-2-2")
    lab.goto("done")
    assert lab.ping("pod-1-2", "pod-2-2")
    node.shell(f"nft delete element ip calico {chain} {{ {end} }}")
    cause = lab.explain("pod-1-2", "pod-2-2").cause
    assert f"{chain} has no entry for {end}" in cause
    assert cause.hints[2] == f"node1# nft 'add element ip calico {chain} {{ {end} : return }}'"
    node.shell(cause.hints[2].removeprefix("node1# "))
    assert lab.check()


DROPPED = "nft insert rule ip calico raw-PREROUTING iifname 'cali*' fib saddr . iif oif missing counter"


def test_ca13_a_pod_that_lies_about_its_address_is_not_heard(lab):
    node = lab["node1"]
    node.shell(f"ip -n pod-1-2 addr add 10.244.2.99/32 dev eth0; {DROPPED}")
    sent = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.244.2.99', 0)); s.sendto(b'x', ('10.244.3.2', 9))"
    )
    node.shell(f"ip netns exec pod-1-2 python3 -c {shlex.quote(sent)}")
    counted = lambda: int(re.search(r"counter packets (\d+)", node.shell("nft list table ip calico"))[1])  # noqa: E731
    until(lambda: counted() == 1, 2)
    lab.goto("done")


def test_ca14_an_address_of_a_block_that_no_pod_has_goes_nowhere(lab):
    node = lab["node1"]
    assert "Invalid argument" in node.shell("ip route get 10.244.1.60 2>&1 || true")
    found = lab.explain("node1", "10.244.1.60")
    assert "blackhole" in str(found.cause)
    trace = lab.trace("pod-2-2", "10.244.1.60", patience=0.3)
    assert not trace
    assert {hop.seen.node for hop in trace.way("there")} == {"node1", "node2"}
    assert [(hop.seen.node, hop.seen.dev) for hop in trace.way("there")][-1] in {("node1", "vxlan.calico"), ("node1", UPLINK)}


def test_its_facts_are_what_is_measured(lab):
    facts = lab.network.facts
    assert [hop.seen.frame.ttl for hop in lab.trace("pod-1-2", "pod-2-2").way("there")][-1] == facts.ttl == 62
    assert [hop.seen.frame.ttl for hop in lab.trace("pod-1-2", "pod-1-3").way("there")][-1] == 63, "even on one node it is routed"
    assert lab.trace("pod-1-2", "pod-2-2", size=facts.mtu)
    wire = [hop.seen.length for hop in lab.trace("pod-1-2", "pod-2-2", size=84).way("there") if hop.seen.namespace is None]
    assert max(wire) == 98 + facts.overhead


def test_a_node_without_a_default_route_does_not_answer_for_the_gateway(lab):
    node = lab["node1"]
    node.shell("ip route del default dev $(ip -o -4 addr show to 192.168.1.11 | awk '{print $2}'); ip -n pod-1-2 neigh flush dev eth0")
    if VMS:  # there is another way out
        lab.goto("done")
        pytest.skip("a VM has a default route of its own")
    assert not lab.ping("pod-1-2", "pod-1-3", patience=0.3)
    found = lab.explain("pod-1-2", "pod-1-3")
    assert "not even a default route" in found.cause
    lab.run(found.repair)
    assert lab.ping("pod-1-2", "pod-1-3")
    assert lab.check("proxy-arp")


RUN = {"shell": "bash -e -s", "pyroute2": f"{shlex.quote(sys.executable)} -"}
NO_PYROUTE2 = pytest.mark.skipif(VMS, reason="pyroute2 is on node1 alone")


@pytest.mark.parametrize("language", ["shell", pytest.param("pyroute2", marks=NO_PYROUTE2)])
def test_its_script_rebuilds_it(lab, language):
    wanted = everything(lab)
    lab.reset()
    for node in lab:
        node.shell(f"{RUN[language]} {node.name} <<'END OF PROGRAM'\n{lab.script(language=language)}\nEND OF PROGRAM")
    until(lambda: everything(lab) == wanted, CONVERGED)
    assert lab.check()


def test_felix_over_etcd_writes_what_the_stage_peers_does(tunnelled):
    lab = tunnelled
    wanted = everything(lab)
    lab.goto("peers")
    lab.run(control_plane.start_etcd(lab.plan))
    lab.run(control_plane.start_agents(lab.plan))
    until(lambda: lab.check("peers"), CONVERGED)
    rules = {node.name: lab.network.steps("rules", lab.plan[node.name], lab.plan) for node in lab}
    lab.run(rules)
    assert everything(lab) == wanted, "but for what runs"
    assert lab.check()
    end = control_plane.agent(lab.plan["node3"], lab.plan["node1"])
    lab["node3"].shell(f"kill $(cat {end.folder}/pid)")
    assert lab.check("peers"), "a node that is silent is not forgotten: keys have no lease"
    lab["node1"].shell(control_plane.forget("node3"))
    until(lambda: "10.244.3.0/26" not in lab["node2"].shell("ip route"), 3)
    assert "10.244.3.0" not in lab["node2"].shell("ip neigh show dev vxlan.calico")


def test_a_plan_takes_so_many_blocks_as_its_pods_need():
    network = registry.find("calico")
    for pods, subnet, blocks in ((3, "10.244.1.0/26", 1), (61, "10.244.1.0/26", 1), (62, "10.244.1.0/25", 2), (110, "10.244.1.0/25", 2)):
        node = network.plan(3, pods).nodes[0]
        assert (str(node.subnet), len(names.blocks(node))) == (subnet, blocks)
    assert len(names.blocks(network.plan(3, 250).nodes[0])) == 4
