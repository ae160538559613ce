"""Pictures as values: what is marked on them, and what can be picked in a live one."""

import json
import re
from dataclasses import replace
from html import unescape
from ipaddress import IPv4Address, IPv4Network

import pytest
import world

from podnet_lab import address, bridge, forwarding, link, macvlan, namespace, route, veth, vxlan
from podnet_lab.checks.reachability import SILENCE, Endpoint, Matrix, Ping, Verdict
from podnet_lab.devices.roles import uplink
from podnet_lab.model import Link
from podnet_lab.plan import plan
from podnet_lab.policies import LabelledPod, NetworkPolicy, PlacedPod, PolicyCluster, compiled, node_steps
from podnet_lab.show import heatmap
from podnet_lab.show.topology import Topology, sketch
from podnet_lab.steps.route import AddRoute

WIRED = world.wired(plan(2, 2))
A, B, C = (Endpoint(name, "node1", name, ("10.0.0.1",)) for name in ("pod-a", "pod-b", "pod-c"))


def parts(svg):
    """What can be picked: keys by labels."""
    found = re.findall(r'class="part" data-key="([^"]*)" role="button" tabindex="0" aria-label="([^"]*)"', svg)
    return {unescape(label): tuple(json.loads(unescape(key))) for key, label in found}


def test_everything_on_a_live_topology_can_be_picked_and_nothing_on_a_still_one():
    shown = Topology(WIRED)
    found = parts(sketch(shown, live=True)[0].svg())
    assert found["Pod pod-1-2"] == ("node1", "pod-1-2", None)
    assert found["interface veth-1-2 of pod-1-2"] == ("node1", "pod-1-2", "veth-1-2")
    assert found["interface veth-1-2-br of node1"] == ("node1", None, "veth-1-2-br")
    assert found["bridge v-net-0 of node2"] == ("node2", None, "v-net-0")
    assert found["interface eth0 of node2"] == ("node2", None, "eth0")
    assert found["node node1"] == ("node1", None, None)
    assert len(found) == 2 * (1 + 1 + 1 + 2 * 3)
    assert parts(shown.svg) == {}


def texts(cluster, before=None):
    return re.findall(r"<text[^>]*>([^<]*)</text>", Topology(cluster, before).svg)


def policed(*types):
    """The wired cluster with a policy that isolates pod-1-2 alone."""
    pod = PlacedPod(LabelledPod("pod-1-2"), IPv4Address("10.244.1.2"), "node1")
    cluster = PolicyCluster((pod,), policies=(NetworkPolicy("deny", types=types),))
    return world.change(WIRED, "node1", *node_steps(cluster, compiled(cluster), "node1", bridged=False))


def test_a_pod_that_a_policy_isolates_has_a_lock_with_its_directions_and_the_text_names_the_policy():
    both = policed("Ingress", "Egress")
    assert [word for word in texts(both) if word in ("in", "out", "in, out")] == ["in, out"]
    assert Topology(both).svg.count("<path") == 1
    assert "pod-1-2 is isolated for ingress by default/deny\npod-1-2 is isolated for egress by default/deny" in repr(Topology(both))
    assert "+ in" in texts(policed("Ingress"), WIRED)
    assert "+ in, out" in texts(both, policed("Ingress"))
    gone = Topology(WIRED, policed("Egress")).svg
    assert "− out" in gone
    assert "<path" not in gone
    assert "isolated" not in repr(Topology(WIRED))


def test_each_bridge_of_a_node_is_drawn_above_its_own_pods():
    blue = [namespace.add("blue"), veth.add("b1-br", peer="b1", peer_namespace="blue"), link.up("b1-br"), link.up("b1", namespace="blue")]
    second = [bridge.add("br-b"), link.up("br-b"), address.add("10.77.0.1/24", dev="br-b"), *blue]
    unplugged = world.change(WIRED, "node1", *second)
    bridges = [word[:7].strip() for word in texts(unplugged) if word.startswith(("v-net-0", "br-b "))]
    assert bridges == ["br-b  1", "v-net-0", "v-net-0"]
    assert texts(unplugged).count("unplugged") == 1
    plugged = world.change(unplugged, "node1", veth.plug("b1-br", into="br-b"))
    assert "unplugged" not in texts(plugged)
    found = parts(sketch(Topology(plugged), live=True)[0].svg())
    assert {("node1", None, "br-b"), ("node1", None, "v-net-0"), ("node1", "blue", "b1")} <= set(found.values())


