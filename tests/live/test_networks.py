"""Pod networks on a real kernel: one that nobody has seen before does what the lesson's does, and facts are measured."""

import pytest
from toy_network import NETWORK as TOY

from live.helpers import everything
from podnet_lab import Lab
from podnet_lab.errors import BadInput, LabError
from podnet_lab.networks import registry


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
    assert wired.trace("pod-1-2", "pod-2-2", size=facts.mtu)
    assert wired["node1"].snapshot().link("pod-1-2", "veth-1-2").mtu == facts.mtu
    assert not wired.explain("pod-1-2", "pod-2-2", size=facts.mtu + 1)
    before = wired["node1"].snapshot()
    wired.add_pod("node2")
    assert wired["node1"].snapshot().own.routes == before.own.routes, f"per remote Pod: {facts.per_remote_pod}"
    assert len([route for route in before.own.routes if route.via]) == len(wired.nodes) - 1, f"per remote node: {facts.per_remote_node}"
