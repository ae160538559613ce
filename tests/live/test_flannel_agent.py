"""Flannel's control plane: leases in a real etcd, and an agent on each node that tells its kernel of them."""

import ast
import json
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from live.flannel_agents import AT_ONCE, ETCD, LONG, SHORT, SUBNETS, ask, begin, end, entries, expected, key_of, log, start
from live.helpers import everything, until
from podnet_lab import Lab, daemon
from podnet_lab.daemons import etcd
from podnet_lab.errors import StepFailed
from podnet_lab.networks.flannel import control_plane, names

pytestmark = [
    pytest.mark.nft,
    pytest.mark.etcd,
]


@pytest.fixture(scope="module")
def tunnelled():
    with Lab.open(name="agents", network="flannel", pods=3) as lab:
        yield lab


@pytest.fixture(scope="module")
def routed():
    with Lab.open(name="agents-host-gw", network="flannel-host-gw", pods=3) as lab:
        yield lab


@pytest.mark.parametrize("name", ["tunnelled", "routed"])
def test_agents_alone_make_what_is_made_by_hand(request, name):
    lab = request.getfixturevalue(name)
    lab.goto("done")
    by_hand = everything(lab)
    begin(lab)
    lab.run({node.name: lab.network.steps("rules", lab.plan[node.name], lab.plan) for node in lab})
    assert everything(lab) == by_hand
    exam = lab.check()
    assert exam, exam
    assert (exam.matrix.reached, len(exam.matrix)) == (72, 72)
    assert all(lab.check(stage) for stage in lab.network.stage_names)
    assert "runs etcd" in repr(lab.snapshot("node1"))
    assert all("runs flannel-agent" in repr(lab.snapshot(node.name)) for node in lab)


@pytest.mark.parametrize("name", ["tunnelled", "routed"])
def test_fl12_keys_and_values_are_flannelds(request, name):
    lab = begin(request.getfixturevalue(name))
    prefix = control_plane.SUBNETS_KEY
    found = ask(lab, "kv/range", key=etcd.coded(f"{prefix}/"), range_end=etcd.coded(f"{prefix}0"))["kvs"]
    assert [b64decode(kv["key"]).decode() for kv in found] == [f"{prefix}/10.244.{n}.0-24" for n in (1, 2, 3)]
    for n, kv in enumerate(found, 1):
        told = b64decode(kv["value"]).decode()
        if name == "routed":
            assert told == f'{{"PublicIP":"192.168.1.1{n}","PublicIPv6":null,"BackendType":"host-gw"}}'
        else:
            mac = lab[f"node{n}"].shell("cat /sys/class/net/flannel.1/address").strip()
            data = f'"BackendType":"vxlan","BackendData":{{"VNI":1,"VtepMAC":"{mac}"}}'
            assert told == f'{{"PublicIP":"192.168.1.1{n}","PublicIPv6":null,{data}}}'
        left = ask(lab, "lease/timetolive", ID=kv["lease"])
        assert left["grantedTTL"] == str(LONG)
        assert int(left["TTL"]) <= LONG


@pytest.mark.parametrize("name", ["tunnelled", "routed"])
def test_fl12_a_key_that_is_deleted_takes_its_nodes_entries_away(request, name):
    lab = begin(request.getfixturevalue(name))
    own = entries(lab, "node2")
    lab["node1"].shell(etcd.delete(key_of(lab, "node2")))
    until(lambda: entries(lab, "node1") == expected(lab, "node1", ["node3"]), AT_ONCE)
    until(lambda: entries(lab, "node3") == expected(lab, "node3", ["node1"]), AT_ONCE)
    until(lambda: "was taken away: this agent ends" in log(lab, "node2"))
    assert entries(lab, "node2") == own, "nobody told its kernel"
    assert not lab["node2"].snapshot().processes
    undone = [line for line in log(lab, "node1").splitlines() if " del " in line]
    assert [line.split()[1] for line in undone] == (["route", "fdb", "neigh"] if name == "tunnelled" else ["route"])
    start(lab, ["node2"])
    until(lambda: entries(lab, "node1") == expected(lab, "node1"), AT_ONCE)


def test_fl12_a_node_that_is_silent_is_forgotten_when_its_lease_ends(tunnelled):
    lasts = 3 * SHORT
    lab = begin(tunnelled, ttl=lasts)
    end(lab, "node2")
    assert entries(lab, "node1") == expected(lab, "node1"), "its lease goes on for a while"
    assert lab.ping("pod-1-2", "pod-2-2"), "and packets go"
    until(lambda: entries(lab, "node1") == expected(lab, "node1", ["node3"]), lasts + AT_ONCE)
    assert not lab.ping("pod-1-2", "pod-2-2", patience=0.3)
    until(lambda: entries(lab, "node3") == expected(lab, "node3", ["node1"]), AT_ONCE)
    assert lab.ping("pod-1-2", "pod-3-2")


