"""A packet followed through a tunnel: in order, with outer and inner headers told apart, in text, table and records."""

import re
import struct

import pytest
from built_frames import GW, GW2, NONCE, UP, UP2, A, B, echo, error, ethernet, ipv4, seen, tcp, vxlan

from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.packets.encapsulations.base import Encapsulation
from podnet_lab.packets.frames import Tunnel, packet
from podnet_lab.packets.pieces import with_first_pieces
from podnet_lab.packets.trace import Trace, build, connection, echoes
from podnet_lab.show import html
from podnet_lab.show.trace_player import headers

VTEP1, VTEP2 = "02:00:00:00:01:01", "02:00:00:00:01:02"


def through_a_tunnel(clock2=0, router=()):
    """An echo from a Pod on node1 through a tunnel; node2's clock is *clock2* ahead."""
    inside = echo((VTEP1, VTEP2), 63)
    return [
        seen("node1", "cni0", False, 1, echo((A, GW), 64)),
        seen("node1", "flannel.1", True, 2, inside),
        seen("node1", "eth0", True, 3, vxlan(inside)),
        *router,
        seen("node2", "eth0", False, clock2 + 4, vxlan(inside, ttl=63 if router else 64)),
        seen("node2", "flannel.1", False, clock2 + 4, inside),
        seen("node2", "cni0", True, clock2 + 5, echo((GW2, B), 62)),
    ]


@pytest.mark.parametrize("clock2", [0, 10**12, -(10**12)])
def test_a_packet_is_followed_through_a_tunnel_though_clocks_differ(clock2):
    path = through_a_tunnel(clock2)
    hops = build({}, sorted(path, key=lambda one: one.time), echoes(path, NONCE), "node1")
    assert [hop.seen for hop in hops] == path
    assert [hop.news for hop in hops] == [
        (),
        ("new Ethernet header",),
        ("put into UDP 8472, VNI 1",),
        (),
        ("taken out of UDP 8472, VNI 1",),
        ("new Ethernet header",),
    ]
    if not clock2:
        assert build({}, path, echoes(path, NONCE), "node1", one_clock=True) == hops


@pytest.mark.parametrize("early", [-(10**12), 10**12])
def test_the_outer_packets_ttl_orders_the_nodes_that_pass_it_on(early):
    inside = echo((VTEP1, VTEP2), 63)
    router = [
        seen("router", "eth0", False, early + 1, vxlan(inside)),
        seen("router", "eth1", True, early + 2, vxlan(inside, macs=(GW2, B), ttl=63)),
    ]
    path = through_a_tunnel(router=router)
    hops = build({}, sorted(path, key=lambda one: one.time), echoes(path, NONCE), "node1")
    assert [hop.seen for hop in hops] == path
    assert hops[4].news == ("outer: new Ethernet header",)


def test_outer_and_inner_headers_are_told_apart():
    path = through_a_tunnel()
    cluster = {"node1": Snapshot("node1", {None: Namespace(None, {"eth0": Link("eth0", "veth", up=True, mac=UP)})})}
    hops = build(cluster, path, echoes(path, NONCE), "node1")
    bare, wrapped = hops[1].record, hops[2].record
    outer = [name for name in wrapped if name.startswith("outer_")] + ["tunnel", "vni"]
    assert {bare[name] for name in outer} == {None}
    assert all(wrapped[name] is not None for name in outer)
    assert (wrapped["ttl"], wrapped["from_mac"], wrapped["source"], wrapped["size"]) == (63, VTEP1, "10.244.1.2", bare["size"])
    assert (wrapped["outer_ttl"], wrapped["outer_from_mac"], wrapped["outer_from_interface"]) == (64, UP, "node1 eth0")
    assert (wrapped["outer_source"], wrapped["outer_source_port"], wrapped["outer_target_port"]) == ("192.168.1.11", 40000, 8472)
    assert (wrapped["length"] - bare["length"], wrapped["outer_size"] - wrapped["size"]) == (50, 50)
    above, below = str(hops[2]).splitlines()
    assert above.endswith(f"[node1 eth0 → {UP2}]       192.168.1.11 → 192.168.1.12  ttl 64  UDP 8472, VNI 1, {wrapped['length']} bytes")
    inner = f"10.244.1.2 → 10.244.2.2  ttl 63  echo request, {bare['length']} bytes  ← put into UDP 8472, VNI 1"
    assert below.lstrip() == f"└ [{VTEP1} → {VTEP2}] {inner}"
    assert above.index("[") == below.index("[")


