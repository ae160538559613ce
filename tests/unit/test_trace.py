"""Frames taken apart, put in order by their path, and written as pcapng."""

import struct
from ipaddress import IPv4Address

import pytest

from podnet_lab.explain.trace import Seen, Trace, build, connection, echoes, in_order
from podnet_lab.frames import frame
from podnet_lab.kernel.echo import echo_request
from podnet_lab.pcapng import pcapng

NONCE = bytes(range(8))
A, B, GW, UP, UP2, GW2 = (f"02:00:00:00:00:0{n}" for n in range(1, 7))


def ethernet(source, target, kind=0x0800):
    return bytes.fromhex(target.replace(":", "") + source.replace(":", "")) + kind.to_bytes(2, "big")


def ipv4(source, target, protocol, body, ttl=64):
    addresses = IPv4Address(source).packed + IPv4Address(target).packed
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, ttl, protocol, 0) + addresses + body


def echo(macs=(A, GW), ttl=64, reply=False, nonce=NONCE):
    body = echo_request(nonce, 1)
    return ethernet(*macs) + ipv4("10.244.1.2", "10.244.2.2", 1, (b"\0" if reply else b"\x08") + body[1:], ttl)


def tcp(source, target, ports, number, acknowledged, flags, ttl=64):
    body = struct.pack("!HHIIBBHHH", *ports, number, acknowledged, 0x50, flags, 0, 0, 0)
    return ethernet(A, GW) + ipv4(source, target, 6, body, ttl)


def seen(node, dev, out, time, data, namespace=None):
    return Seen(node, namespace, dev, out, time, data, len(data), frame(data))


def test_an_echo_is_known_by_its_payload():
    found = frame(echo())
    assert (found.kind, found.ttl, found.source_mac, found.target_mac) == ("echo request", 64, A, GW)
    assert (str(found.source), str(found.target)) == ("10.244.1.2", "10.244.2.2")
    assert NONCE in found.mark
    assert frame(echo(reply=True)).kind == "echo reply"
    assert frame(echo(reply=True)).mark == found.mark


def test_an_error_quotes_what_it_is_about():
    error = ethernet(GW, A) + ipv4("10.244.1.1", "10.244.1.2", 1, struct.pack("!BBHI", 3, 0, 0, 0) + echo()[14:])
    found = frame(error)
    assert found.words == "network unreachable"
    assert NONCE in found.quoted.mark
    assert frame(error[:50]).quoted is None


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
    assert in_order(path[::-1], "node1") == path
    assert in_order(sorted(path, key=lambda one: one.time), "node1") == path
    hops = build({}, path, echoes(path, NONCE), "node1")
    assert [hop.news for hop in hops] == [(), (), ("new Ethernet header",), (), ("new Ethernet header",)]
    assert str(Trace.of(hops, "a → b", False)).endswith("seen last: node2, v-net-0, going out")


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
