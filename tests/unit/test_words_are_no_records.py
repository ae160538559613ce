"""What is said to a student has words in it, and no Python value or JSON as it lies in memory."""

import re
from dataclasses import replace

import pytest

from podnet_lab.model import Ipv4Conf, Link, Namespace, Snapshot
from podnet_lab.model.nftables import ruleset
from podnet_lab.recipes.not_said import not_said
from podnet_lab.steps.nft import steps as nft

RECORD = re.compile(r"\{['\"]|\w\(\w+=|\[\(|\(\(|^\(|\('|None")


def listed(kind, **more):
    """A table with one object."""
    where = {"family": "ip", "table": "kube-proxy"}
    table = {"table": {"family": "ip", "name": "kube-proxy", "handle": 1}}
    return ruleset([table, {kind: where | {"name": "a", "handle": 2} | more}])


NAT = {"type": "nat", "hook": "prerouting", "prio": -100}

OTHERS = [
    (nft.chain("a", hook="prerouting"), listed("chain"), "a chain at no hook"),
    (nft.chain("a"), listed("chain", **NAT, policy="accept"), "{ type nat hook prerouting priority -100 ; policy accept ; }"),
    (nft.chain("a"), listed("chain", **NAT, policy="drop"), "{ type nat hook prerouting priority -100 ; policy drop ; }"),
    (nft.verdict_map("a"), listed("map", type="ipv4_addr", map="verdict"), "{ type ipv4_addr : verdict ; }"),
    (nft.members_set("a", by="port"), listed("set", type="ipv4_addr"), "{ type ipv4_addr ; }"),
    (nft.members_set("a"), listed("set", type={"typeof": {"ct": {"key": "mark"}}}), "one that no step makes"),
]


@pytest.mark.parametrize(("step", "rules", "words"), OTHERS)
def test_an_object_of_nft_of_another_kind_is_told_as_it_is_typed(step, rules, words):
    kind = step.key[0]
    assert step.wrong(rules).startswith(f"the {kind} a is {words}, and should be ")
    own = replace(Namespace(None), rules=rules)
    assert step.conflict(Snapshot("node1", {None: own})) == f"a {kind} a is there already, of another kind: it is {words}"


def test_what_no_step_said_is_said_in_words():
    conf = {"all": Ipv4Conf(False), "eth0": Ipv4Conf(False, 0, False)}
    tunnel = Link("vx", "vxlan", True, settings=(("vni", 7), ("port", 4789), ("learning", False)), peer=("pod", "eth0"))
    said = Namespace(None, {"eth0": Link("eth0", "veth", True), "vx": tunnel}, conf=conf)
    now = Namespace(
        None,
        {
            "eth0": Link("eth0", "veth", False, master="br", peer=("pod", "other")),
            "vx": replace(tunnel, settings=(("vni", 8), ("port", 4789)), peer=None, lower=(None, "eth0")),
        },
        conf={"all": Ipv4Conf(False), "eth0": Ipv4Conf(True, 2)},
    )
    words = not_said(*(Snapshot("node1", {None: space}) for space in (said, said, now)))
    assert set(words) == {
        "eth0 is down",
        "the master of eth0 is br",
        "the other end of eth0 is other in pod",
        "vni of vx is 8",
        "learning of vx is none",
        "the other end of vx is none",
        "the lower interface of vx is eth0",
        "forwarding of eth0 is 1",
        "rp_filter of eth0 is 2",
    }
    assert not [one for one in words if RECORD.search(one)]
