"""One packet followed on the real kernel: every interface, in order, with what was rewritten where."""

import subprocess
from itertools import groupby

import pytest
from programs import installed

from live.helpers import UPLINK
from podnet_lab import forwarding, namespace, route, service
from podnet_lab.errors import BadInput

ACROSS = [
    ("pod-1-2", "veth-1-2", "out", 64, ""),
    ("node1", "veth-1-2-br", "in", 64, ""),
    ("node1", "v-net-0", "in", 64, ""),
    ("node1", UPLINK, "out", 63, "new Ethernet header"),
    ("node2", UPLINK, "in", 63, ""),
    ("node2", "v-net-0", "out", 62, "new Ethernet header"),
    ("node2", "veth-2-2-br", "out", 62, ""),
    ("pod-2-2", "veth-2-2", "in", 62, ""),
]


def short(hops):
    return [(one["place"], one["interface"], one["direction"], one["ttl"], one["news"]) for one in (hop.record for hop in hops)]


def back(hops):
    """The same way as it looks to the answer."""
    return [(place, dev, "in" if direction == "out" else "out") for place, dev, direction, _, _ in reversed(hops)]


def test_across_nodes_every_interface_and_nothing_else(wired):
    trace = wired.trace("pod-1-2", "pod-2-2")
    assert trace
    assert short(trace.way("there")) == ACROSS
    assert [one[:3] for one in short(trace.way("back"))] == back(ACROSS)
    assert {(one["source"], one["target"]) for one in trace.records if one["way"] == "there"} == {("10.244.1.2", "10.244.2.2")}
    assert "who has 10.244.1.1? tell 10.244.1.2" in str(trace)
    assert f"[node1 {UPLINK} → node2 {UPLINK}]" in str(trace)
    again = wired.trace("pod-1-2", "pod-2-2")
    assert "ARP" not in str(again), "who is known is not asked for again"
    assert short(again.way("there")) == ACROSS


def test_what_happened_is_told_in_its_order(wired):
    """Each question for a MAC stands where the echo had to wait for its answer."""
    steps = [(hop.way, hop.seen.place, hop.seen.dev) for hop in wired.trace("pod-1-2", "pod-2-2")]
    shown = [(way, place, len(list(hops))) for (way, place), hops in groupby(steps, lambda one: one[:2])]
    assert shown == [
        *[("ARP there", "pod-1-2", 1), ("ARP there", "node1", 5), ("ARP there", "pod-1-2", 1)],
        *[("there", "pod-1-2", 1), ("there", "node1", 2)],
        *[("ARP there", "node1", 1), ("ARP there", "node2", 2), ("ARP there", "node1", 1)],
        *[("there", "node1", 1), ("there", "node2", 1)],
        *[("ARP there", "node2", 3), ("ARP there", "pod-2-2", 2), ("ARP there", "node2", 2)],
        *[("there", "node2", 2), ("there", "pod-2-2", 1)],
        *[("back", "pod-2-2", 1), ("back", "node2", 3), ("back", "node1", 3), ("back", "pod-1-2", 1)],
    ]


def test_the_order_does_not_depend_on_when_the_kernel_begins_to_stamp_frames(wired):
    """It does so from a work queue, when the first capture has asked for it: often too late, if nobody waits."""
    wired.trace("pod-1-2", "pod-2-2")
    orders = {tuple((hop.seen.place, hop.seen.dev) for hop in wired.trace("pod-1-2", "pod-2-2")) for _ in range(40)}
    assert len(orders) == 1


def test_an_error_is_told_after_the_packet_that_caused_it(wired):
    wired["node2"].run(route.remove("10.244.1.0/24", via="192.168.1.11"))
    trace = wired.trace("pod-1-2", "pod-2-2", patience=0.3)
    assert list(dict.fromkeys(hop.way for hop in trace if not hop.way.startswith("ARP"))) == ["there", "back", "error"]
    assert str(trace).splitlines()[-1] == "seen last: node2, v-net-0, going in"


def test_on_one_node_nothing_is_rewritten(wired):
    trace = wired.trace("pod-1-2", "pod-1-3")
    assert [one[0] for one in short(trace.way("there"))] == ["pod-1-2", "node1", "node1", "pod-1-3"]
    assert not any(hop.news for hop in trace)
    assert {hop.seen.frame.ttl for hop in trace.way("there")} == {64}


def test_what_is_not_answered_says_where_it_was_seen_last(wired):
    wired["node2"].run(forwarding.off())
    trace = wired.trace("pod-1-2", "pod-2-2")
    assert not trace
    assert short(trace.way("there")) == ACROSS[:5]
    assert str(trace).splitlines()[-1] == f"seen last: node2, {UPLINK}, going in"
    wired["node2"].run(forwarding.on(), route.remove("10.244.1.0/24", via="192.168.1.11"))
    trace = wired.trace("pod-1-2", "pod-2-2")
    assert not trace
    assert short(trace.way("there")) == ACROSS
    assert [one[0] for one in short(trace.way("back"))] == ["pod-2-2", "node2", "node2"]


