"""Interfaces that are deleted together: all of them go, and of what can't be deleted it is said which it is."""

import errno

import pytest

from live.lab_facade import agents
from podnet_lab.backends.agent_client import Refusal

pytestmark = pytest.mark.lab


def delete(lab, *names):
    """In one call, on node1; which one was refused, and with which error, if one was."""
    try:
        agents(lab)["node1"].call("apply", requests=[("link_remove", None, {"name": name}) for name in names])
    except Refusal as refusal:
        return refusal.position, refusal.code
    return None


def made(lab, *pairs):
    for one, other in pairs:
        lab["node1"].shell(f"ip link add {one} type veth peer name {other}")
    return {name for pair in pairs for name in pair}


def there(lab):
    return set(lab["node1"].snapshot().own.links)


def test_more_than_go_in_one_send(lab):
    pairs = [(f"one{number}", f"two{number}") for number in range(70)]
    lab["node1"].shell("; ".join(f"ip link add {one} type veth peer name {other}" for one, other in pairs))
    assert delete(lab, *(one for one, _ in pairs)) is None
    assert there(lab) == {"lo", "eth0"}


def test_both_ends_of_a_cable_are_two_deletions_or_one(lab):
    made(lab, ("one", "two"))
    assert delete(lab, "one", "two") is None
    assert there(lab) == {"lo", "eth0"}


def test_a_bridge_goes_with_its_ports(lab):
    made(lab, ("one", "two"))
    lab["node1"].shell("ip link add br0 type bridge; ip link set one master br0; ip link set br0 up; ip link set one up")
    assert delete(lab, "br0", "one") is None
    assert there(lab) == {"lo", "eth0"}


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(("odd", "code"), [("nobody", errno.ENODEV), ("lo", errno.EOPNOTSUPP)], ids=["not there", "not to be deleted"])
def test_one_that_is_refused_is_named_and_the_others_go(lab, odd, code, place):
    made(lab, ("one", "two"), ("three", "four"))
    names = ["one", "three"]
    names.insert(place, odd)
    assert delete(lab, *names) == (place, code)
    assert there(lab) == {"lo", "eth0"}
    assert " group default " in lab["node1"].shell("ip link show lo")


def test_what_somebody_put_into_a_group_stays(lab):
    made(lab, ("one", "two"), ("three", "four"), ("five", "six"))
    lab["node1"].shell("ip link set five group 7")
    assert delete(lab, "one", "three") is None
    assert there(lab) == {"lo", "eth0", "five", "six"}
