"""Names on pictures: whole where there is room, else cut so that one sees it and can tell them apart, and told on a page."""

import re
from dataclasses import replace
from html import unescape
from ipaddress import IPv4Address
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import world

from podnet_lab.checks.reachability import Endpoint, Matrix, Ping, Verdict
from podnet_lab.model.bgp import ESTABLISHED, BgpSession, BgpSpeaker
from podnet_lab.plan import plan
from podnet_lab.show import heatmap
from podnet_lab.show.canvas import CHARACTER, Canvas, clip, clip_middle
from podnet_lab.show.topology import Topology

WIRED = world.wired(plan(2, 2))
LONG = "web-deployment-7fb96c846b-"


def texts(svg):
    """What is written on a picture: each text with its left edge, and what a page tells where one points at it."""
    root, space = ElementTree.fromstring(svg), "{http://www.w3.org/2000/svg}"  # noqa: S314 - our own
    told = {group.find(f"{space}text"): group.findtext(f"{space}title") for group in root.iter(f"{space}g")}
    return [(text.text or "", float(text.get("x")), told.get(text)) for text in root.iter(f"{space}text")]


def named(name, link):
    """Node 1, whose first Pod is called *name*, and the node's end of that Pod's cable *link*."""
    node = WIRED["node1"]
    spaces = {}
    for space in node.spaces.values():
        links = {}
        for one in space.links.values():
            peer = (name, one.peer[1]) if one.peer and one.peer[0] == "pod-1-2" else one.peer
            peer = (None, link) if space.name == "pod-1-2" and one.peer else peer
            new = link if one.name == "veth-1-2-br" else one.name
            links[new] = replace(one, name=new, peer=peer)
        called = name if space.name == "pod-1-2" else space.name
        spaces[called] = replace(space, name=called, links=links)
    return {"node1": replace(node, spaces=spaces), "node2": WIRED["node2"]}


def test_the_longest_name_of_an_interface_is_there_as_a_whole_on_a_node_and_marked_as_new():
    cluster = named("pod-1-2", "calia5c4c0eec99")
    assert ("calia5c4c0eec99", None) in [(words, told) for words, _, told in texts(Topology(cluster).svg)]
    before = {**WIRED, "node1": replace(WIRED["node1"], spaces={None: WIRED["node1"].own})}
    last = texts(Topology(cluster, before).svg)
    assert "calia5c4c0eec99" in [words for words, *_ in last]


@pytest.mark.parametrize("network", [4, 2])
def test_names_of_neighbours_do_not_meet(network):
    cluster = world.wired(plan(2, network))
    node = cluster["node1"]
    names = {link.name: f"cali{number:011d}" for number, link in enumerate(node.own.links.values()) if link.peer}
    own = replace(
        node.own, links={names.get(name, name): replace(link, name=names.get(name, name)) for name, link in node.own.links.items()}
    )
    pods = {
        pod.name: replace(
            pod, links={n: replace(one, peer=(None, names[one.peer[1]])) if one.peer else one for n, one in pod.links.items()}
        )
        for pod in node.pods
    }
    written = [
        (x, words) for words, x, _ in texts(Topology({"node1": replace(node, spaces={None: own, **pods})}).svg) if words.startswith("cali")
    ]
    assert len(written) == network
    assert all(len(words) == 15 for _, words in written)
    written.sort()
    edges = [x for x, _ in written]
    assert all(after - before > 15 * CHARACTER for before, after in pairwise(edges))


def test_two_pods_of_one_deployment_are_told_apart_and_their_names_are_told_on_a_page():
    found = texts(Topology(named(f"{LONG}abcde", "v1")).svg)
    (words,) = [words for words, _, told in found if told == f"{LONG}abcde"]
    assert words.startswith("web-")
    assert "…" in words
    assert words.endswith("abcde")
    assert all(told is None or "…" in words for words, _, told in found), "what is whole needs no telling"


def test_what_is_cut_is_told_and_what_fits_is_not():
    canvas = Canvas(100, 20, "a", "b")
    canvas.text(0, 10, "twelve & one", within=5 * CHARACTER)
    canvas.text(0, 10, "short", within=5 * CHARACTER)
    assert [(words, told) for words, _, told in texts(canvas.svg())] == [("twel…", "twelve & one"), ("short", None)]
    assert clip("twelve", 5 * CHARACTER) == "twel…"
    assert clip_middle("web-7fb96c846b-abcde", 11 * CHARACTER) == "web-7…abcde"
    assert clip_middle("short", 5 * CHARACTER) == "short"


def test_long_names_of_a_matrix_are_told_apart():
    ends = [Endpoint(f"{LONG}{tail}", "node1", f"{LONG}{tail}", ("10.0.0.1",)) for tail in ("abcde", "zx9kq")]
    matrix = Matrix(Ping(one, other, Verdict.REACHED, "10.0.0.1") for one in ends for other in ends if one != other)
    found = texts(heatmap.draw(matrix))
    assert {told for _, _, told in found if told} == {end.name for end in ends}
    assert len({words for words, _, told in found if told}) == 2


def with_bird(*speaking):
    """Both nodes, of which some have a BIRD that has a session with the other."""
    other = {"node1": "192.168.1.12", "node2": "192.168.1.11"}
    state = ESTABLISHED if len(speaking) == 2 else "Active"
    return {
        name: replace(node, bgp=BgpSpeaker(None, (BgpSession("mesh", IPv4Address(other[name]), state),)) if name in speaking else None)
        for name, node in WIRED.items()
    }


def test_a_node_without_bird_says_so_where_others_have_one():
    words = "BGP: BIRD does not run here"
    assert Topology(with_bird("node1", "node2")).svg.count(words) == 0
    half = Topology(with_bird("node1"))
    assert half.svg.count(words) == 1
    assert re.search(rf'class="f-wrong"[^>]*>{words}', half.svg), "it is a fault, and looks like one"
    assert "BGP: 0 of 1 sessions" in half.svg
    assert "node2 runs no BIRD, and others do" in unescape(repr(half))
    assert words not in Topology(WIRED).svg, "the lesson's network has none, and lacks none"
    ended = Topology(with_bird(), with_bird("node1", "node2"))
    assert ended.svg.count(words) == 2, "all ended since"
