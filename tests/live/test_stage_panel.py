"""The panel of a stage, without a browser: its buttons run steps, and what is typed counts."""

from live.helpers import until
from podnet_lab import Lab, bridge
from podnet_lab.widgets.stage_panel import MOST_WHOLE


def click(panel, words):
    next(one for one in panel._buttons if one.description == words).click()


def test_the_steps_of_a_stage_one_after_the_other(lab):
    lab.goto("bridge")
    panel = lab.stage_panel("bridge", node="node1")
    assert panel.status == ["to do"] * 3
    click(panel, "Run")
    assert panel.status == ["done", "to do", "to do"]
    assert "+ v-net-0 (bridge) is down" in panel._list.value
    click(panel, "Verify")
    assert "v-net-0 is down" in panel._message.value
    click(panel, "Run all")
    assert panel.status == ["done"] * 3
    assert lab["node1"].check("bridge")
    click(panel, "Run")
    assert "Nothing is left to do" in panel._message.value
    click(panel, "Undo")
    assert panel.status == ["done", "to do", "to do"], "what was one run is undone as one"
    assert "10.244.1.1" not in str(lab["node1"].snapshot().own.addresses)


def test_of_many_steps_the_one_that_fails_is_marked():
    with Lab.open(nodes=1, pods=30, name="long", where="namespaces") as lab:
        lab.goto("veth")
        lab["node1"].shell("ip link add veth-1-3 type bridge")
        panel = lab.stage_panel("veth")
        assert len(panel.status) > MOST_WHOLE
        assert "overflow:auto" in panel._list.value
        click(panel, "Run all")
        failed = [step.command for (_, step), word in zip(panel._steps, panel.status, strict=True) if word == "failed"]
        assert failed == ["ip link add veth-1-3 type veth peer name veth-1-3-br"]
        lab["node1"].shell("ip link del veth-1-3")
        click(panel, "Run all")
        assert set(panel.status) == {"done"}


def test_a_panel_that_was_made_again_is_the_only_one_that_looks(lab, monkeypatch):
    lab.goto("bridge")
    panels = [lab.stage_panel("bridge") for _ in range(3)]
    looked = []
    for panel in panels:
        monkeypatch.setattr(panel, "refresh", lambda panel=panel: looked.append(panel))
    for name in ("br8", "br9"):  # the first change may be heard together with those of goto, which the first panels still look at
        looked.clear()
        lab["node1"].run(bridge.add(name))
        until(lambda: panels[-1] in looked)
    assert set(looked) == {panels[-1]}


def test_what_is_typed_counts(lab):
    lab.goto("bridge")
    panel = lab.stage_panel("bridge", node="node2")
    lab["node2"].shell("ip link add v-net-0 type bridge")
    until(lambda: "1 of 3 steps are done" in panel._list.value, 30)


def test_a_step_that_fails_says_why_and_can_be_run_when_that_is_mended(lab):
    lab.goto("bridge")
    lab["node1"].shell("ip link add v-net-0 type veth peer name other")
    panel = lab.stage_panel("bridge", node="node1")
    click(panel, "Run all")
    assert panel.status == ["failed", "to do", "to do"]
    assert "v-net-0 is a veth interface" in panel._message.value
    assert all(not button.disabled for button in panel._buttons)
    lab["node1"].shell("ip link del v-net-0")
    click(panel, "Run all")
    assert panel.status == ["done"] * 3


def test_nothing_to_undo_is_said(lab):
    lab.goto("bridge")
    panel = lab.stage_panel("bridge")
    click(panel, "Undo")
    assert "nothing to undo" in panel._message.value


def test_every_stage_has_a_panel_that_does_it(lab):
    lab.goto("namespaces")
    for stage in ("namespaces", "bridge", "veth", "addr", "route"):
        panel = lab.stage_panel(stage)
        assert "done" not in panel.status
        click(panel, "Run all")
        assert set(panel.status) == {"done"}
        assert panel._bar.value >= len(panel.status)
        assert lab.check(stage)
    assert lab.check()


def test_what_verify_said_says_when_the_network_has_changed_since(lab):
    lab.goto("bridge")
    panel = lab.stage_panel("bridge", node="node1")
    click(panel, "Run all")
    click(panel, "Verify")
    assert "before the last change" not in panel._message.value
    lab["node1"].shell("ip link set dev v-net-0 down")
    until(lambda: "As of before the last change" in panel._message.value)
    assert panel._message.value.count("As of before") == 1
    lab["node1"].shell("ip link set dev v-net-0 up")
    until(lambda: "As of before" not in panel._message.value)
    click(panel, "Run all")
    lab["node1"].shell("ip link set dev v-net-0 down")
    until(lambda: "1 of" not in panel._list.value)
    assert "As of before" not in panel._message.value, "only what was verified ages"
