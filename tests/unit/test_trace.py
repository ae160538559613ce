"""Frames taken apart, put in order by their path, and written as pcapng."""

import struct
from ipaddress import IPv4Address

import pytest
from built_frames import EVERYBODY, GW, GW2, NONCE, UP, UP2, A, B, arp, echo, error, ethernet, seen, tcp

from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.packets.frame_order import by_ttl
from podnet_lab.packets.frames import frame
from podnet_lab.packets.pcapng import pcapng
from podnet_lab.packets.trace import Trace, build, connection, echoes
from podnet_lab.show.trace_overlay import badges, points


def test_an_echo_is_known_by_its_payload():
    found = frame(echo())
    assert (found.kind, found.ttl, found.source_mac, found.target_mac) == ("echo request", 64, A, GW)
    assert (str(found.source), str(found.target)) == ("10.244.1.2", "10.244.2.2")
    assert NONCE in found.mark
    assert frame(echo(reply=True)).kind == "echo reply"
    assert frame(echo(reply=True)).mark == found.mark


def test_an_error_quotes_what_it_is_about():
    about = error(echo())
    found = frame(about)
    assert found.words == "network unreachable"
    assert NONCE in found.quoted.mark
    assert frame(about[:50]).quoted is None


def test_arp():
    data = (
        struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        + bytes.fromhex(A.replace(":", ""))
        + bytes([10, 244, 1, 2])
        + bytes(6)
        + bytes([10, 244, 1, 1])
    )
    found = frame(ethernet(A, "ff:ff:ff:ff:ff:ff", 0x0806) + data)
    assert (found.kind, str(found.source), str(found.target)) == ("ARP request", "10.244.1.2", "10.244.1.1")


@pytest.mark.parametrize("data", [b"", bytes(13), ethernet(A, B), ethernet(A, B, 0x86DD) + bytes(40), echo()[:30], echo()[:34]])
def test_what_is_cut_short_or_something_else_is_no_crash(data):
    assert frame(data) is None


def test_frames_are_ordered_by_the_path_though_clocks_differ():
    """node2's clock is an hour behind: by time alone its frames would come first."""
    hour = 3_600_000_000_000
    path = [
        seen("node1", "veth-1-2", True, hour + 1, echo((A, GW), 64), "pod-1-2"),
        seen("node1", "v-net-0", False, hour + 2, echo((A, GW), 64)),
        seen("node1", "eth0", True, hour + 3, echo((UP, UP2), 63)),
        seen("node2", "eth0", False, 1, echo((UP, UP2), 63)),
        seen("node2", "v-net-0", True, 2, echo((GW2, B), 62)),
    ]
    assert by_ttl(path[::-1], "node1") == path
    assert by_ttl(sorted(path, key=lambda one: one.time), "node1") == path
    hops = build({}, path, echoes(path, NONCE), "node1")
    assert [hop.news for hop in hops] == [(), (), ("new Ethernet header",), (), ("new Ethernet header",)]
    assert str(Trace.of(hops, "a → b", False)).endswith("seen last: node2, v-net-0, going out")


def exchange(node, at, asker, asked):
    """Who has *asked*? A question, and its answer, as *node* sees them at its eth0."""
    (mac, ip), (theirs, wanted) = asker, asked
    ask, told = arp(mac, EVERYBODY, ip, wanted), arp(theirs, mac, wanted, ip, answer=True)
    return [seen(node, "eth0", True, at, ask), seen(node, "eth0", False, at + 1, told)]


def ordered(every, **clock):
    return [(hop.way, hop.seen.time) for hop in build({}, every, echoes(every, NONCE), "node1", **clock)]


def test_with_one_clock_arp_stands_before_the_hop_that_waited_and_an_error_after_its_packet():
    unreachable = error(echo(reply=True), source="10.244.2.1", target="10.244.2.2", macs=(GW2, B))
    every = [
        *exchange("node1", 1, (A, "10.244.1.2"), (GW, "10.244.1.1")),
        seen("node1", "eth0", True, 10, echo((UP, UP2), 63)),
        seen("node2", "eth0", False, 20, echo((UP, UP2), 63)),
        *exchange("node2", 21, (GW2, "10.244.2.1"), (B, "10.244.2.2")),
        seen("node2", "eth1", True, 30, echo((GW2, B), 62)),
        seen("node2", "eth1", False, 40, echo((B, GW2), 64, reply=True)),
        seen("node2", "eth1", True, 50, unreachable),
    ]
    there = [("ARP there", 1), ("ARP there", 2), ("there", 10), ("there", 20), ("ARP there", 21), ("ARP there", 22), ("there", 30)]
    assert ordered(every, one_clock=True) == [*there, ("back", 40), ("error", 50)]
    assert ordered(every[::-1], one_clock=True) == ordered(every, one_clock=True)
    by_path = [("ARP there", 1), ("ARP there", 2), ("ARP there", 21), ("ARP there", 22), *[one for one in there if one[0] == "there"]]
    assert ordered(every) == [*by_path, ("error", 50), ("back", 40)]
    said = str(Trace.of(build({}, every, echoes(every, NONCE), "node1", one_clock=True), "a → b", False))
    assert said.index("on the way there:") < said.index("on the way back:") < said.index("an error comes back:")
    assert said.endswith("seen last: node2, eth1, going in")