def test_what_is_neither_bridge_nor_cable_is_a_box_with_its_kind():
    made = world.change(WIRED, "node1", vxlan.add("flannel.1", 1, local="192.168.1.11", port=8472), macvlan.add("mv0", "eth0"))
    words = texts(made)
    assert "flannel.1" in words
    assert next(word for word in words if word.startswith("down, vxlan"))
    assert next(word for word in words if word.startswith("down, macvlan"))
    odd = {**made["node1"].own.links, "wg0": Link("wg0", "wireguard", up=True)}
    cluster = made | {"node1": replace(made["node1"], spaces=made["node1"].spaces | {None: replace(made["node1"].own, links=odd)})}
    assert "wireguard" in texts(cluster)
    assert "+ flannel.1" in texts(made, WIRED)


def test_a_tunnel_that_the_kernel_brought_is_not_the_way_to_the_other_nodes():
    links = {"tunl0": Link("tunl0", "ipip", up=True, index=1), **WIRED["node1"].own.links}
    node = replace(WIRED["node1"], spaces=WIRED["node1"].spaces | {None: replace(WIRED["node1"].own, links=links)})
    assert uplink(node).name == "eth0"
    assert "eth0 192.168.1.11/24" in texts(WIRED | {"node1": node})
    assert "tunl0" not in " ".join(texts(WIRED | {"node1": node}))


def test_a_live_picture_shows_what_a_still_one_shows():
    live, still = (
        re.findall(r"<text[^>]*>([^<]*)</text>", svg) for svg in (sketch(Topology(WIRED), live=True)[0].svg(), Topology(WIRED).svg)
    )
    assert live == still
    assert "pod-1-2" in live


def test_a_name_may_hold_anything():
    odd = 'a"b<c>&'
    spaces = {**WIRED["node1"].spaces, odd: replace(WIRED["node1"].spaces["pod-1-2"], name=odd)}
    cluster = {**WIRED, "node1": replace(WIRED["node1"], spaces=spaces)}
    found = parts(sketch(Topology(cluster), live=True)[0].svg())
    assert ("node1", odd, None) in found.values()


def cell(ping):
    return heatmap.draw(Matrix([ping, Ping(B, A, Verdict.REACHED, "10.0.0.1")])).split("✓ reached ·")[0]


def test_what_the_snapshots_explain_looks_different_from_what_nobody_can():
    explained = cell(Ping(A, B, Verdict.NO_REPLY, why="node1 has no route"))
    silent = cell(Ping(A, B, Verdict.NO_REPLY, why=SILENCE))
    translated = cell(Ping(A, B, Verdict.TRANSLATED, "10.0.0.9"))
    assert ("stroke-dasharray" in explained, 'stroke-width="2.6"' in explained) == (True, False)
    assert ("stroke-dasharray" in silent, 'stroke-width="2.6"' in silent) == (False, True)
    assert ("stroke-dasharray" in translated, 'stroke-width="2.6"' in translated) == (False, True)


def test_of_very_many_those_with_most_failures_are_drawn():
    everyone = [Endpoint(f"pod-{number}", "node1", f"pod-{number}", (f"10.0.0.{number}",)) for number in range(40)]
    bad = everyone[35]
    pings = [
        Ping(one, other, Verdict.NO_REPLY if bad in (one, other) else Verdict.REACHED)
        for one in everyone
        for other in everyone
        if one != other
    ]
    drawn = heatmap.chosen(Matrix(pings))
    assert len(drawn) == heatmap.MOST
    assert bad in drawn
    assert drawn == sorted(drawn, key=everyone.index)
    assert "the 30 of 40 with most failures" in heatmap.draw(Matrix(pings))


def test_a_loose_cable_and_a_port_elsewhere_can_be_picked_too():
    cluster = world.change(WIRED, "node1", veth.unplug("veth-1-2-br"))
    assert "interface veth-1-2-br of node1" in parts(sketch(Topology(cluster), live=True)[0].svg())


ONE = {"node1": WIRED["node1"]}