def test_fl12_a_route_of_host_gw_comes_back(routed):
    lab = begin(routed)
    lab["node1"].shell("ip route del 10.244.2.0/24; ip route replace 10.244.3.0/24 via 192.168.1.12")
    assert entries(lab, "node1") != expected(lab, "node1")
    until(lambda: entries(lab, "node1") == expected(lab, "node1"), 10)


def test_an_entry_of_vxlan_does_not(tunnelled):
    """As with flanneld, which makes them on events alone; what is broken on purpose stays broken."""
    lab = begin(tunnelled)
    lab["node1"].shell("ip route del 10.244.2.0/24")
    kill_etcd(lab)
    lab["node1"].shell(daemon.start(etcd.server(ETCD)).command)
    until(lambda: "again in a second" in log(lab, "node1"), AT_ONCE)
    until(lambda: daemon.start(etcd.server(ETCD)).contradiction(lab["node1"].snapshot()) is None)
    lab["node1"].shell(etcd.put("/coreos.com/network/subnets/seen", "x"))
    until(lambda: "seen is skipped" in log(lab, "node1"), 2 * AT_ONCE, "a look at everything")
    assert entries(lab, "node1") == {line for line in expected(lab, "node1") if not line.startswith("10.244.2.0/24")}


def test_a_node_that_comes_late_gets_its_entries_and_gives_the_others_its_own(tunnelled):
    lab = begin(tunnelled, ["node1", "node2"])
    until(lambda: entries(lab, "node1") == expected(lab, "node1", ["node2"]), AT_ONCE)
    assert entries(lab, "node3") == set()
    start(lab, ["node3"])
    until(lambda: all(entries(lab, node) == expected(lab, node) for node in SUBNETS), AT_ONCE)
    assert lab.check("peers")


def test_a_tunnels_new_mac_is_told_by_an_agent_that_is_started_again(tunnelled):
    lab = begin(tunnelled)
    end(lab, "node2")
    lab["node2"].shell("ip link set flannel.1 down; ip link set flannel.1 address 02:00:00:00:00:22; ip link set flannel.1 up")
    assert not lab.check("peers")
    start(lab, ["node2"])
    until(lambda: all(entries(lab, node) == expected(lab, node) for node in SUBNETS), AT_ONCE)
    assert any("02:00:00:00:00:22" in line for line in entries(lab, "node1"))
    assert lab.check("peers")


def kill_etcd(lab):
    lab["node1"].shell(f"kill -9 $(cat {etcd.server(ETCD).folder}/pid)")
    until(lambda: not [process for process in lab["node1"].snapshot().processes if process.daemon == "etcd"])


def test_agents_outlive_etcd_and_take_away_what_went_meanwhile(tunnelled):
    lab = begin(tunnelled, ttl=SHORT)
    kill_etcd(lab)
    end(lab, "node3")
    until(lambda: "again in a second" in log(lab, "node1"), SHORT + AT_ONCE)
    assert entries(lab, "node1") == expected(lab, "node1"), "nobody knows better"
    lab["node1"].shell(daemon.start(etcd.server(ETCD)).command)
    until(lambda: entries(lab, "node1") == expected(lab, "node1", ["node2"]), 3 * SHORT + AT_ONCE)
    until(lambda: entries(lab, "node2") == expected(lab, "node2", ["node1"]), AT_ONCE)
    start(lab, ["node3"], ttl=SHORT)
    until(lambda: all(entries(lab, node) == expected(lab, node) for node in SUBNETS), 2 * AT_ONCE)


def test_an_etcd_that_has_lost_its_data_is_told_anew(tunnelled):
    lab = begin(tunnelled, ttl=SHORT)
    server = etcd.server(ETCD)
    lab["node1"].run(daemon.stop(server))
    end(lab, "node3")
    lab["node1"].run(daemon.start(server))
    until(lambda: "KeyError('/coreos.com/network/config')" in log(lab, "node2"), SHORT + AT_ONCE)
    lab["node1"].shell(control_plane.put_config())
    until(lambda: all(entries(lab, node) == expected(lab, node, ["node1", "node2"]) for node in ("node1", "node2")), SHORT + 2 * AT_ONCE)


WRONG = {
    "no JSON": ("10.244.9.0-24", "x"),
    "nothing": ("10.244.9.0-24", ""),
    "a list": ("10.244.9.0-24", "[]"),
    "another backend": ("10.244.9.0-24", '{"PublicIP":"192.168.1.19","BackendType":"wireguard","BackendData":{}}'),
    "no MAC": ("10.244.9.0-24", '{"PublicIP":"192.168.1.19","BackendType":"vxlan","BackendData":{"VtepMAC":"x dev eth0"}}'),
    "no address": ("10.244.9.0-24", '{"PublicIP":"a","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:09"}}'),
    "no subnet": ("10.244.9-24", '{"PublicIP":"192.168.1.19","BackendType":"vxlan"}'),
    "all addresses": (
        "0.0.0.0-0",
        '{"PublicIP":"192.168.1.19","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:09"}}',
    ),
}