def test_a_table_has_the_outer_headers_above_the_inner_ones():
    path = through_a_tunnel()
    shown = html.trace(Trace.of(build({}, path, echoes(path, NONCE), "node1"), "", True))
    rows = [re.findall("<td[^>]*>(.*?)</td>", row) for row in re.findall("<tr.*?</tr>", shown)][1:]
    assert [row[1] for row in rows] == [
        "node1 cni0",
        "node1 flannel.1",
        "node1 eth0",
        "",
        "node2 eth0",
        "",
        "node2 flannel.1",
        "node2 cni0",
    ]
    outer, inner = rows[2:4]
    assert outer[3:] == ["", f"{UP} → {UP2}", "192.168.1.11 → 192.168.1.12, ttl 64, UDP 8472, VNI 1, 104 bytes"]
    inside = ["└ " + words for words in (f"{VTEP1} → {VTEP2}", "10.244.1.2 → 10.244.2.2, ttl 63, echo request, 54 bytes")]
    assert inner == ["", "", "", "<b>into a tunnel</b>", *inside]
    assert rows[6][3] == "<b>out of a tunnel</b>"


class Ipip(Encapsulation):
    """An IPv4 packet in another, without a header between them: all that a new way of putting one into another has to say."""

    kind = "ipip"

    def open(self, outer, ports):
        inside = packet(outer.payload) if outer.kind == "protocol 4" else None
        return None if inside is None else (Tunnel("IPIP", "IPv4"), inside)


def test_a_new_way_of_putting_one_into_another_is_one_value(monkeypatch):
    monkeypatch.setattr("podnet_lab.packets.encapsulations.encapsulations", lambda: (Ipip(),))
    bare = echo((A, GW), 63)
    data = ethernet(UP, UP2) + ipv4("192.168.1.11", "192.168.1.12", 4, bare[14:])
    path = [seen("node1", "cni0", False, 1, echo()), seen("node1", "eth0", True, 2, data), seen("node2", "cni0", True, 3, bare)]
    hops = build({}, path, echoes(path, NONCE), "node1")
    assert [hop.news for hop in hops] == [(), ("put into IPv4",), ("taken out of IPv4",)]
    above, below = str(hops[1]).splitlines()
    assert above.endswith(f"[{UP} → {UP2}] 192.168.1.11 → 192.168.1.12  ttl 64  IPv4, {len(data)} bytes")
    assert below.split() == [
        "└",
        "10.244.1.2",
        "→",
        "10.244.2.2",
        "ttl",
        "63",
        "echo",
        "request,",
        "40",
        "bytes",
        "←",
        "put",
        "into",
        "IPv4",
    ]
    assert (hops[1].record["tunnel"], hops[1].record["vni"], hops[1].record["outer_source_port"]) == ("IPIP", None, None)
    assert "inner Ethernet" not in headers(hops[1])
    assert "inner IPv4" in headers(hops[1])


@pytest.mark.parametrize(("length", "words"), [(3, "node1, eth0, going out, inside UDP 8472, VNI 1"), (2, "node1, flannel.1, going out")])
def test_a_packet_that_is_lost_in_a_tunnel_says_inside_what_it_was(length, words):
    path = through_a_tunnel()[:length]
    assert str(Trace.of(build({}, path, echoes(path, NONCE), "node1"), "", False)).endswith(f"seen last: {words}")


