"""What can be clicked, without a browser: what the page sends is answered from the kernels, and what changes is shown."""

import json
import sys

import pytest

from live.page import Page
from podnet_lab import Lab, link, route
from podnet_lab.errors import BadInput, CannotRun, LabGone
from podnet_lab.widgets import live_topology


@pytest.fixture
def page(wired, monkeypatch):
    """One for which what tests do in quick succession are two things, as it is when somebody types them."""
    monkeypatch.setattr(live_topology, "AT_ONCE", 0)
    found = Page(wired.live_topology())
    found.send("seen")
    return found


def test_it_is_drawn_anew_when_a_shell_changes_the_kernel(wired, page):
    assert "unplugged" not in page.widget.svg
    wired["node1"].shell("ip link set dev veth-1-3-br nomaster")
    page.until(lambda one: "unplugged" in one.svg)
    # The one is told after the other.
    page.until(lambda one: "node1: - veth-1-3-br (veth) is up, plugged into v-net-0" in one.pane)
    assert "node1: + veth-1-3-br (veth) is up, other end" in page.widget.pane


def test_what_the_last_run_did_is_marked_as_a_whole_and_then_what_came_by_hand(wired, page):
    wired.add_pod("node2", "10.244.2.9")
    page.until(lambda one: "+ pod-2-9" in one.svg and "node2: + pod-2-9: route default" in one.pane)
    wired["node3"].shell("ip -n pod-3-2 addr add 10.244.3.99/24 dev veth-3-2")
    page.until(lambda one: "10.244.3.99" in one.pane)
    assert "pod-2-9:" not in page.widget.pane
    assert "+ pod-2-9" not in page.widget.svg


def test_two_runs_at_once_are_both_listed(wired, page, monkeypatch):
    monkeypatch.setattr(live_topology, "AT_ONCE", 60)
    wired["node1"].run(link.down("veth-1-2-br"))
    page.until(lambda one: "- veth-1-2-br (veth) is up" in one.pane)
    wired["node2"].run(link.down("veth-2-2-br"))
    page.until(lambda one: "- veth-2-2-br (veth) is up" in one.pane)
    assert "- veth-1-2-br (veth) is up" in page.widget.pane


def test_opened_in_the_middle_of_a_run_it_marks_that_run_alone(wired, monkeypatch):
    opened = Page(wired.live_topology())
    with monkeypatch.context() as running:
        running.setattr(type(wired), "busy", True)
        opened.send("seen")
        wired.add_pod("node2", "10.244.2.9")
    opened.send("seen")
    assert "node2: + pod-2-9: route default" in opened.widget.pane
    assert "pod-2-2" not in opened.widget.pane


def test_what_was_broken_for_somebody_to_find_is_not_told(wired, page):
    wired.add_pod("node1")
    page.until(lambda one: "Changed last" in one.pane)
    wired.break_something(seed=11)
    page.until(lambda one: "Changed last" not in one.pane)
    page.send("pick", key=["node1", None, None])
    assert "Changed last" not in page.widget.pane
    assert "+ pod-1-4" not in page.widget.svg
    wired.exercise("trouble-3")
    page.send("seen")
    assert "Changed last" not in page.widget.pane


def test_what_was_said_of_an_older_network_goes_with_it_and_an_error_stays(wired, page):
    wired["node2"].shell("sysctl -q -w net.ipv4.ip_forward=0")
    page.until(lambda one: "node2: - forwards" in one.pane)
    page.send("explain", source="pod-1-2", target="pod-2-2")
    assert "node2 does not forward" in page.widget.pane
    wired["node2"].shell("sysctl -q -w net.ipv4.ip_forward=1")
    page.until(lambda one: "FAIL" not in one.pane)
    page.send("trace", source="pod-1-2", target="pod-9-9")
    wired["node1"].shell("ip neigh add 10.244.1.200 lladdr 02:00:00:00:00:07 dev v-net-0")
    page.send("seen")
    assert "no Pod or node is called" in page.widget.pane


