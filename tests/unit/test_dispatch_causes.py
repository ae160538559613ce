"""The cause that a chain which sends on known interfaces, and drops all others, does not know one."""

from ipaddress import IPv4Address

import pytest

from podnet_lab.explain.dispatch_causes import not_dispatched
from podnet_lab.explain.firewall.packet import Packet
from podnet_lab.model.nftables import ruleset

NODE = ("node1", None)
SAYS_DROP = "a rule of chain to-pods says drop"
PACKET = Packet(IPv4Address("10.244.2.2"), IPv4Address("10.244.1.2"), "eth0", "cali1")
LOOK_UP = {"vmap": {"key": {"meta": {"key": "oifname"}}, "data": "@known"}}


def rules(*elements, chain=([LOOK_UP], [{"drop": None}]), family="ip"):
    where = {"family": family, "table": "t"}
    return ruleset(
        [
            {"table": {"family": family, "name": "t", "handle": 1}},
            {"map": where | {"name": "known", "handle": 2, "type": "ifname", "map": "verdict", "elem": list(elements)}},
            {"chain": where | {"name": "to-pods", "handle": 3}},
            *({"rule": where | {"chain": "to-pods", "handle": 4 + number, "expr": said}} for number, said in enumerate(chain)),
        ]
    )


def told(has, why=SAYS_DROP, packet=PACKET):
    return not_dispatched(NODE, has, why, packet)


@pytest.mark.parametrize(
    ("verdict", "typed"),
    [
        ({"return": None}, "return"),
        ({"accept": None}, "accept"),
        ({"goto": {"target": "to-2"}}, "goto to-2"),
        ({"jump": {"target": "x"}}, "jump x"),
    ],
)
def test_the_entry_that_lacks_is_told_and_mended_by_what_all_others_have(verdict, typed):
    cause = told(rules(["cali2", verdict], ["cali3", verdict]))
    assert cause == "node1's firewall drops it: known has no entry for cali1"
    assert cause.hints[1:] == ("node1# nft list map ip t known", f"node1# nft 'add element ip t known {{ cali1 : {typed} }}'")


@pytest.mark.parametrize(
    "elements",
    [[], [["cali2", {"return": None}], ["cali3", {"accept": None}]], [["cali2", {"queue": {"num": 1}}]]],
    ids=["none", "different", "none that we can type"],
)
def test_where_the_others_do_not_say_what_it_would_be_no_command_is_told(elements):
    cause = told(rules(*elements))
    assert cause == "node1's firewall drops it: known has no entry for cali1"
    assert cause.hints[2].startswith("no command can be told: what is to become of its packets")


def test_what_is_counted_or_noted_there_changes_nothing():
    counted = ([{"counter": {"packets": 1, "bytes": 84}}, LOOK_UP], [{"counter": None}, {"log": None}, {"drop": None}])
    assert told(rules(["cali2", {"return": None}], chain=counted)) == "node1's firewall drops it: known has no entry for cali1"
    assert told(rules([{"elem": {"val": "cali1", "comment": "mine"}}, {"return": None}], chain=counted)) is None


def test_in_another_family_than_steps_are_for_no_command_is_told():
    assert "no command can be told" in told(rules(["cali2", {"return": None}], family="inet")).hints[2]


@pytest.mark.parametrize(
    ("has", "why"),
    [
        (rules(["cali1", {"drop": None}]), SAYS_DROP),  # it is known, and to be dropped
        (rules(["cali2", {"return": None}], chain=([{"counter": None}], [LOOK_UP], [{"drop": None}])), SAYS_DROP),
        (rules(["cali2", {"return": None}], chain=([LOOK_UP], [{"accept": None}])), SAYS_DROP),
        (rules(["cali2", {"return": None}]), "a rule of chain elsewhere says drop"),
        (rules(["cali2", {"return": None}]), "the policy of chain to-pods is drop"),
    ],
)
def test_what_drops_for_another_reason_is_not_told_so(has, why):
    assert told(has, why) is None


def test_what_leaves_by_no_interface_was_not_looked_up():
    assert told(rules(), packet=Packet(PACKET.source, PACKET.target, "eth0", None)) is None
