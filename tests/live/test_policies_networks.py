"""NetworkPolicies on the other Pod networks: with a bridge, as Flannel's, and where a node routes to each of its Pods, as Calico's."""

import pytest

from live.test_policies import DENY, WEB, answered, load
from podnet_lab.checks.reachability import Verdict
from podnet_lab.policies import names

pytestmark = [pytest.mark.lab, pytest.mark.nft]

PATIENT = 5.0
"""Seconds; who is let pass is answered at once, unless the machine has much else to do."""

NETWORKS = ["flannel", "flannel-host-gw", pytest.param("calico", marks=pytest.mark.bird), "calico-vxlan"]


@pytest.fixture
def policed(whole):
    """A network with a server in a Pod of two nodes each, and a policy; wired anew afterwards, without one."""
    before = enforced(whole)
    for name in ("pod-1-2", "pod-2-2"):
        whole.serve(name)
    whole.apply(*load(WEB))
    yield whole
    whole.goto("done")
    assert enforced(whole) == before


def enforced(lab):
    """What each node has of nftables, and whether its bridges' frames pass it."""
    return {name: (set(node.own.rules.objects), node.own.bridged) for name, node in lab.snapshot().items()}


@pytest.mark.parametrize("network", NETWORKS)
def test_policies_hold_in_other_networks(policed, network):
    assert all(answered(policed, name, PATIENT) for name in ("pod-1-3", "pod-2-2"))
    assert not any(answered(policed, name) for name in ("pod-2-3", "pod-3-2"))
    assert answered(policed, "node1", PATIENT), "a Pod's own node always reaches it"
    assert policed.ask("pod-1-2", "10.244.2.2:8080"), "nothing is said of what it sends"
    assert policed.explain("pod-2-3", "pod-1-2", tcp=8080).cause.layer == "policy"
    assert policed.explain("pod-2-2", "pod-1-2", tcp=8080)
    assert policed.explain("pod-1-3", "pod-1-2").cause.layer == "policy", "two Pods of a node, too: a ping has no port"


@pytest.mark.parametrize("network", NETWORKS[2:])
def test_where_there_is_no_bridge_policies_need_no_bridge_netfilter(policed, network):
    assert enforced(policed)["node1"][0] >= {("chain", "ip", "network-policy", chain) for chain in names.HOOKS.values()}
    assert not any(bridged for _, bridged in enforced(policed).values())
    policed.apply(*load(DENY))
    said = policed.explain("pod-1-3", "pod-1-2")
    assert "denied by NetworkPolicy default/deny: no egress rule lets" in str(said)
    assert said.cause.place == ("node1", None)
    matrix = policed.matrix()
    assert {ping.verdict for ping in matrix} == {Verdict.DENIED}
    assert matrix, "what is meant to be denied is not broken"