def test_a_packet_to_itself_has_no_way(page):
    page.send("trace", source="pod-1-2", target="pod-1-2")
    assert "never leaves it" in page.widget.pane


def test_a_widget_that_fails_says_so_and_the_others_go_on(wired, page, monkeypatch):
    broken = Page(wired.live_topology())
    broken.send("seen")
    panel = wired.stage_panel("bridge")
    monkeypatch.setattr(broken.widget, "refresh", lambda: [][0])
    monkeypatch.setattr(panel, "refresh", lambda: [][0])
    wired["node1"].shell("ip link set dev v-net-0 down")
    page.until(lambda one: "(down)" in one.svg)
    broken.until(lambda one: "IndexError" in one.pane)
    Page(panel._message).until(lambda one: "IndexError" in one.value)
    wired["node1"].shell("ip link set dev v-net-0 up")
    page.until(lambda one: "(down)" not in one.svg)


def test_nothing_is_drawn_while_nobody_looks(wired, page):
    page.send("gone")
    was = page.widget.svg
    other = Page(wired.live_topology())
    other.send("seen")
    wired["node1"].shell("ip link set dev v-net-0 down")
    other.until(lambda one: "(down)" in one.svg)
    assert page.widget.svg == was
    page.send("seen")
    assert "(down)" in page.widget.svg


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (["node1", None, None], ["It forwards packets", "10.244.2.0/24 via 192.168.1.12", "node1# ip route", "pod-1-3"]),
        (["node1", "pod-1-2", None], ["a Pod on node1", "10.244.1.2/24 on veth-1-2", "default via 10.244.1.1", "ip -n pod-1-2 neigh"]),
        (["node1", "pod-1-2", "veth-1-2"], ["veth, up", "10.244.1.2/24", "veth-1-2-br in node1"]),
        (["node1", None, "veth-1-2-br"], ["port of the bridge v-net-0", "veth-1-2 in pod-1-2", "learnt behind this port"]),
        (["node1", None, "v-net-0"], ["bridge, up", "10.244.1.1/24", "veth-1-3-br"]),
        (["outside", None, None], ["192.168.1.5/24", "does not forward"]),
    ],
)
def test_a_part_that_is_picked_tells_what_its_kernel_knows(page, key, words):
    assert json.dumps(key).replace('"', "&quot;") in page.widget.svg
    page.send("pick", key=key)
    assert [word for word in words if word not in page.widget.pane.replace("&#x27;", "'")] == []
    assert page.widget.picked == json.dumps(key)


def test_neighbours_are_those_of_now(wired, page):
    page.send("pick", key=["node1", "pod-1-2", None])
    assert "10.244.1.3 is at" not in page.widget.pane
    wired.ping("pod-1-2", "pod-1-3")
    page.until(lambda one: "10.244.1.3 is at" in one.pane)


def test_what_is_gone_is_said_to_be_gone(wired, page):
    page.send("pick", key=["node1", "pod-1-3", None])
    wired.remove_pod("pod-1-3")
    page.until(lambda one: "pod-1-3 is gone from node1" in one.pane)


def test_a_trace_is_played_hop_by_hop_and_goes_when_the_network_changes(wired, page):
    page.send("trace", source="pod-1-2", target="pod-3-2")
    hops = [hop for hop in page.widget.hops if not hop["arp"]]
    assert len(hops) == 16
    assert "leaves by veth-1-2 of pod-1-2" in hops[0]["html"]
    assert "time to live 63" in hops[3]["html"]
    assert "rewritten" in hops[3]["html"]
    assert "rewritten" not in hops[1]["html"]
    # Each begins where the one before it ended: the packet does not jump.
    ends = [hop["path"][-1] for hop in hops]
    assert [hop["path"][0] for hop in hops[1:]] == ends[:-1]
    wired["node2"].shell("ip link set dev v-net-0 down")
    page.until(lambda one: one.hops == [] and "(full: there" not in one.svg)


