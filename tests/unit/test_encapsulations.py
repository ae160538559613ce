"""Packets inside packets: taken out of any that is whole enough, and never a crash."""

import struct

import pytest
from built_frames import GW, NODE1, NODE2, NONCE, UP, A, arp, echo, error, ethernet, ipv4, udp, vxlan
from hypothesis import given
from hypothesis import strategies as st

from podnet_lab.kernel.capture import SNAP
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.packets.encapsulations import Opener, encapsulations
from podnet_lab.packets.frames import frame

USUAL = Opener({})
PLAIN = echo(ttl=63)
WRAPPED = vxlan(PLAIN)


def opened(data, opener=USUAL):
    return opener.open(frame(data))


def test_a_frame_in_a_tunnel_has_an_outer_and_an_inner_part():
    outer, inner = opened(WRAPPED).layers
    assert (str(outer.source), str(outer.target), outer.ttl, outer.ports, outer.size) == (
        NODE1,
        NODE2,
        64,
        (40000, 8472),
        len(WRAPPED) - 14,
    )
    assert (outer.tunnel.name, outer.tunnel.vni, outer.tunnel.words) == ("VXLAN", 1, "UDP 8472, VNI 1")
    assert inner == frame(PLAIN)
    assert len(WRAPPED) - len(PLAIN) == 50
    assert opened(PLAIN).layers == (frame(PLAIN),)


@pytest.mark.parametrize("vni", [0, 1, 4096, 2**24 - 1])
def test_any_number_and_any_port_of_the_clusters_tunnels(vni):
    tunnel = Link("t", "vxlan", up=True, settings=(("port", 5555), ("vni", vni)))
    in_a_pod = Opener({"node1": Snapshot("node1", {None: Namespace(None, {}), "pod": Namespace("pod", {"t": tunnel})})})
    assert opened(vxlan(PLAIN, vni, 5555), in_a_pod).tunnel.vni == vni
    assert opened(vxlan(PLAIN, vni, 4789), in_a_pod).inside is not None, "IANA's port, which another end may have"
    assert opened(vxlan(PLAIN, vni, 5555)).layers == (frame(vxlan(PLAIN, vni, 5555)),), "nobody has an end there"


@pytest.mark.parametrize(
    "data",
    [
        vxlan(PLAIN, flags=0),
        vxlan(b""),
        vxlan(bytes(60)),
        udp((A, GW), "10.244.1.2", "10.96.0.10", (40000, 8472), b"short"),
        udp((A, GW), "10.244.1.2", "10.96.0.10", (8472, 40000), WRAPPED[42:]),
        ethernet(A, GW) + ipv4("10.244.1.2", "10.244.2.2", 132, bytes(40)),
    ],
)
def test_what_only_looks_like_a_tunnel_is_what_it_was(data):
    assert opened(data) == frame(data)
    assert opened(data).inside is None


def test_arp_in_a_tunnel_and_a_tunnel_in_a_tunnel():
    assert opened(vxlan(arp(A, "ff:ff:ff:ff:ff:ff", "10.244.1.2", "10.244.1.3"))).innermost.kind == "ARP request"
    deep = opened(vxlan(vxlan(PLAIN, 2, 4789), 1))
    assert [one.tunnel and one.tunnel.words for one in deep.layers] == ["UDP 8472, VNI 1", "UDP 4789, VNI 2", None]
    assert deep.innermost == frame(PLAIN)


def test_an_error_about_an_outer_packet_is_about_the_packet_inside_too():
    found = opened(error(WRAPPED, 3, 3, NODE2, NODE1))
    assert NONCE in found.quoted.innermost.mark
    assert found.words == "port unreachable about a packet in UDP 8472, VNI 1"
    assert opened(error(PLAIN)).words == "network unreachable"


def test_what_is_kept_of_a_frame_is_enough_for_the_headers_inside():
    """The longest: an error in a tunnel, about a packet in a tunnel; each IPv4 header with options (60 bytes)."""
    options = lambda data: data[:14] + bytes([0x4F]) + data[15:34] + bytes(40) + data[34:]  # noqa: E731
    long = options(vxlan(options(error(PLAIN))))
    assert NONCE in opened(long[:SNAP]).innermost.quoted.mark
    assert NONCE in opened(error(vxlan(options(PLAIN)), 3, 3, NODE2, NODE1)[:SNAP]).quoted.innermost.mark


def test_of_a_packet_in_pieces_only_the_first_has_headers():
    piece = lambda at: WRAPPED[:20] + struct.pack("!H", 0x2000 | at) + WRAPPED[22:]  # noqa: E731
    assert opened(piece(0)).inside is not None
    assert opened(piece(185)).kind == "fragment"
    assert opened(piece(185)).layers == (frame(piece(185)),)


VALID = [PLAIN, WRAPPED, vxlan(vxlan(PLAIN)), error(WRAPPED), vxlan(error(PLAIN)), vxlan(arp(UP, A, NODE1, NODE2))]


@given(st.sampled_from(VALID), st.integers(0, 200))
def test_a_frame_may_be_cut_anywhere(data, length):
    found = frame(data[:length])
    assert found is None or len(USUAL.open(found).layers) <= 3


@given(st.sampled_from(VALID), st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=12), st.binary(max_size=80))
def test_garbage_is_no_crash(data, changes, tail):
    wrong = bytearray(data + tail)
    for at, value in changes:
        wrong[at % len(wrong)] = value
    for odd in (bytes(wrong), data[:50] + tail, tail):
        found = frame(odd)
        assert found is None or str(USUAL.open(found).innermost.words)


@given(st.binary(max_size=120), st.integers(0, 65535))
def test_whatever_is_behind_a_udp_header_is_no_crash(payload, port):
    found = opened(udp((A, GW), NODE1, NODE2, (40000, port), payload))
    assert found.inside is None or port in (4789, 8472)


def test_each_way_of_putting_a_packet_into_another_is_found_by_its_file():
    assert "vxlan" in {way.kind for way in encapsulations()}
