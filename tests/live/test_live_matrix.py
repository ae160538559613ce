"""The matrix that can be clicked, without a browser."""

from live.page import Page
from podnet_lab import link


def test_a_pair_that_is_picked_says_what_came_of_it_and_why(wired):
    wired["node1"].run(link.down("veth-1-3-br"))
    page = Page(wired.live_matrix())
    page.send("pick", key=["pod-1-2", "pod-2-2"])
    assert "reached, and pod-2-2 saw 10.244.1.2" in page.widget.pane
    page.send("pick", key=["pod-1-3", "pod-2-2"])
    assert "no reply" in page.widget.pane
    assert "stopped at node1" in page.widget.pane
    wired.undo()
    page.send("ping", key=["pod-1-3", "pod-2-2"])
    assert "reached, and pod-2-2 saw 10.244.1.3" in page.widget.pane
    assert (page.widget.matrix.reached, len(page.widget.matrix)) == (21, 30)
    page.send("trace", key=["pod-1-3", "pod-2-2"])
    assert "one echo, answered" in page.widget.pane
    page.send("again")
    assert page.widget.matrix.reached == 30


def test_a_trace_can_be_given(wired):
    trace = wired.trace("pod-1-2", "pod-2-2")
    live = wired.live_topology(trace)
    assert live.ends == ["pod-1-2", "pod-2-2"]
    assert "one echo, answered" in live.pane
    assert live._repr_mimebundle_()[0]["image/svg+xml"] == wired.topology(trace).svg
    assert len(live.hops) == len(trace)
    wired["node3"].shell("ip link set dev v-net-0 down")
    assert "The network has changed since" in wired.live_topology(trace).pane
    live.play(wired.trace("pod-1-2", "pod-2-2"))
    live.refresh()
    assert live.hops, "it was taken in this network"


def test_a_matrix_says_when_the_network_is_another_one(wired):
    page = Page(wired.live_matrix())
    page.send("seen")
    assert page.widget.note == ""
    wired["node1"].shell("ip link set dev veth-1-3-br nomaster")
    page.until(lambda one: "has changed" in one.note)
    page.send("again")
    assert (page.widget.note, page.widget.matrix.reached) == ("", 20)
    page.send("pick", key=["pod-1-2", "pod-9-9"])
    assert "was not tried" in page.widget.pane


def test_a_matrix_of_nobody_says_what_to_do(lab):
    assert "There is no pair of Pods yet" in lab.live_matrix().pane


def test_a_matrix_of_which_not_all_pairs_are_reached_has_pairs(wired):
    wired["node1"].run(link.down("veth-1-3-br"))
    page = Page(wired.live_matrix())
    assert "Click a pair" in page.widget.pane
    page.send("again")
    assert "Click a pair" in page.widget.pane
    assert "no pair of Pods" not in page.widget.pane


def test_what_was_said_of_a_pair_says_when_the_network_has_changed_since(wired):
    page = Page(wired.live_matrix())
    page.send("seen")
    page.send("pick", key=["pod-1-3", "pod-2-2"])
    assert "before the last change" not in page.widget.pane
    wired["node1"].shell("ip link set dev veth-1-3-br nomaster")
    page.until(lambda one: "As of before the last change" in one.pane)
    assert page.widget.pane.count("As of before") == 1
    page.send("pick", key=["pod-1-3", "pod-2-2"])
    assert "before the last change" not in page.widget.pane
    assert "stopped at node1" in page.widget.pane
