"""Tunnels on pictures: ends that lead to each other are joined, and a packet inside another has a wide line."""

import itertools
import re

import pytest
import world
from built_frames import EVERYBODY, GW, NONCE, UP, A, arp, echo
from built_frames import vxlan as wrapped

from podnet_lab import address, bridge, link, veth, vxlan
from podnet_lab.packets.encapsulations import Opener
from podnet_lab.packets.frames import frame
from podnet_lab.packets.hop import CapturedFrame
from podnet_lab.packets.trace import Trace, build, echoes
from podnet_lab.plan import plan
from podnet_lab.show.columns import GAP, POD_WIDTH, box_places, width
from podnet_lab.show.topology import NETWORK_BOTTOM, Topology, sketch
from podnet_lab.show.trace_player import film, headers
from podnet_lab.show.tunnels import joined

HOSTS = {f"node{n}": f"192.168.1.1{n}" for n in (1, 2, 3)}


def ends(*nodes, name="t0", vni=1, port=8472, cluster=None):
    """A cluster in which *nodes* have an end each; none knows of another."""
    cluster = cluster or world.wired(plan(3, 2))
    for node in nodes:
        cluster = world.change(cluster, node, vxlan.add(name, vni, local=HOSTS[node], port=port), link.up(name))
    return cluster


def knows(cluster, node, *others, name="t0"):
    """The same where the end of *node* knows where those of *others* are."""
    return world.change(
        cluster, node, *(vxlan.fdb_append(f"02:00:00:00:00:{n:02}", HOSTS[other], dev=name) for n, other in enumerate(others))
    )


def test_ends_are_joined_once_one_leads_to_another():
    apart = ends("node1", "node2", "node3")
    assert joined(apart) == []
    pair = knows(apart, "node1", "node2")
    assert joined(pair) == [[("node1", "t0"), ("node2", "t0")]]
    all_three = knows(pair, "node3", "node2")
    assert joined(all_three) == [[("node1", "t0"), ("node2", "t0"), ("node3", "t0")]]
    assert joined(knows(apart, "node1", "node2", "node3")) == joined(all_three)


@pytest.mark.parametrize("other", [{"vni": 2}, {"port": 4789}])
def test_ends_of_different_tunnels_are_not_joined(other):
    assert joined(knows(ends("node2", **other, cluster=ends("node1")), "node1", "node2")) == []


def dotted(svg):
    """The dotted lines, as lists of points."""
    found = re.findall(r'<polyline points="([^"]*)" class="s-(\w+)"[^>]*stroke-dasharray="0.1 5"', svg)
    return [([tuple(map(float, point.split(","))) for point in points.split()], colour) for points, colour in found]


def test_one_line_joins_all_ends_and_what_is_new_or_down_is_told_from_the_rest():
    before = knows(ends("node1", "node2", "node3"), "node1", "node2")
    now = knows(before, "node3", "node1")
    across, *drops = dotted(Topology(now).svg)
    assert len(drops) == 3
    assert across[0][0][1] == across[0][1][1], "it is level"
    assert [colour for _, colour in drops] == ["line"] * 3
    assert [colour for _, colour in dotted(Topology(now, before).svg)[1:]] == ["line", "line", "new"]
    down = world.change(now, "node2", link.down("t0"))
    assert [colour for _, colour in dotted(Topology(down).svg)[1:]] == ["line", "wrong", "line"]
    assert any("down, vxlan VNI 1, port 8472" in words for words in re.findall(r"<text[^>]*>([^<]*)</text>", Topology(down).svg))
    assert dotted(Topology(ends("node1", "node2")).svg) == []


def test_two_tunnels_have_two_lines_one_above_the_other():
    first = knows(ends("node1", "node2"), "node1", "node2")
    both = knows(ends("node1", "node2", name="t1", vni=2, cluster=first), "node1", "node2", name="t1")
    levels = {points[0][1] for points, _ in dotted(Topology(both).svg) if points[0][1] == points[1][1]}
    assert len(levels) == 2
    plain, more = (sketch(Topology(cluster))[0].height for cluster in (first, both))
    assert more > plain, "room for it"


def test_each_interface_has_a_place_of_its_own_within_the_node():
    node = ends("node1", name="t0", cluster=ends("node1", name="t1", vni=2))["node1"]
    node = world.change({"node1": node}, "node1", vxlan.add("t2", 3, local=HOSTS["node1"]))["node1"]
    across = width(node)
    places = sorted(box_places(node, across), key=lambda place: place[1])
    assert [one.name for one, _, _ in places] == ["t0", "t1", "t2"]
    for (_, left, wide), (_, following, _) in itertools.pairwise(places):
        assert left + wide < following
    assert places[0][1] >= 0
    assert places[-1][1] + places[-1][2] <= across - GAP
    many = {"node1": node}
    for number in range(9):
        many = world.change(many, "node1", vxlan.add(f"more{number}", 10 + number, local=HOSTS["node1"]))
    drawn = box_places(many["node1"], width(many["node1"]))
    assert min(left for _, left, _ in drawn) >= 0
    assert sum(wide for _, _, wide in drawn) < 6 * (POD_WIDTH + GAP)


