"""Blocks of addresses that leave out several subnets: judged by the API's text and by the rules that enforce them."""

import pytest
from test_policies import FAR, cluster_of, passes, ruled

from podnet_lab import policies


def leaving_out(cidr, *subnets):
    return f"{{podSelector: {{}}, ingress: [{{from: [{{ipBlock: {{cidr: {cidr}, except: [{', '.join(subnets)}]}}}}]}}]}}"


MANY = leaving_out("10.0.0.0/8", *(f"10.9.{third}.0/24" for third in range(0, 200, 2)))
OVERLAP = leaving_out("10.0.0.0/8", "10.9.0.0/16", "10.9.8.0/24", "10.9.8.7/32", "10.9.8.7/32")
NEIGHBOURS = leaving_out("10.9.0.0/16", "10.9.7.0/24", "10.9.8.0/24", "10.9.9.0/24")
ALL = leaving_out("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1")


@pytest.mark.parametrize(
    ("spec", "source", "allowed"),
    [
        (MANY, FAR, False),
        (MANY, "10.9.9.7", True),
        (MANY, "11.9.9.7", False),
        (OVERLAP, FAR, False),
        (OVERLAP, "10.8.8.7", True),
        (NEIGHBOURS, FAR, False),
        (NEIGHBOURS, "10.9.9.255", False),
        (NEIGHBOURS, "10.9.10.0", True),
        (ALL, FAR, False),
    ],
)
def test_what_a_block_leaves_out_is_not_let_pass(spec, source, allowed):
    assert bool(policies.decide(cluster_of(spec), source, "pod-1-3", 80)) is allowed
    assert passes(ruled(spec), cluster_of(spec), source, "pod-1-3", "TCP", 80) is allowed


def test_no_rule_grows_with_what_a_block_leaves_out():
    """The kernel takes 128 expressions in a rule; a comparison is two of them."""
    rules = ruled(MANY)["node1"].own.rules
    (rule,) = rules.rules["ip", "network-policy", "ingress-default/p0"]
    assert len(rule) == 3
    assert len(rules.members["ip", "network-policy", "ingress-default/p0/0/except-0"]) == 100
