"""What is said of NetworkPolicies once the kernels are not, or not any more, as they say: that, and where."""

import pytest

from live.test_policies import DENY, HEAD, OPEN, WEB, load
from podnet_lab import Lab
from podnet_lab.errors import StepConflict

pytestmark = [pytest.mark.lab, pytest.mark.nft]

BY_HAND = {
    "add rule ip network-policy ingress-default/web ip saddr 10.244.3.2 accept": "chain ingress-default/web has a rule that should not be"
    " there: `ip saddr 10.244.3.2 accept`",
    "flush chain ip network-policy to-10.244.1.2": "chain to-10.244.1.2 lacks 2 rules, the first of them: `jump ingress-default/web`",
    "'add table ip network-policy { flags dormant ; }'": "the table network-policy is dormant: its chains are at no hook, and so no packet"
    " meets them",
    "flush map ip network-policy isolated-ingress": "map isolated-ingress has nothing for 10.244.1.2",
    "flush set ip network-policy ingress-default/web/0": "set ingress-default/web/0 lacks 10.244.1.3, 10.244.2.2",
    "add chain ip network-policy mine": "chain mine is of none of them",
    "delete table ip network-policy": "no table is called network-policy",
}


@pytest.fixture
def web(served):
    served.apply(*load(WEB))
    return served


@pytest.mark.parametrize("typed", BY_HAND)
def test_what_was_typed_is_named_and_nothing_is_decided_by_it(web, typed):
    web["node1"].shell(f"nft {typed}")
    now, words = web.policies(), BY_HAND[typed]
    assert [policy.full_name for policy in now] == ["default/web"]
    assert now.differences == {"node1": (words,)}
    assert str(now).splitlines()[1:] == [f"  node1 is not as they say: {words}"]
    for source, judged in (("pod-2-2", "allowed"), ("pod-3-2", "denied")):
        decision = now.decide(source, "pod-1-2", 8080)
        assert not decision
        assert decision.unsure == (f"node1: {words}",)
        assert f"could not be judged; by what was applied: {judged}; " in str(decision)
    assert now.decide("pod-2-2", "pod-3-2", 80), "node1 has no say in it"
    assert not now.decide("pod-2-2", "pod-3-2", 80).unsure
    assert now.decide("node1", "pod-1-2", 80), "a Pod's own node is asked nothing"
    web.apply(*load(WEB))
    assert not web.policies().differences
    assert web.policies().decide("pod-2-2", "pod-1-2", 8080)


def test_a_base_chain_that_is_another_one_is_told_in_words(web):
    web["node1"].shell("nft 'add chain ip network-policy filter-ingress { policy drop ; }'")
    there, wanted = (f"{{ type filter hook forward priority 1 ; policy {policy} ; }}" for policy in ("drop", "accept"))
    words = f"the chain filter-ingress is {there}, and should be {wanted}"
    assert str(web.policies()).splitlines()[1:] == [f"  node1 is not as they say: {words}"]
    with pytest.raises(StepConflict, match=r"it is { type filter hook forward priority . ; policy drop ; }"):
        web.apply(*load(WEB))
    web.remove_policies()
    web.apply(*load(WEB))
    assert not web.policies().differences


def test_those_that_are_nearest_are_meant_after_an_undo_too(served):
    served.apply(*load(OPEN))
    served.apply(*load(DENY))
    served.undo()
    served["node1"].shell("nft add rule ip network-policy ingress-default/web drop")
    assert [policy.full_name for policy in served.policies()] == ["default/web"]
    assert served.policies().differences == {"node1": ("chain ingress-default/web has a rule that should not be there: `drop`",)}
    served.remove_policies()
    assert str(served.policies()) == "no NetworkPolicy"
    assert served.policies().decide("pod-2-3", "pod-1-2", 8080)


def test_a_rule_that_explain_reads_is_no_word_of_the_policies(web):
    web["node1"].shell("nft flush chain ip network-policy ingress-default/web")
    said = str(web.explain("pod-2-2", "pod-1-2", tcp=8080))
    assert "denied by NetworkPolicy default/web" in said
    assert "lets pass:" not in said


def test_a_table_of_somebody_else_is_said_to_be_unknown(wired):
    wired["node1"].shell("nft add table ip network-policy; nft add chain ip network-policy mine")
    now = wired.policies()
    assert not list(now)
    assert "no NetworkPolicy is known here" in str(now)
    assert "node1: its table network-policy was not made by policies that were applied here" in str(now)
    decision = now.decide("pod-2-2", "pod-1-2", 80)
    assert not decision
    assert "could not be judged\n" in str(decision)
    assert "allowed" not in str(decision)
    assert now.decide("pod-2-2", "pod-3-2", 80)


def test_a_lab_that_joined_does_not_deny_what_another_process_applied(web):
    with Lab.join(web.name) as joined:
        assert "no NetworkPolicy is known here" in str(joined.policies())
        assert "could not be judged" in str(joined.policies().decide("pod-2-3", "pod-1-2", 8080))


def test_a_pod_that_came_later_is_known_and_that_nobody_isolates_it_yet(served):
    deny = HEAD.format("deny", "{podSelector: {}, policyTypes: [Ingress]}")
    served.apply(*load(deny))
    served.add_pod("node2")
    now = served.policies()
    assert "node2 is not as they say: no chain of network-policy is called to-10.244.2.4" in str(now)
    assert now.decide("pod-2-2", "pod-2-4", 80).unsure
    assert not now.decide("pod-2-4", "pod-1-2", 80)
    served.apply(*load(deny))
    assert not served.policies().differences
    assert not served.policies().decide("pod-2-2", "pod-2-4", 80).unsure


def test_bridge_netfilter_that_is_off_is_a_difference(web):
    web["node1"].shell("sysctl -qw net.bridge.bridge-nf-call-iptables=0")
    assert "node1 is not as they say: its bridge netfilter is off" in str(web.policies())
    assert web.policies().decide("pod-1-3", "pod-1-2", 9).unsure


def test_what_another_table_drops_is_no_word_of_the_policies_and_that_is_said(web):
    allowed = web.policies().decide("pod-2-2", "pod-1-2", 8080)
    assert allowed.beside == ()
    assert "\n" not in str(allowed)
    web["node1"].shell("nft add table ip mine; nft 'add chain ip mine c { type filter hook forward priority 5 ; policy drop ; }'")
    decision = web.policies().decide("pod-2-2", "pod-1-2", 8080)
    assert decision, "they allow it"
    assert str(decision).splitlines()[1:] == [
        "  by NetworkPolicies alone: node1 has other rules that may drop it, in the table ip mine",
        "  lab.explain(…) reads what is there now",
    ]
    assert web.explain("pod-2-2", "pod-1-2", tcp=8080).cause.layer == "firewall"
    assert "alone" not in str(web.policies().decide("pod-2-3", "pod-1-2", 8080)), "what they deny is denied"
    assert "alone" not in str(web.policies().decide("pod-2-2", "pod-3-2", 80)), "node1 is not on that way"
    assert "alone" in str(web.policies().decide("10.244.2.2", "10.244.1.2", 8080))
    web["node1"].shell("nft 'add table ip mine { flags dormant ; }'")
    assert web.policies().decide("pod-2-2", "pod-1-2", 8080).beside == ()
    translates = "nft add table ip mine; nft 'add chain ip mine c { type nat hook postrouting priority 5 ; }'"
    web["node1"].shell(f"nft delete table ip mine; {translates}")
    assert web.policies().decide("pod-2-2", "pod-1-2", 8080).beside == ()