def test_an_error_is_shown_with_who_sends_it(wired):
    wired["node1"].run(route.remove("10.244.2.0/24", via="192.168.1.12"))
    trace = wired.trace("pod-1-2", "pod-2-2")
    assert [one["place"] for one in trace.records if one["way"] == "error"] == ["node1", "node1", "pod-1-2"]
    assert "10.244.1.1 → 10.244.1.2  ttl 64  network unreachable" in str(trace)


def test_a_big_packet_and_a_small_mtu(wired):
    wired["node1"].shell(f"ip link set {UPLINK} mtu 1300")
    try:
        assert wired.trace("pod-1-2", "pod-2-2", size=1300)
        assert {hop.seen.length for hop in wired.trace("pod-1-2", "pod-2-2", size=1300) if not hop.arp} == {1314}, "though not all is kept"
        trace = wired.trace("pod-1-2", "pod-2-2", size=1302)
        assert not trace
        assert "fragmentation needed" in str(trace)
    finally:
        wired["node1"].shell(f"ip link set {UPLINK} mtu 1500")


def test_a_packet_that_never_left(lab):
    lab["node1"].run(namespace.add("pod-1-2"))
    trace = lab.trace("pod-1-2", "node2")
    assert not trace
    assert list(trace) == []
    assert str(trace).splitlines()[-1] == "the packet was never seen: it did not leave its namespace"


def test_a_gateway_that_does_not_answer(wired):
    wired["node1"].shell("ip link set v-net-0 down")
    trace = wired.trace("pod-1-2", "node1")
    assert not trace
    assert trace.last is None
    assert "who has 10.244.1.1? tell 10.244.1.2" in str(trace)


def test_a_tcp_connection_through_a_service_shows_where_addresses_change(wired):
    wired.serve("pod-2-2")
    wired.services(service("web", "10.96.0.20", 80, ["10.244.2.2:8080"], node_port=30080))
    trace = wired.trace("pod-1-2", "10.96.0.20", tcp=80)
    assert trace
    there, answer = short(trace.way("there")), trace.way("back")
    assert [one[:4] for one in there] == [one[:4] for one in ACROSS]
    assert there[3][4] == "new Ethernet header, another destination"
    assert [hop.news for hop in answer if "another source" in hop.news] == [("new Ethernet header", "another source")]
    outside = wired.trace("outside", "192.168.1.11", tcp=30080)
    assert "another source, another destination" in str(short(outside.way("there")))
    wired.stop_serving("pod-2-2")
    assert wired.trace("pod-1-2", "10.96.0.20", tcp=80), "a refusal is an answer"


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("not of both", {"tcp": 80, "size": 100}),
        ("28 to 65507 bytes", {"size": 27}),
        ("no Pod or node is called", {"target": "nobody"}),
    ],
)
def test_bad_input(wired, words, given):
    with pytest.raises(BadInput, match=words):
        wired.trace(**{"source": "pod-1-2", "target": "pod-2-2"} | given)


def test_wireshark_opens_what_is_saved(wired, tmp_path):
    trace = wired.trace("pod-1-2", "pod-2-2")
    path = tmp_path / "trace.pcapng"
    assert trace.save(str(path)) == f"{len(trace)} frames of {len({(h.seen.place, h.seen.dev) for h in trace})} interfaces are in {path}"
    if installed("tcpdump"):
        said = subprocess.run(["tcpdump", "-nr", path], capture_output=True, text=True, check=True).stdout
        assert said.count("ICMP echo request") == 8
    assert b"pod-1-2:veth-1-2" in path.read_bytes()


def test_a_trace_is_drawn_on_the_network_with_a_cross_where_it_ends(wired):
    plain = wired.topology().svg
    good = wired.topology(wired.trace("pod-1-2", "pod-2-2"))
    assert "polyline" not in plain
    assert good.svg.count("<polyline") == 2
    assert [f">{number}</text>" in good.svg for number in (1, 16, 17)] == [True, True, False]
    assert repr(good).startswith("pod-1-2 → pod-2-2: one echo, answered")
    wired["node2"].shell("ip route del 10.244.1.0/24")
    lost = wired.topology(wired.trace("pod-1-2", "pod-2-2", patience=0.3)).svg
    crosses = [svg.count('class="s-wrong"') for svg in (plain, good.svg, lost)]
    assert crosses == [0, 0, 2]
    assert "not answered (full: there, dashed: back)" in lost
