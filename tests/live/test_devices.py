"""Kinds of interfaces on a real kernel: one that nobody has written, and tunnels, seen, undone, reset, explained."""

import pytest

from live.helpers import stable, until
from podnet_lab import address, bridge, link, namespace, route, veth, vxlan
from podnet_lab.errors import StepConflict, StepFailed

MAKE_UNKNOWN = {
    "ifb": "ip link add odd0 type ifb",
    "macvtap, on another interface": "ip link add link eth0 name odd0 type macvtap mode vepa",
}


@pytest.fixture(params=MAKE_UNKNOWN)
def unknown(lab, request):
    """A lab whose node1 has an interface of a kind that has no folder."""
    node = lab["node1"]
    node.shell(f"{MAKE_UNKNOWN[request.param]} && ip link set odd0 address 02:00:00:00:00:55 || ip link set odd0 down")
    node.shell("ip link set odd0 mtu 1400 up && ip addr add 10.99.0.1/24 dev odd0")
    return lab


def test_it_is_seen_with_its_kind(unknown):
    seen = unknown["node1"].snapshot().own.links["odd0"]
    assert seen.kind in ("ifb", "macvtap")
    assert (seen.up, seen.mtu, bool(seen.info), seen.settings) == (True, 1400, True, ())
    assert f"odd0 ({seen.kind}) is up" in repr(unknown.snapshot())
    assert f">{seen.kind}<" in unknown.topology().svg


def test_undo_makes_it_again_as_it_was(unknown):
    node = unknown["node1"]
    before = stable(node.snapshot())
    node.run(link.remove("odd0"))
    assert "odd0" not in node.snapshot().own.links
    unknown.undo()
    assert stable(node.snapshot()) == before


def test_a_run_that_fails_gives_it_back(unknown):
    node = unknown["node1"]
    before = stable(node.snapshot())
    with pytest.raises(StepFailed, match="Network is unreachable"):
        node.run(link.remove("odd0"), namespace.add("p"), route.add("10.98.0.0/24", via="10.97.0.1"))
    assert stable(node.snapshot()) == before


def test_reset_removes_it_and_says_so(unknown):
    assert "node1# ip link del odd0" in str(unknown.reset())
    assert "odd0" not in unknown["node1"].snapshot().own.links


def test_an_explanation_by_way_of_it_is_unsure(unknown):
    unknown["node1"].shell("ip route add 192.168.7.0/24 via 10.99.0.2")
    said = unknown.explain("node1", "192.168.7.7")
    assert not said
    assert said.cause is None
    assert "where that leads is not seen" in str(said)


@pytest.fixture
def overlay(lab):
    """A Pod on each of two nodes, in one subnet: their bridges are joined by a vxlan."""
    for number, node, other in ((1, "node1", "192.168.1.12"), (2, "node2", "192.168.1.11")):
        own = f"192.168.1.1{number}"
        steps = [
            bridge.add("br0"),
            link.up("br0"),
            vxlan.add("vx0", 42, local=own, dev="eth0"),
            veth.plug("vx0", into="br0"),
            link.up("vx0"),
        ]
        steps += [vxlan.fdb_append("00:00:00:00:00:00", other, dev="vx0"), namespace.add(f"red{number}")]
        steps += [veth.add("r-br", peer="r", peer_namespace=f"red{number}"), veth.plug("r-br", into="br0"), link.up("r-br")]
        steps += [link.up("r", namespace=f"red{number}"), address.add(f"10.42.0.{number}/24", dev="r", namespace=f"red{number}")]
        lab[node].run(*steps)
    for node in ("node1", "node2"):  # the kernel says a moment later that cables and ports are in order
        until(lambda node=node: all(lab[node].snapshot().own.links[name].carrier for name in ("br0", "vx0", "r-br")))
        until(lambda node=node: not any(lab[node].snapshot().own.links[name].port for name in ("vx0", "r-br")))
    return lab


def test_a_vxlan_between_two_bridges_carries_packets_and_the_explanation_follows_them_inside(overlay):
    assert overlay.ping("red1", "red2")
    assert overlay.explain("red1", "red2", probe=False)


BROKEN_TUNNELS = {
    "nobody to flood to": ("bridge fdb del 00:00:00:00:00:00 dev vx0 dst 192.168.1.12", "tunnel vx0 should send what is for everybody"),
    "the packets outside are lost": ("ip route add blackhole 192.168.1.12", "the tunnel vx0 of node1 does not get to 192.168.1.12"),
    "another number at the other end": ("", "nobody beyond r has it"),
    "it leads to nobody": (
        "bridge fdb del 00:00:00:00:00:00 dev vx0 dst 192.168.1.12; bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.168.1.77",
        "should send what is for everybody to 192.168.1.12, and has no entry for that",
    ),
}


@pytest.mark.parametrize("name", BROKEN_TUNNELS)
def test_what_is_wrong_with_a_tunnel_is_named(overlay, name):
    command, words = BROKEN_TUNNELS[name]
    overlay["node1"].shell(command)
    if not command:
        overlay["node2"].run(link.remove("vx0"), vxlan.add("vx0", 43, local="192.168.1.12", dev="eth0"), veth.plug("vx0", into="br0"))
        overlay["node2"].run(link.up("vx0"))
    assert words in str(overlay.explain("red1", "red2"))
    assert not overlay.ping("red1", "red2", patience=0.3)


def test_a_vxlans_entries_are_taken_back_one_by_one(overlay):
    node = overlay["node1"]
    before = stable(node.snapshot())
    node.run(vxlan.fdb_remove("00:00:00:00:00:00", "192.168.1.12", dev="vx0"))
    assert overlay.ping("red1", "red2", expect=False)
    overlay.undo()
    assert stable(node.snapshot()) == before
    assert overlay.ping("red1", "red2")


def test_the_same_number_twice_is_a_conflict_before_anything_changes(overlay):
    before = stable(overlay["node1"].snapshot())
    with pytest.raises(StepConflict, match="vx0 has VNI 42 at port 4789 already"):
        overlay["node1"].run(namespace.add("p"), vxlan.add("vx1", 42, dev="eth0"))
    assert stable(overlay["node1"].snapshot()) == before


def test_a_hosts_mac_is_looked_for_at_one_address_only(lab):
    mac = "02:00:00:00:00:02"
    lab["node1"].run(vxlan.add("vx0", 42, local="192.168.1.11"), vxlan.fdb_append(mac, "192.168.1.12", dev="vx0"))
    with pytest.raises(StepConflict, match=f"vx0 looks for {mac} at 192.168.1.12"):
        lab["node1"].run(vxlan.fdb_append(mac, "192.168.1.13", dev="vx0"))
    others = "00:00:00:00:00:00"
    lab["node1"].run(*(vxlan.fdb_append(others, f"192.168.1.{host}", dev="vx0") for host in (12, 13)))
    assert len([entry for entry in lab["node1"].snapshot().own.fdb if entry.mac == others]) == 2