def test_a_trace_that_is_not_answered_says_why(wired, page):
    wired["node1"].run(route.remove("10.244.3.0/24"))
    page.send("trace", source="pod-1-2", target="pod-3-2")
    assert "not answered" in page.widget.pane
    assert "node1 has no route to 10.244.3.2" in page.widget.pane


def test_an_explanation_and_its_hints(wired, page):
    page.send("explain", source="pod-1-2", target="pod-3-2")
    assert "nothing is seen that would stop it" in page.widget.pane
    wired["node3"].shell("sysctl -q -w net.ipv4.ip_forward=0")
    page.send("explain", source="pod-1-2", target="pod-3-2")
    assert "node3 does not forward" in page.widget.pane
    assert "hint 3: the command that mends it" in page.widget.pane


def test_what_cant_be_done_is_said_beside_the_picture(page):
    page.send("trace", source="pod-1-2", target="pod-9-9")
    assert "no Pod or node is called &#x27;pod-9-9&#x27;" in page.widget.pane


def test_many_pods_are_folded_and_all_can_be_picked():
    with Lab.open(nodes=3, pods=30, name="many", where="namespaces") as lab:
        lab.build()
        page = Page(lab.live_topology())
        assert "+ 27 more Pods" in page.widget.svg, "all of them are new"
        page.send("pick", key=["node2", None, None])
        assert page.widget.pane.count("pod-2-") >= 30
        page.send("pick", key=["node2", "pod-2-31", None])
        assert "10.244.2.31/24" in page.widget.pane


def test_a_closed_lab_is_said_to_be_closed():
    with Lab.open(nodes=1, pods=1, name="closing", where="namespaces") as lab:
        page, panel = Page(lab.live_topology()), lab.stage_panel("bridge")
        page.send("seen")
    page.until(lambda one: "The lab is closed." in one.pane)
    page.send("pick", key=["node1", None, None])
    assert "The lab is closed." in page.widget.pane
    assert "to do" in repr(panel)
    with pytest.raises(LabGone):
        lab.live_topology()


def test_where_nothing_can_be_clicked_the_same_stands_as_a_picture_and_as_text(wired):
    live, still = wired.live_topology(), wired.topology()
    bundle, _ = live._repr_mimebundle_()
    assert (bundle["image/svg+xml"], bundle["text/plain"]) == (still.svg, repr(still))
    assert "data-key" not in bundle["image/svg+xml"]
    matrix = wired.matrix()
    bundle, _ = wired.live_matrix(matrix)._repr_mimebundle_()
    assert bundle["text/plain"] == str(matrix)
    assert bundle["image/svg+xml"].count("✓") == len(matrix) + 1
    bundle, _ = wired.stage_panel("bridge", node="node1")._repr_mimebundle_()
    assert bundle["text/plain"].count("✔ done") == bundle["text/html"].count("✔ done") == 3


def test_bad_input(running):
    with pytest.raises(BadInput, match="a Trace, as "):
        running.live_topology("pod-1-2")
    with pytest.raises(BadInput, match="a Matrix, as "):
        running.live_matrix("pod-1-2")
    with pytest.raises(BadInput, match="no stage is called 'bridges'"):
        running.stage_panel("bridges")
    with pytest.raises(BadInput, match="no node is called 'node9'"):
        running.stage_panel("bridge", "node9")
    with pytest.raises(BadInput, match="not in the cluster"):
        running.stage_panel("bridge", "outside")


def test_without_the_packages_of_notebooks_it_says_what_to_install(running, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.delitem(sys.modules, "podnet_lab.widgets.stage_panel", raising=False)
    with pytest.raises(CannotRun, match=r"podnet-lab\[notebooks\].*ipywidgets"):
        running.stage_panel("bridge")