def marked(*steps, before=ONE):
    """The words that are marked after some steps, each with a plus or a minus, and thick; the list below them aside."""
    svg = Topology(world.change(before, "node1", *steps), before).svg.split("Changed last")[0]
    found = re.findall(r"<text[^>]*>([+−] [^<]*)</text>", svg)
    assert set(found) <= set(re.findall(r'<text[^>]*font-weight="bold"[^>]*>([^<]*)</text>', svg)), "everywhere by the same mark"
    return found


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([address.add("10.244.1.99/24", dev="v-net-0")], ["+ v-net-0  10.244.1.1/24, 10.244…"]),
        ([address.remove("10.244.1.2/24", dev="veth-1-2", namespace="pod-1-2")], ["− 10.244.1.2/24", "− → 10.244.1.1"]),
        ([route.remove("default", namespace="pod-1-2")], ["− → 10.244.1.1"]),
        ([link.down("veth-1-2-br")], ["+ down"]),
        ([veth.unplug("veth-1-2-br")], ["+ unplugged"]),
        ([route.remove("10.244.2.0/24")], ["− 10.244.2.0/24 via 192.168.1.12"]),
        ([forwarding.off()], ["+ does not forward"]),
        ([link.down("eth0")], ["+ eth0 192.168.1.11/24 (down)", "− 10.244.2.0/24 via 192.168.1.12"]),
        ([link.down("v-net-0")], ["+ v-net-0  10.244.1.1/24  (down)"]),
        ([address.add("192.168.1.77/24", dev="eth0")], ["+ eth0 192.168.1.11/24, 192.168.1…"]),
        ([namespace.add("red")], ["+ red"]),
        ([veth.add("a", peer="b")], ["+ loose cable a — b"]),
        ([namespace.remove("pod-1-2")], []),
    ],
)
def test_all_that_changed_is_marked_and_by_the_same_mark(steps, words):
    assert marked(*steps) == words


def test_what_is_mended_is_marked_too():
    for breaks, mends, words in (
        (link.down("veth-1-2-br"), link.up("veth-1-2-br"), "+ up"),
        (veth.unplug("veth-1-2-br"), veth.plug("veth-1-2-br", into="v-net-0"), "+ plugged in"),
    ):
        assert marked(mends, before=world.change(ONE, "node1", breaks)) == [words]


def test_what_changed_is_listed_in_a_still_picture_and_its_text():
    shown = Topology(world.change(ONE, "node1", namespace.remove("pod-1-2"), route.remove("10.244.2.0/24")), ONE)
    for words in (repr(shown), re.sub("<[^>]*>", "\n", shown.svg.split("</desc>")[1])):
        assert "node1: - namespace pod-1-2" in words
        assert "node1: - route 10.244.2.0/24 via 192.168.1.12" in words
    assert "changed last" not in repr(Topology(ONE, ONE)).lower()
    assert "Changed last" not in sketch(shown, live=True)[0].svg(), "it has a pane for that"


def test_of_a_route_of_another_table_the_table_stands_first_where_nothing_cuts_it_off():
    to = IPv4Network("10.9.0.0/16")
    assert marked(AddRoute(to, IPv4Address("192.168.1.12"), table=101))[0].startswith("+ table 101: 10.9.0.0/16 via ")
    assert marked(AddRoute(to, IPv4Address("192.168.1.12"))) == ["+ 10.9.0.0/16 via 192.168.1.12"]


def test_of_many_routes_those_that_changed_are_drawn():
    many = world.change(ONE, "node1", *(route.add(f"10.9.{number}.0/24", via="192.168.1.12") for number in range(9)))
    words = texts(world.change(many, "node1", route.remove("10.9.7.0/24")), many)
    assert "− 10.9.7.0/24 via 192.168.1.12" in words


def test_a_change_of_a_pod_that_is_folded_up_marks_the_fold():
    many = {"node1": world.wired(plan(1, 6))["node1"]}
    assert marked(link.down("veth-1-7-br"), before=many) == ["+ 3 more Pods"]


def test_rows_and_columns_of_a_matrix_have_their_pods_names():
    for many in (2, 30):
        everyone = [Endpoint(f"pod-{number}", "node1", f"pod-{number}", (f"10.0.0.{number}",)) for number in range(many)]
        svg = heatmap.draw(Matrix(Ping(one, other, Verdict.REACHED) for one in everyone for other in everyone if one != other))
        for upwards in (True, False):
            named = re.findall(r"<text([^>]*)>(pod-\d+)</text>", svg)
            assert [words for look, words in named if ("rotate" in look) is upwards] == [one.name for one in everyone]
    odd = [Endpoint("x" * 63, "node1", "x" * 63, ("10.0.0.1",)), A]
    assert f">{'x' * 9}…{'x' * 10}</text>" in heatmap.draw(Matrix([Ping(*odd, Verdict.REACHED)]))
