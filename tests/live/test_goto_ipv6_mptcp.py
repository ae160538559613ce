"""goto brings back what hands have done to multipath TCP, and the IPv6 address that an interface has of its MAC."""

import pytest

from live.helpers import until

MPTCP = "ip mptcp endpoint; ip mptcp limits"
OWN = "ip -6 -o addr show dev eth0 scope link"

CASES = {
    "an endpoint": ("ip mptcp endpoint add 10.99.0.1 signal", ["ip mptcp endpoint flush"]),
    "endpoints": (
        "ip mptcp endpoint add 10.99.0.1 dev eth0 id 7 subflow backup; ip mptcp endpoint add fd00::7 signal",
        ["ip mptcp endpoint flush"],
    ),
    "limits": ("ip mptcp limits set subflow 3 add_addr_accepted 3", ["ip mptcp limits set subflow 2 add_addr_accepted 0"]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_set_of_multipath_tcp_is_taken_back_and_named(small, name):
    command, words = CASES[name]
    node = small["node1"]
    if (before := node.shell(MPTCP, may_fail=True)) and "limits" not in before and "subflow" not in before:
        pytest.skip(f"no MPTCP here: {before}")
    node.shell(command)
    assert node.shell(MPTCP) != before
    arrived = small.goto("namespaces")

    assert bool(arrived)
    assert set(arrived.undone) == {f"node1# {line}" for line in words}
    assert node.shell(MPTCP) == before


def test_endpoints_of_a_baseline_are_made_again(small):
    core, node = small.parts.core, small["node1"]
    node.shell("ip mptcp endpoint add 10.99.0.1 dev eth0 id 7 subflow backup; ip mptcp endpoint add 192.168.1.11 id 8 signal port 99")
    before = node.shell(MPTCP)
    then = core.agents["node1"].call("unmanaged_state")
    node.shell("ip mptcp endpoint flush; ip mptcp endpoint add 10.99.0.2")
    done = core.agents["node1"].call("restore_unmanaged_state", then=then)

    assert node.shell(MPTCP) == before
    assert done["left"] == []
    assert "ip mptcp endpoint add 10.99.0.1 id 7 dev eth0" in done["undone"]


@pytest.mark.parametrize(
    "command",
    [
        "ip link set eth0 mtu 1200; ip link set eth0 address 02:01:02:03:04:05",
        "ip link set eth0 down; ip link set eth0 address 02:01:02:03:04:05; ip link set eth0 up",
        "ip -6 addr flush dev eth0 scope link",
        "ip -6 addr flush dev eth0 scope link; ip -6 addr add fe80::1/64 dev eth0",
    ],
)
def test_an_interface_has_the_address_of_its_own_mac_again(small, command):
    node = small["node1"]
    before = until(lambda: _own(node), 3)
    node.shell(command)
    assert _own(node) != before
    small.goto("namespaces")

    until(lambda: _own(node) == before, 3)


def _own(node):
    return [line.split()[3] for line in node.shell(OWN).splitlines()]
