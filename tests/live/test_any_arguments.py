"""Whatever is given to a call of a lab: a result, or an error of ours that says what is meant; and the lab goes on."""

import inspect
import math

import pytest
from any_arguments import odd

from live.web_service import WEB
from podnet_lab import Lab, bridge, policies
from podnet_lab.errors import BadInput

VALUES = [None, -1, math.nan, 10**30, "", "nobody", "\ud800", "a\0b", b"x", ["x"], {"node1": 1}, object(), bridge.add("y")]
SLOW = {"live_topology", "live_matrix", "stage_panel", "build", "close", "open", "join", "resolve", "everyone", "reset", "give_up", "hint"}
CALLS = [name for name, _ in inspect.getmembers(Lab, inspect.isfunction) if not name.startswith("_") and name not in SLOW]

USUAL = {
    "node": "node1",
    "source": "pod-1-2",
    "target": "pod-2-2",
    "stage": "veth",
    "which": "addr-1",
    "recipe": {},
    "name": "pod-1-3",
    "port": 8080,
    "protocol": "tcp",
    "service": WEB,
    "script": "true",
    "output": lambda *_: None,
    "pod": "pod-1-2",
    "names": "node1",
    "wanted": WEB,
    "known": WEB,
    "address": "10.244.1.99",
    "patience": 0.05,
    "steps": bridge.add("q"),
}


@pytest.mark.nft
@pytest.mark.parametrize("name", CALLS)
def test_a_call_gives_a_result_or_says_what_is_meant(served, name):
    assert odd(name, getattr(served, name), USUAL, VALUES) == []
    assert served.alive
    assert served["node1"].shell("hostname") == "node1\n"


@pytest.mark.parametrize("name", ["run", "shell", "check", "snapshot"])
def test_a_nodes_calls_do_so_too(served, name):
    assert odd(name, getattr(served["node1"], name), USUAL, VALUES) == []


POD = "{apiVersion: v1, kind: Pod, metadata: {name: pod-1-2}}"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda lab: lab.ping("pod-1-2", "pod-2-2", patience=-1), "patience is a number of seconds from 0.01"),
        (lambda lab: lab.ping("pod-1-2", "pod-2-2", patience=math.nan), "patience is a number of seconds from 0.01"),
        (lambda lab: lab.run(bridge.add("x")), r"recipe is steps for each node, as \{'node1': \[step\]\}; .* lab\['node1'\].run\(step\)"),
        (lambda lab: lab.run({"node1": bridge.add("x")}), "recipe is steps for each node"),
        (lambda lab: lab["node1"].run([bridge.add("x")]), r"steps is a Step, as bridge.add\('v-net-0'\) makes it"),
        (lambda lab: lab.check_service("web"), "a Service, as service"),
        (lambda lab: lab.serve_names("pod-1-2", "web"), "a Service, as service"),
        (lambda lab: lab.apply(policies.load(POD)), r"apply: objects is a NetworkPolicy, Pod or .* a star .*: apply\(\*…\)"),
        (lambda lab: lab.apply("web"), r"a NetworkPolicy, Pod or Namespace, as \*policies.load\(\"…\"\) reads them, not 'web'$"),
        (lambda lab: lab["node1"].run(()), r"steps is a Step, as bridge.add\('v-net-0'\) makes it, not \(\)$"),
        (lambda lab: lab.break_something(fault=1), "fault is a Fault or text or None, not 1"),
        (lambda lab: lab.matrix(sample="all"), "sample is a whole number, 1 or more or None, not 'all'"),
        (lambda lab: lab.trace("pod-1-2", "pod-2-2", tcp=0), "0 is no port"),
        (lambda lab: lab.exercise(["route-1"]), "no exercise is called"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_meant(wired, call, says):
    with pytest.raises(BadInput, match=says):
        call(wired)


def test_an_exercise_says_what_lab_it_needs():
    with Lab.open(nodes=1, pods=2, name="small", where="namespaces") as lab:
        with pytest.raises(BadInput, match=r"route-1 needs 3 nodes with 2 Pods each, .* planned for 1 with 2: Lab.open\(nodes=3, pods=2"):
            lab.exercise("route-1")
        assert lab.snapshot()["node1"].spaces.keys() == {None}
