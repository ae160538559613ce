"""Pod networks on a real kernel: one that nobody has seen before does what the lesson's does, and facts are measured."""

import pytest
from toy_network import NETWORK as TOY

from live.helpers import everything
from podnet_lab import Lab
from podnet_lab.backends import joined, running_labs
from podnet_lab.cli.demo import play
from podnet_lab.errors import BadInput, CannotRun, LabError, NoLab
from podnet_lab.networks import registry
from podnet_lab.networks.base import Need


@pytest.fixture(scope="module")
def strange():
    with Lab.open(name="strange", network=TOY) as lab:
        yield lab


def test_a_network_of_ones_own_is_wired_checked_and_left_stage_by_stage(strange):
    assert strange.network is TOY
    empty = everything(strange)
    strange.goto("ways")
    assert strange.check("cables")
    assert not strange.check("ways")
    assert not strange["node1"].check("ways")
    assert not strange.check()
    strange.run(TOY.before("done", strange.plan))
    assert strange["node1"].check("ways")
    exam = strange.check()
    assert exam, exam
    assert exam.matrix.total == 30
    strange.undo()
    assert not strange.check("ways")
    strange.goto("cables")
    assert everything(strange) == empty


def test_pods_come_and_go_as_their_network_has_them(strange):
    strange.reset()
    strange.build()
    made = strange.add_pod("node1")
    assert made.pod.name == "pod-1-4"
    assert strange.ping("pod-1-4", "pod-3-2")
    assert strange.explain("pod-1-4", "pod-3-2")
    strange.remove_pod("pod-1-4")
    assert "pod-1-4" not in strange["node1"].snapshot().spaces
    assert "v-net-0" not in str(strange.topology())


def test_its_panel_has_the_steps_of_its_stage(strange):
    strange.goto("ways")
    panel = strange.stage_panel("ways", "node1")
    assert panel.status == ["to do"] * 3
    strange["node1"].run(*TOY.steps("ways", strange.plan["node1"], strange.plan))
    assert panel.status == ["done"] * 3
    with pytest.raises(BadInput, match="no stage is called 'bridge'; there are cables, ways"):
        strange.stage_panel("bridge")


def test_its_script_and_its_stages_are_its_own(strange):
    assert "169.254.1.1" in strange.script("node1")
    with pytest.raises(BadInput, match="no stage is called 'bridge'; there are cables, ways, done, services"):
        strange.goto("bridge")


def test_the_same_lab_with_another_network_is_refused(strange):
    assert Lab.open(name="strange", network=TOY) is strange
    with pytest.raises(LabError, match="open with the network toy"):
        Lab.open(name="strange", network="static_routes")
    with pytest.raises(BadInput, match="no network is called 'flanel'"):
        Lab.open(name="fresh", network="flanel")


def test_whoever_joins_asks_the_same_network_or_learns_that_it_is_unknown(strange, wired):
    assert joined.find("facts").network == "static_routes"
    with Lab.join("facts") as other:
        assert other is not wired
        assert other.network is wired.network
    with pytest.raises(NoLab, match="'strange' can't be joined: no network is called 'toy'"):
        Lab.join("strange")


def test_an_exercise_about_the_lessons_network_is_not_begun_in_another(strange):
    before = everything(strange)
    with pytest.raises(BadInput, match="bridge-1 is about the network static_routes, and this lab's is toy"):
        strange.exercise("bridge-1")
    assert everything(strange) == before


def test_its_demo_has_its_own_stages_and_titles():
    lines = []
    record = play(2, 2, lines.append, network=TOY)
    assert record["ok"], record
    assert [stage["stage"] for stage in record["stages"]] == ["cables", "ways"]
    titles = [line.strip() for line in lines if line.startswith("\nStage")]
    assert titles == ["Stage 1: a cable and a route for each Pod", "Stage 2: a route to each other node"]


@pytest.mark.parametrize("programs", [["no-such-program"], ["no-such-program", "sh", "no $(other)"]])
def test_what_a_network_needs_and_a_node_has_not_is_named_with_what_installs_it(programs):
    needs = tuple(Need(program, f"package-of-{number}") for number, program in enumerate(programs))
    network = type("Needing", (type(TOY),), {"name": "needing", "needs": needs})()
    with pytest.raises(CannotRun) as refusal:
        Lab.open(nodes=1, pods=1, name="needing", where="namespaces", network=network)
    absent = [need for need in needs if need.program != "sh"]
    words = f"the network needing needs {' and '.join(need.program for need in absent)}, which node1 does not have"
    assert str(refusal.value) == f"{words}: sudo apt install {' '.join(need.package for need in absent)}"
    assert "needing" not in [entry.name for entry in running_labs.labs()], "nothing is left of it"


def test_a_network_whose_needs_are_there_opens():
    network = type("Content", (type(TOY),), {"name": "content", "needs": (Need("sh", "dash"),)})()
    with Lab.open(nodes=1, pods=1, name="content", where="namespaces", network=network) as lab:
        assert lab.network is network


@pytest.fixture(scope="module")
def wired():
    with Lab.open(name="facts") as lab:
        lab.goto("done")
        yield lab


def test_the_facts_of_the_lessons_network_are_what_is_measured(wired):
    facts = registry.find().facts
    trace = wired.trace("pod-1-2", "pod-2-2")
    there = [hop for hop in trace if hop.way == "there"]
    assert there[-1].seen.frame.ttl == facts.ttl
    on_the_wire = next(hop for hop in there if (hop.seen.node, hop.seen.namespace, hop.seen.dev) == ("node1", None, "eth0"))
    in_the_pod = next(hop for hop in there if hop.seen.namespace == "pod-1-2")
    assert on_the_wire.seen.length - in_the_pod.seen.length == facts.overhead
    size = 84  # bytes of an echo as ping sends it, headers included; 14 more are Ethernet's
    echoes = [hop for hop in wired.trace("pod-1-2", "pod-2-2", size=size) if hop.way == "there"]
    lengths = {hop.seen.length for hop in echoes if (hop.seen.node, hop.seen.namespace, hop.seen.dev) == ("node1", None, "eth0")}
    assert lengths == {size + 14 + facts.overhead}
    assert wired.ping("pod-1-2", "pod-2-2").seen_as == "10.244.1.2", f"what a Pod sees: {facts.pod_sees}"
    assert wired.trace("pod-1-2", "pod-2-2", size=facts.mtu)
    assert wired["node1"].snapshot().link("pod-1-2", "veth-1-2").mtu == facts.mtu
    assert not wired.explain("pod-1-2", "pod-2-2", size=facts.mtu + 1)
    before = wired["node1"].snapshot()
    wired.add_pod("node2")
    assert wired["node1"].snapshot().own.routes == before.own.routes, f"per remote Pod: {facts.per_remote_pod}"
    assert len([route for route in before.own.routes if route.via]) == len(wired.nodes) - 1, f"per remote node: {facts.per_remote_node}"
