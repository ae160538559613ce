"""Which route is chosen: policy rules before tables."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
import world

from podnet_lab.model import DEFAULT, USUAL_POLICY, PolicyRule, Route
from podnet_lab.model.route_lookup import lookup_route
from podnet_lab.plan import plan
from podnet_lab.steps import route
from podnet_lab.steps.route import AddRoute

POD = IPv4Address("10.244.1.2")
POD_OF_NODE2 = IPv4Address("10.244.2.2")
WIRED = world.wired(plan(2, 1))
PODS = IPv4Network("10.244.0.0/16")
LOCAL, *REST = USUAL_POLICY
FENCE = (PolicyRule(32764, to=PODS, suppressed=0), PolicyRule(32765, kind="unreachable", to=PODS))
FROM_PODS = (PolicyRule(32764, source=PODS, suppressed=0), PolicyRule(32765, kind="unreachable", source=PODS))
"""What the VMs have (vm/podnet-boot), so that the lesson's packets don't leave by Vagrant's default route."""


def node1(*changes, policy=(LOCAL, *FENCE, *REST)):
    space = world.do(WIRED["node1"], *changes).spaces[None]
    return replace(space, policy=policy)


def test_a_rule_that_ends_what_has_no_route_anyway_is_no_route():
    assert lookup_route(node1(), POD_OF_NODE2).route.to == IPv4Network("10.244.2.0/24")
    assert lookup_route(node1(route.remove("10.244.2.0/24")), POD_OF_NODE2).route is None
    both = (LOCAL, FENCE[0], FROM_PODS[0], FENCE[1], FROM_PODS[1], *REST)
    assert lookup_route(node1(route.remove("10.244.2.0/24"), policy=both), POD_OF_NODE2, POD, "v-net-0").route is None
    assert lookup_route(node1(policy=both), POD_OF_NODE2, POD, "v-net-0").route.to == IPv4Network("10.244.2.0/24")


def test_but_it_counts_where_a_default_route_would_have_taken_the_packet():
    space = node1(route.remove("10.244.2.0/24"), route.add("default", via="192.168.1.12"))
    found = lookup_route(space, POD_OF_NODE2)
    assert (found.route.kind, found.rule, found.after_main) == ("unreachable", FENCE[1], True)
    before = lookup_route(replace(space, policy=(LOCAL, FENCE[1], *REST)), POD_OF_NODE2)
    assert (before.route.kind, before.after_main) == ("unreachable", False), "somebody has put it before all routes"
    assert lookup_route(replace(space, policy=USUAL_POLICY), POD_OF_NODE2).route.via == IPv4Address("192.168.1.12")


def test_a_rule_reads_as_ip_says_it():
    rules = (
        PolicyRule(100, kind="prohibit", source=IPv4Network("10.9.9.9/32")),
        FENCE[0],
        PolicyRule(7, 100, iif="eth0", extra="tos 4"),
    )
    assert [str(one) for one in (*rules, REST[0])] == [
        "100: from 10.9.9.9/32 prohibit",
        "32764: from all to 10.244.0.0/16 lookup main suppress_prefixlength 0",
        "7: from all iif eth0 tos 4 lookup 100",
        "32766: from all lookup main",
    ]


@pytest.mark.parametrize(
    "policy",
    [
        (LOCAL, FENCE[1], *REST),
        (LOCAL, FENCE[0], replace(FENCE[1], kind="prohibit"), *REST),
        (LOCAL, FENCE[0], FENCE[1], replace(REST[0], extra="tos 4"), REST[1]),
    ],
    ids=["before the main table was asked", "another word for it", "after it comes what can't be judged"],
)
def test_and_it_counts_where_a_route_alone_would_not_mend_it(policy):
    found = lookup_route(node1(route.remove("10.244.2.0/24"), policy=policy), POD_OF_NODE2)
    assert found.route == Route(DEFAULT, kind=found.rule.kind)
    assert found.rule in policy[1:3]


def test_of_a_route_of_another_table_that_is_said():
    """Else it looks like one that all packets take; `ip` takes the words as they are."""
    to = IPv4Network("10.9.0.0/16")
    assert str(Route(to, dev="eth0", table=101, metric=5)) == "10.9.0.0/16 dev eth0 metric 5 table 101"
    assert str(Route(to, dev="eth0", table=253)) == "10.9.0.0/16 dev eth0 table default"
    assert str(Route(to, dev="eth0")) == "10.9.0.0/16 dev eth0"
    assert AddRoute(to, dev="eth0", table=101).command == "ip route add 10.9.0.0/16 dev eth0 table 101"
