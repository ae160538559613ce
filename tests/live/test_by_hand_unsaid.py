"""What by_hand says of interfaces whose settings no step gives: what it types leads there as far as it goes, and the rest is named."""

import pytest

from live.helpers import VMS
from podnet_lab import Lab
from podnet_lab.devices.registry import kind_of

pytestmark = pytest.mark.skipif(VMS, reason="what is typed names eth0 and the namespaces' own addresses")


@pytest.fixture(scope="module")
def opened():
    with Lab.open(name="unsaid", nodes=2) as lab:
        yield lab


@pytest.fixture
def typed(opened):
    """Types something on node 1, and gives what a person would have typed, and what is there; then types that, on a bare node again."""

    def type_and_tell(command, *namespaces):
        opened.reset()
        before = opened.snapshot()
        opened["node1"].shell(command)
        said, after = opened.by_hand(before), opened["node1"].snapshot()
        opened.reset()
        for one in said.typed:
            opened["node1"].shell(one.step.command)
        return said, after, opened["node1"].snapshot()

    return type_and_tell


def test_a_tunnel_with_one_other_host_comes_with_its_entry(typed):
    said, after, again = typed(
        "ip link add vx5 type vxlan id 5 dev eth0 remote 192.168.1.12 local 192.168.1.11 dstport 4789; ip link set vx5 up"
    )
    assert not [one for one in said.typed if "bridge fdb" in one.step.command], said
    assert said, said.unsaid
    entries = [(entry.mac, entry.remote) for entry in after.own.fdb if entry.dev == "vx5"]
    assert len(entries) == 1
    assert [(entry.mac, entry.remote) for entry in again.own.fdb if entry.dev == "vx5"] == entries


def test_settings_of_a_tunnel_that_no_step_gives_are_named(typed):
    said, after, again = typed("ip link add vx5 type vxlan id 5 dev eth0 local 192.168.1.11 dstport 4789 ttl 5 df set ageing 60")
    assert said.unsaid == ("node1: settings of vx5: ttl, ageing, df",)
    assert again.own.links["vx5"].setting("other") is None
    assert after.own.links["vx5"].setting("other")


def test_a_tunnel_without_a_number_is_drawn_without_one(opened):
    opened.reset()
    opened["node1"].shell("ip link add vxe type vxlan external dstport 4790")
    words = [kind_of(link).words(link) for link in opened["node1"].snapshot().own.links.values() if link.name == "vxe"]
    assert words == ["external, port 4790"]


def test_a_tunnel_that_was_moved_is_named_and_not_typed(typed):
    made = "ip netns add a; ip link add vx5 type vxlan id 5 local 192.168.1.11 remote 192.168.1.12 dstport 4789; ip link set vx5 netns a"
    said, _, again = typed(made)
    assert "node1: vx5 (vxlan) in a is there" in said.unsaid
    assert [one.step.command for one in said.typed] == ["ip netns add a"]
    assert "a" in again.spaces


def test_a_kind_that_nobody_has_written_is_typed_with_its_mac_and_mtu(typed):
    said, after, again = typed("ip link add ifb7 address 02:00:00:00:00:77 mtu 1400 type ifb; ip link set ifb7 up")
    assert said.typed[0].step.command == "ip link add ifb7 address 02:00:00:00:00:77 mtu 1400 type ifb"
    seen = [(one.kind, one.mac, one.mtu, one.up, one.arp) for one in (after.own.links["ifb7"], again.own.links["ifb7"])]
    assert seen[0] == seen[1] == ("ifb", "02:00:00:00:00:77", 1400, True, False)
    assert not [one for one in said.unsaid if "ifb7, a ifb" in one]