def test_an_error_about_the_outer_packet_belongs_to_the_packet_inside():
    wrapped = vxlan(echo((VTEP1, VTEP2), 63))
    path = [*through_a_tunnel()[:4], seen("node2", "eth0", True, 9, error(wrapped, 3, 3, "192.168.1.12", "192.168.1.11"))]
    assert echoes(path, NONCE)["error"] == path[4:]
    syn = tcp("10.244.1.2", "10.244.2.2", (5000, 80), 77, 0, 2)
    path = [seen("node1", "eth0", True, 1, vxlan(syn)), seen("node2", "eth0", True, 9, error(vxlan(syn), 3, 3))]
    assert connection(path, None, 80) == {"there": path[:1], "back": [], "error": path[1:]}


def piece(data, at, more, body):
    """A frame of *data* that is one piece of its packet, with *body* after the IPv4 header."""
    cut = (at // 8) | (0x2000 if more else 0)
    return data[:16] + struct.pack("!HHH", 20 + len(body), 7, cut) + data[22:34] + body


@pytest.mark.parametrize("clock2", [0, -(10**12)])
def test_an_outer_packet_that_was_cut_is_followed_piece_by_piece(clock2):
    inside = echo((VTEP1, VTEP2), 63)
    outer = vxlan(inside)
    first, rest = piece(outer, 0, True, outer[34:]), piece(outer, 72, False, bytes(30))
    stranger = rest[:18] + b"\0\x08" + rest[20:]
    path = [
        seen("node1", "flannel.1", True, 2, inside),
        seen("node1", "eth0", True, 3, first),
        seen("node1", "eth0", True, 4, rest),
        seen("node1", "eth0", True, 4, stranger),
        seen("node2", "eth0", False, clock2 + 5, first),
        seen("node2", "eth0", False, clock2 + 6, rest),
        seen("node2", "flannel.1", False, clock2 + 7, inside),
    ]
    known = with_first_pieces(sorted(path, key=lambda one: one.time))
    hops = build({}, known, echoes(known, NONCE), "node1", one_clock=not clock2)
    assert [(hop.seen.node, hop.seen.dev, hop.seen.data) for hop in hops] == [
        (one.node, one.dev, one.data) for one in path if one.data != stranger
    ]
    assert [hop.news for hop in hops][1:] == [("put into UDP 8472, VNI 1",), (), (), (), ("taken out of UDP 8472, VNI 1",)]
    said = [str(hop).splitlines() for hop in hops]
    assert [len(lines) for lines in said] == [1, 2, 1, 2, 1, 1]
    assert said[1][0].endswith("ttl 64  UDP 8472, VNI 1, its first piece, 104 bytes")
    assert said[2][0].endswith("192.168.1.11 → 192.168.1.12  ttl 64  UDP 8472, VNI 1, its rest from byte 72 on, 64 bytes")
    later = hops[2].record
    assert (later["kind"], later["vni"], later["outer_source_port"], later["outer_size"], later["ttl"]) == ("echo request", 1, None, 50, 63)
    assert "its rest from byte 72 on; 64 bytes on the wire" in headers(hops[2])
    assert "inner" not in headers(hops[2])
    assert html.trace(Trace.of(hops, "", answered=True)).count("└") == 4


def test_a_file_says_what_wireshark_has_to_be_told(tmp_path):
    path = str(tmp_path / "a.pcapng")
    ways = (through_a_tunnel(), through_a_tunnel()[:2])
    said = [Trace.of(build({}, way, echoes(way, NONCE), "node1"), "", True).save(path) for way in ways]
    assert said[0] == f"6 frames of 6 interfaces are in {path}; to see what is inside the tunnel: wireshark -d udp.port==8472,vxlan {path}"
    assert said[1] == f"2 frames of 2 interfaces are in {path}"