def test_a_node_may_have_several_bridges_and_a_tunnel():
    cluster = knows(ends("node1", "node2"), "node1", "node2")
    cluster = world.change(cluster, "node1", bridge.add("br-b"), link.up("br-b"), address.add("10.77.0.1/24", dev="br-b"))
    _, anchors = sketch(Topology(cluster))
    assert {("node1", None, "br-b"), ("node1", None, "v-net-0"), ("node1", None, "t0"), ("node2", None, "t0")} <= set(anchors)
    assert len(dotted(Topology(cluster).svg)) == 3


def test_a_lab_without_tunnels_looks_as_ever():
    plain = world.wired(plan(2, 2))
    assert "ellipse" not in Topology(plain).svg
    assert dotted(Topology(plain).svg) == []
    loose = world.change(plain, "node1", veth.add("a", peer="b"))
    assert sketch(Topology(loose))[0].width == sketch(Topology(plain))[0].width


INSIDE = echo((A, GW), 63)


def traced(*where):
    """A trace of a packet seen at (node, interface, out, bytes)."""
    path = [
        CapturedFrame(node, None, dev, out, at, data, len(data), Opener({}).open(frame(data)))
        for at, (node, dev, out, data) in enumerate(where)
    ]
    return Trace.of(build({}, path, echoes(path, NONCE), "node1"), "a → b", answered=False)


def casings(svg):
    return re.findall(r'<polyline points="([^"]*)"[^>]*stroke-opacity', svg)


def test_from_its_way_into_the_tunnel_to_its_way_out_a_packet_has_a_wide_line():
    cluster = knows(ends("node1", "node2"), "node1", "node2")
    into = [("node1", "v-net-0", False, echo()), ("node1", "t0", True, INSIDE)]
    through = [("node1", "eth0", True, wrapped(INSIDE)), ("node2", "eth0", False, wrapped(INSIDE))]
    out = [("node2", "t0", False, INSIDE), ("node2", "v-net-0", True, echo(ttl=62))]
    counts = [
        len(casings(Topology(cluster, trace=traced(*way)).svg)) for way in (into, into + through[:1], into + through, into + through + out)
    ]
    assert counts == [0, 1, 2, 3]
    said = Topology(cluster, trace=traced(*into, *through, *out)).svg
    assert "where the line is wide, the packet is inside another: UDP 8472, VNI 1" in said
    assert "where the line is wide" not in Topology(cluster, trace=traced(*into)).svg


THROUGH = [
    ("node1", "v-net-0", False, echo()),
    ("node1", "t0", True, INSIDE),
    ("node1", "eth0", True, wrapped(INSIDE)),
    ("node2", "eth0", False, wrapped(INSIDE)),
    ("node2", "t0", False, INSIDE),
]


def rows(html):
    return [tuple(re.findall("<t[hd]>(.*?)</t[hd]>", row)) for row in re.findall("<tr>(.*?)</tr>", html)]


def test_a_film_has_the_packet_inside_another_until_it_comes_out():
    cluster = knows(ends("node1", "node2"), "node1", "node2")
    hops = film(traced(*THROUGH), sketch(Topology(cluster))[1], NETWORK_BOTTOM)
    assert [hop["wrapped"] for hop in hops] == [False, False, True, True, False]
    assert [hop["carried"] for hop in hops] == [False, False, True, True, True]
    asked = ("node1", "eth0", True, arp(UP, EVERYBODY, HOSTS["node1"], HOSTS["node2"]))
    hops = film(traced(*THROUGH[:3], asked, *THROUGH[3:]), sketch(Topology(cluster))[1], NETWORK_BOTTOM)
    assert [(hop["wrapped"], hop["carried"]) for hop in hops if hop["arp"]] == [(False, False)]


def test_the_headers_around_a_packet_stand_before_its_own_and_are_told_from_them():
    before, into, _, out = (rows(headers(hop)) for hop in traced(*THROUGH)[1:])
    assert [name for name, _ in before] == ["Ethernet", "", "IPv4", "", "carries"]
    outer, inner = ["outer Ethernet", "", "outer IPv4", "", "carries", "VXLAN"], ["inner Ethernet", "", "inner IPv4", "", "carries"]
    assert [name for name, _ in into] == [*outer, *inner]
    said = dict(into)
    assert said["VXLAN"] == "<b>UDP 8472, VNI 1; 104 bytes on the wire</b> ◆ put on"
    assert (said["outer IPv4"], said["inner IPv4"]) == ("192.168.1.11 → 192.168.1.12", "10.244.1.2 → 10.244.2.2")
    assert [words for name, words in into if name == "" and "live" in words] == ["time to live 64", "time to live 63"]
    assert [words for name, words in into if name == "carries"] == ["UDP port 40000 → 8472", "echo request"]
    assert out[0] == ("tunnel", "<b>UDP 8472, VNI 1</b> ◆ taken off")
    assert out[1:] == [(name, words.replace("<b>", "").replace("</b> ◆ rewritten", "")) for name, words in before]