def test_what_can_not_be_read_is_skipped_with_a_word(tunnelled):
    lab = begin(tunnelled)
    for name, value in WRONG.values():
        lab["node1"].shell(etcd.put(f"{control_plane.SUBNETS_KEY}/{name}", value))
    right = '{"PublicIP":"192.168.1.19","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:08"}}'
    lab["node1"].shell(etcd.put(f"{control_plane.SUBNETS_KEY}/10.244.8.0-24", right))
    more = {"10.244.8.0/24 via 10.244.8.0 dev flannel.1 onlink", "10.244.8.0 lladdr 02:00:00:00:00:08 PERMANENT"}
    more |= {"02:00:00:00:00:08 dst 192.168.1.19 self permanent"}
    for node in SUBNETS:
        until(lambda node=node: entries(lab, node) == expected(lab, node) | more, AT_ONCE)
        skipped = [line for line in log(lab, node).splitlines() if "is skipped" in line]
        assert {line.split()[0].rpartition("/")[2] for line in skipped} == {name for name, _ in WRONG.values()}
        assert "wireguard" in log(lab, node)


def test_a_subnet_that_another_one_has_is_not_taken(tunnelled):
    lab = begin(tunnelled, [])
    other = '{"PublicIP":"192.168.1.77","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:77"}}'
    lab["node1"].shell(etcd.put(key_of(lab, "node2"), other))
    agent = replace(control_plane.agent(lab.plan["node2"], lab.plan["node1"]), patience=1.0)
    with pytest.raises(StepFailed, match=r"not ready after 1 seconds: .*10\.244\.2\.0/24 belongs to .*192\.168\.1\.77"):
        lab["node2"].run(daemon.start(agent))
    assert "192.168.1.77" in b64decode(ask(lab, "kv/range", key=etcd.coded(key_of(lab, "node2")))["kvs"][0]["value"]).decode()


def test_without_a_config_it_says_what_is_missing(tunnelled):
    tunnelled.goto("peers")
    tunnelled.run(control_plane.start_etcd(tunnelled.plan))
    agent = replace(control_plane.agent(tunnelled.plan["node2"], tunnelled.plan["node1"]), patience=1.0)
    with pytest.raises(StepFailed, match=r"not ready after 1 seconds: .*/coreos\.com/network/config"):
        tunnelled["node2"].run(daemon.start(agent))
    assert not tunnelled["node2"].snapshot().processes


def test_fl13_it_writes_what_the_cni_plugin_reads(tunnelled, routed):
    for lab, mtu in ((begin(tunnelled), names.TUNNEL_MTU), (begin(routed), names.ETHERNET_MTU)):
        for node, subnet in SUBNETS.items():
            lines = lab[node].shell("cat /run/flannel/subnet.env").splitlines()
            own = subnet.replace(".0/24", ".1/24")
            assert lines == ["FLANNEL_NETWORK=10.244.0.0/16", f"FLANNEL_SUBNET={own}", f"FLANNEL_MTU={mtu}", "FLANNEL_IPMASQ=true"]


def test_it_ends_at_once_and_takes_nothing_back_as_flanneld_does(tunnelled):
    lab = begin(tunnelled)
    lab["node2"].shell("kill $(cat /run/podnet/flannel-agent/pid)")
    until(lambda: not lab["node2"].snapshot().processes, AT_ONCE)
    assert all(entries(lab, node) == expected(lab, node) for node in SUBNETS)
    assert "kvs" in ask(lab, "kv/range", key=etcd.coded(key_of(lab, "node2")))


def test_undo_ends_agents_and_etcd(tunnelled):
    lab = begin(tunnelled)
    lab.undo()
    assert all(not [one for one in lab[node].snapshot().processes if one.daemon != "etcd"] for node in SUBNETS)
    lab.undo()
    assert not lab["node1"].snapshot().processes
    lab.goto("peers")
    assert all(entries(lab, node) == set() for node in SUBNETS)


def test_goto_ends_them_first_so_that_nothing_comes_back(routed):
    lab = begin(routed)
    lab.goto("routes")
    assert not [process for node in SUBNETS for process in lab[node].snapshot().processes]
    assert all(entries(lab, node) == set() for node in SUBNETS)


def notebooks_agent():
    """The program that notebook 10 writes, cell after cell."""
    cells = json.loads((Path(__file__).parents[2] / "notebooks/10_flannel.ipynb").read_text())["cells"]
    written = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return "".join(ast.literal_eval(cell.partition("= ")[2]) for cell in written if re.match(r'agent \+?= """', cell))


def test_an_agent_of_a_students_own_does_it_too(tunnelled):
    own = notebooks_agent()
    assert len([line for line in own.splitlines() if line.strip()]) < 55
    lab = begin(tunnelled, text=own, ttl=SHORT)
    assert lab.check("peers")
    end(lab, "node2")
    until(lambda: entries(lab, "node1") == expected(lab, "node1", ["node3"]), SHORT + AT_ONCE)
    start(lab, ["node2"])
    until(lambda: all(entries(lab, node) == expected(lab, node) for node in SUBNETS), AT_ONCE)
