"""Explanations: their hints, that their repair mends, strict filters, and firewalls as far as they can be judged."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
import world
from test_explain_path import BREAKS

from podnet_lab.errors import BadInput
from podnet_lab.explain.cause import LAYERS
from podnet_lab.explain.explanation import explanation
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.explain.firewall.verdict import outcomes, summary
from podnet_lab.model.nftables import Ruleset, ruleset
from podnet_lab.plan import plan
from podnet_lab.steps import address, forwarding, route

WIRED = world.wired(plan(3, 3))
WHO = world.endpoints(WIRED)
A, B, C = WHO["pod-1-2"], WHO["pod-1-3"], WHO["pod-2-2"]


def broken(name):
    changes, source, target, _ = BREAKS[name]
    cluster = WIRED
    for node, step in changes:
        cluster = world.change(cluster, node, step)
    return cluster, source, target


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_explained_with_layer_place_and_three_hints(name):
    found = explanation(*broken(name))
    assert not found
    assert found.cause.layer in LAYERS
    assert found.cause.place[0] in WIRED
    assert found.hint(1).endswith("?")
    assert found.hint(2).startswith(f"{found.cause.place[0]}# ")
    if found.repair:
        assert found.hint(3).endswith("; ".join(step.command for step in found.cause.repair))
    assert str(found).startswith(f"{found.source} → {found.target}: stopped at ")
    with pytest.raises(BadInput, match="hints 1, 2 and 3"):
        found.hint(4)


def test_its_repair_mends_what_a_step_can():
    mended, left = [], []
    for name in BREAKS:
        cluster, source, target = broken(name)
        for _ in range(4):  # two things may be wrong, one behind the other
            found = explanation(cluster, source, target)
            if found or not found.repair:
                break
            for node, steps in found.repair.items():
                cluster = world.change(cluster, node, *steps)
        (mended if explanation(cluster, source, target) else left).append(name)
    assert len(mended) > len(BREAKS) * 0.6, left


def test_a_healthy_pair_says_so_and_has_its_path():
    found = explanation(WIRED, A, C)
    assert found
    assert found.path == ("pod-1-2", "node1", "node2", "pod-2-2", "pod-2-2", "node2", "node1", "pod-1-2")
    assert str(found) == "pod-1-2 → pod-2-2: nothing is seen that would stop it"
    assert (found.hint(), found.repair) == ("nothing is in the way", {})


def test_a_strict_reverse_path_filter_stops_only_what_would_go_back_another_way():
    strict = world.change(WIRED, "node2", forwarding.setting("all", "rp_filter", 1))
    assert explanation(strict, A, C)
    astray = world.change(strict, "node2", route.remove("10.244.1.0/24"))
    found = explanation(astray, A, C)
    assert "rp_filter is strict" in found.cause
    assert found.cause.place == ("node2", None)
    loose = world.change(astray, "node2", forwarding.setting("eth0", "rp_filter", 2))
    assert "rp_filter is loose" in explanation(loose, A, C).cause
    loose = world.change(loose, "node2", route.add("10.244.1.0/24", via="192.168.1.13"))
    assert "no way back" not in str(explanation(loose, A, C).cause), "any way will do"


def test_who_answers_first_is_not_known_where_two_have_an_address():
    twice = world.change(
        WIRED, "node1", address.add("10.244.1.2/32", dev="v-net-0"), address.remove("10.244.1.2/24", dev="veth-1-2", namespace="pod-1-2")
    )
    assert "node1 has 10.244.1.2, too" in explanation(twice, C, A).cause
    both = world.change(WIRED, "node1", address.add("10.244.1.2/32", dev="veth-1-3", namespace="pod-1-3"))
    found = explanation(both, C, A)
    assert not found
    assert found.cause is None
    assert "pod-1-2 and pod-1-3 have 10.244.1.2: who answers first gets it" in str(found)


def table(*rules, hook="forward", policy="accept", **chains):
    """A ruleset as nft lists it, of rules in a chain `c` at *hook*, and of other chains."""
    where = {"family": "ip", "table": "t"}
    listing = [{"table": {"family": "ip", "name": "t", "handle": 1}}]
    listing += [{"chain": where | {"name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": policy}}]
    listing += [{"chain": where | {"name": name}} for name in chains]
    for name, ones in {"c": rules, **chains}.items():
        listing += [{"rule": where | {"chain": name, "handle": 9, "expr": one}} for one in ones]
    return ruleset(listing)


def match(left, right, op="=="):
    return {"match": {"op": op, "left": left, "right": right}}


def ip(field):
    return {"payload": {"protocol": "ip", "field": field}}


DROP, ACCEPT, COUNT = {"drop": None}, {"accept": None}, {"counter": {"packets": 3, "bytes": 9}}
ICMP, TCP = match({"meta": {"key": "l4proto"}}, "icmp"), match({"meta": {"key": "l4proto"}}, "tcp")
FROM_A = match(ip("saddr"), "10.244.1.2")
SUBNET = match(ip("saddr"), {"prefix": {"addr": "10.244.1.0", "len": 24}})
NEW = match({"ct": {"key": "state"}}, ["established", "related"], "in")
PACKET = Packet(IPv4Address("10.244.1.2"), IPv4Address("10.244.2.2"), "v-net-0", "eth0")
STRANGE = match({"socket": {"key": "mark"}}, 1)

CASES = {
    "no rules": (table(), "accept"),
    "policy": (table(policy="drop"), "drop"),
    "policy, but accepted": (table([ICMP, ACCEPT], policy="drop"), "accept"),
    "of icmp": (table([ICMP, COUNT, DROP]), "drop"),
    "of tcp": (table([TCP, DROP]), "accept"),
    "of a port": (table([match({"payload": {"protocol": "tcp", "field": "dport"}}, 80), DROP]), "accept"),
    "from an address": (table([FROM_A, DROP]), "drop"),
    "from a subnet": (table([SUBNET, DROP]), "drop"),
    "from all but a subnet": (table([match(ip("saddr"), {"prefix": {"addr": "10.244.1.0", "len": 24}}, "!="), DROP]), "accept"),
    "to one of a set": (table([match(ip("daddr"), {"set": ["10.244.2.2", "10.244.2.3"]}), DROP]), "drop"),
    "out of an interface": (table([match({"meta": {"key": "oifname"}}, "eth0"), DROP]), "drop"),
    "into another": (table([match({"meta": {"key": "iifname"}}, "eth0"), DROP]), "accept"),
    "answers only": (table([NEW, ACCEPT], policy="drop"), "drop"),
    "rejected": (table([{"reject": {"type": "icmp", "expr": "port-unreachable"}}]), "drop"),
    "in another chain": (table([{"jump": {"target": "d"}}], d=[[ICMP, DROP]]), "drop"),
    "back from another chain": (table([{"jump": {"target": "d"}}, ACCEPT], d=[[{"return": None}], [DROP]]), "accept"),
    "gone to another chain": (table([{"goto": {"target": "d"}}], [DROP], d=[[TCP, DROP]]), "accept"),
    "strange": (table([STRANGE, DROP]), "unknown"),
    "strange, but not for this packet": (table([TCP, STRANGE, DROP]), "accept"),
    "strange and accepted": (table([STRANGE, ACCEPT]), "accept"),
    "strange, then dropped": (table([STRANGE, ACCEPT], [DROP]), "unknown"),
    "a verdict that is not known": (table([{"queue": {"num": 0}}]), "unknown"),
    "at another hook": (table([DROP], hook="input"), "accept"),
    "not known at all": (Ruleset(problem="nft is not installed here"), "unknown"),
    "round and round": (table([{"jump": {"target": "d"}}], d=[[{"jump": {"target": "d"}}]]), "unknown"),
}


def judge(rules, packet):
    return summary(outcomes(rules, "forward", packet)).verdict


@pytest.mark.parametrize("name", CASES)
def test_a_firewall_is_judged_as_far_as_it_can_be(name):
    rules, verdict = CASES[name]
    assert judge(rules, PACKET) == verdict


def test_an_answer_is_established():
    assert judge(table([NEW, ACCEPT], policy="drop"), replace(PACKET, reply=True)) == "accept"


def with_rules(cluster, node, rules):
    own = replace(cluster[node].own, rules=rules)
    return {**cluster, node: replace(cluster[node], spaces={**cluster[node].spaces, None: own})}


def test_a_drop_is_an_obstacle_and_what_is_not_known_is_no_health():
    found = explanation(with_rules(WIRED, "node2", table([ICMP, DROP])), A, C)
    assert (found.cause.layer, found.cause.place) == ("firewall", ("node2", None))
    assert "a rule of chain c says drop" in found.cause
    assert explanation(with_rules(WIRED, "node2", table([ICMP, DROP])), A, B), "it is on another node"
    unsure = explanation(with_rules(WIRED, "node1", table([STRANGE, DROP])), A, C)
    assert not unsure
    assert unsure.cause is None
    assert "could not be judged" in str(unsure)
    assert not explanation(with_rules(WIRED, "node1", Ruleset(problem="nft is not installed here")), A, C)