def test_arp_belongs_to_what_waits_for_it_and_without_an_answer_to_what_came_before():
    there, back = seen("node1", "eth0", True, 10, echo((UP, UP2), 63)), seen("node1", "eth0", False, 30, echo((UP2, UP), 63, reply=True))
    asked = exchange("node1", 20, (UP, "192.168.1.11"), (UP2, "192.168.1.12"))
    assert ordered([there, *asked, back], one_clock=True) == [("there", 10), ("ARP back", 20), ("ARP back", 21), ("back", 30)]
    assert ordered([there, asked[0], back], one_clock=True) == [("there", 10), ("ARP there", 20), ("back", 30)]
    assert ordered(asked, one_clock=True) == [("ARP there", 20), ("ARP there", 21)]


def test_what_a_kernel_asks_a_neighbour_that_it_knows_is_left_out():
    packet = seen("node1", "eth0", True, 10, echo((UP, UP2), 63))
    _, told = exchange("node1", 4, (UP, "192.168.1.11"), (UP2, "192.168.1.12"))
    probe = seen("node1", "eth0", True, 4, arp(UP, UP2, "192.168.1.11", "192.168.1.12"))
    assert ordered([probe, told, packet]) == ordered([probe, told, packet], one_clock=True) == [("there", 10)]


def flood(*times):
    """An echo that comes into node1 and leaves by three ports of its bridge at *times*."""
    ports = [seen("node1", dev, True, at, echo()) for dev, at in zip(("veth-c", "veth-a", "veth-b"), times, strict=True)]
    return [seen("node1", "v-net-0", True, 5, echo()), *ports, seen("node1", "veth-x", False, 11, echo(), "pod-x")]


@pytest.mark.parametrize("times", [(10, 12, 14), (14, 12, 10), (10, 10, 10)])
def test_the_copies_of_a_bridge_are_told_by_name_whichever_was_first(times):
    ports = {dev: Link(dev, "veth", up=True, master="v-net-0", mac=A) for dev in ("veth-a", "veth-b", "veth-c")}
    cluster = {"node1": Snapshot("node1", {None: Namespace(None, ports)})}
    every = flood(*times)
    hops = build(cluster, every, echoes(every, NONCE), "node1", one_clock=True)
    assert [hop.seen.dev for hop in hops] == ["v-net-0", "veth-a", "veth-b", "veth-c", "veth-x"]


def test_what_is_sent_once_more_begins_anew():
    syn = tcp("10.244.1.2", "10.244.2.2", (5000, 80), 77, 0, 2)
    routed = ethernet(UP, UP2) + syn[14:22] + bytes([63]) + syn[23:]
    every = [
        seen("node1", dev, out, at + again, data)
        for again in (0, 1000)
        for dev, out, at, data in (("a", False, 1, syn), ("b", True, 2, routed))
    ]
    hops = build({}, every, connection(every, None, 80), "node1", one_clock=True)
    assert [(hop.seen.time, hop.news) for hop in hops] == [
        (1, ()),
        (2, ("new Ethernet header",)),
        (1001, ()),
        (1002, ("new Ethernet header",)),
    ]
    anchors = {("node1", None, "a"): (1, 1), ("node1", None, "b"): (2, 2)}
    assert points(hops, anchors) == [(1, 1), (2, 2)]
    assert badges(hops, anchors) == [1, 2, 1, 2], "sent again, it is at the same badge"
    assert badges(hops, {("node1", None, "b"): (2, 2)}, first=5) == [0, 5, 0, 5]


def test_another_echo_is_not_mistaken_for_this_one():
    every = [seen("node1", "eth0", True, 1, echo(nonce=bytes(8))), seen("node1", "eth0", True, 2, echo())]
    assert echoes(every, NONCE)["there"] == every[1:]


def test_a_connection_is_followed_through_address_translation():
    syn = tcp("10.244.1.2", "10.96.0.20", (5000, 80), 77, 0, 2)
    rewritten = tcp("10.244.1.2", "10.244.2.2", (5000, 8080), 77, 0, 2, 63)
    answer = tcp("10.244.2.2", "10.244.1.2", (8080, 5000), 99, 78, 0x12)
    stranger = tcp("10.244.1.3", "10.96.0.20", (5000, 80), 55, 0, 2)
    data = tcp("10.244.1.2", "10.96.0.20", (5000, 80), 78, 100, 0x18)
    every = [seen("node1", "v-net-0", False, at, one) for at, one in enumerate((syn, rewritten, answer, stranger, data))]
    found = connection(every, None, 80)
    assert found == {"there": every[:2], "back": [every[2]], "error": []}
    assert connection(every, IPv4Address("10.244.1.3"), 80)["there"] == [every[3]]
    assert connection(every, None, 81) == {"there": [], "back": [], "error": []}


def test_pcapng_has_an_interface_for_each_place_and_whole_blocks():
    data = pcapng([("a", 1_795_383_185_000_000_001, b"12345", 9, "first"), ("b", 2, b"1234", 4, ""), ("a", 3, b"", 0, "")])
    kinds, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert struct.unpack_from("<I", data, at + length - 4) == (length,)
        assert length % 4 == 0
        kinds.append(kind)
        at += length
    assert kinds == [0x0A0D0D0A, 1, 6, 1, 6, 6]
    assert b"first" in data
