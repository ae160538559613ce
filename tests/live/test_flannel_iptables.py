"""Flannel's rules by iptables (FL9), held against what iptables-save says."""

import pytest

from podnet_lab import Lab
from podnet_lab.networks.flannel import iptables

pytestmark = [
    pytest.mark.nft,
    pytest.mark.iptables,
]

MASQ = '-m comment --comment "flanneld masq"'


@pytest.fixture(scope="module")
def lab():
    with Lab.open(name="flannel-iptables", network="flannel") as lab:
        lab.goto("rules")
        for node in lab:
            node.shell(iptables.write(lab.plan[node.name]))
        yield lab


def rules(node, chain):
    saved = node.shell("iptables-save").splitlines()
    return [line.removeprefix(f"-A {chain} ") for line in saved if line.startswith(f"-A {chain} ")]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fl9_six_rules_in_order_two_accepts_and_both_jumps_commented(lab, n):
    node, own, all_ = lab[f"node{n}"], f"10.244.{n}.0/24", "10.244.0.0/16"
    masquerade = "MASQUERADE --random-fully"
    assert rules(node, "FLANNEL-POSTRTG") == [
        f"-m mark --mark 0x4000/0x4000 {MASQ} -j RETURN",
        f"-s {own} -d {all_} {MASQ} -j RETURN",
        f"-s {all_} -d {own} {MASQ} -j RETURN",
        f"! -s {all_} -d {own} {MASQ} -j RETURN",
        f"-s {all_} ! -d 224.0.0.0/4 {MASQ} -j {masquerade}",
        f"! -s {all_} -d {all_} {MASQ} -j {masquerade}",
    ]
    comment = '-m comment --comment "flanneld forward"'
    assert rules(node, "FLANNEL-FWD") == [f"-s {all_} {comment} -j ACCEPT", f"-d {all_} {comment} -j ACCEPT"]
    assert rules(node, "POSTROUTING") == [f"{MASQ} -j FLANNEL-POSTRTG"]
    assert rules(node, "FORWARD") == [f"{comment} -j FLANNEL-FWD"]


def test_typed_again_nothing_changes(lab):
    node = lab["node1"]
    before = node.shell("iptables-save | grep -v '^#'")
    node.shell(iptables.write(lab.plan["node1"]))
    assert node.shell("iptables-save | grep -v '^#'") == before


def test_the_network_is_whole_with_them_and_translates_only_what_leaves_it(lab):
    assert lab.check("rules").require()
    exam = lab.check()
    assert (bool(exam), exam.matrix.reached) == (True, 30)
    assert lab.ping("pod-1-2", "outside", expect="translated").seen_as == "192.168.1.11"
    # The forward chain of a node is a firewall's, as Docker leaves it: Flannel's rules let Pods through all the same.
    lab["node2"].shell("iptables -P FORWARD DROP")
    assert lab.ping("pod-1-2", "pod-2-2")
    assert lab.explain("pod-1-2", "pod-2-2").cause is None
    lab["node2"].shell("iptables -D FLANNEL-FWD 1; iptables -D FLANNEL-FWD 1")
    assert not lab.ping("pod-1-2", "pod-2-2")
    assert lab.explain("pod-1-2", "pod-2-2").cause.layer == "firewall"
    assert not lab.check("rules")
    lab["node2"].shell("iptables -P FORWARD ACCEPT")
    lab["node2"].shell(iptables.write(lab.plan["node2"]))
    assert lab.check("rules").require()


def test_what_is_taken_away_leaves_nothing_and_the_lab_goes_back(lab):
    lab["node1"].shell(iptables.remove(lab.plan["node1"]))
    assert "FLANNEL" not in lab["node1"].shell("iptables-save")
    assert not lab.check("rules")
    assert not lab.goto("done").left
    assert lab.check()
