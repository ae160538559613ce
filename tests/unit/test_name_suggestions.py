"""What is said of a name that there is not."""

from copy import copy

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from podnet_lab import errors
from podnet_lab.checks.reachability import Endpoint, expectation
from podnet_lab.exercises import catalogue
from podnet_lab.lab.endpoint_lookup import endpoint
from podnet_lab.lab.fault_injection import fault_called
from podnet_lab.lab.lab import Lab
from podnet_lab.lab.node import Node
from podnet_lab.name_suggestions import choices, near, no_such, suggest_attribute
from podnet_lab.networks import registry
from podnet_lab.plan import plan
from podnet_lab.steps import forwarding
from podnet_lab.steps.nft.steps import chain


@pytest.mark.parametrize(
    ("name", "meant"),
    [("brige", "bridge"), ("Bridge", "bridge"), ("veht", "veth"), ("adr", "addr"), ("zebra", None), ("", None), (7, None), (None, None)],
)
def test_a_name_that_is_one_slip_off(name, meant):
    assert near(name, ["namespaces", "bridge", "veth", "addr", "route", "done"]) == meant


@pytest.mark.parametrize(
    ("name", "meant"), [("node9", None), ("noed2", "node2"), ("pod-1-9", None), ("pod1-2", "pod-1-2"), ("pod_2-2", "pod-2-2")]
)
def test_another_number_is_no_slip(name, meant):
    assert near(name, ["node1", "node2", "node3", "pod-1-2", "pod-2-2", "pod-2-1"]) == meant


def test_what_is_said():
    assert no_such("stage", "brige", ["bridge", "veth"]) == "no stage is called 'brige'; did you mean 'bridge'? There are bridge, veth"
    assert no_such("stage", "zebra", ["bridge", "veth"]) == "no stage is called 'zebra'; there are bridge, veth"
    assert no_such("lab", "x", []) == "no lab is called 'x'; there are none"
    assert choices("x", map(str, range(10, 40))).endswith("28, 29 and 10 more")
    assert choices("brige", ["bridge"], "those of a list") == "; did you mean 'bridge'? There are those of a list"


NETWORK = registry.find()


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: NETWORK.before("brige", plan()), "bridge"),
        (lambda: NETWORK.before("doen", plan()), "done"),
        (lambda: NETWORK.stage("vteh"), "veth"),
        (lambda: registry.find("static-route"), "static_routes"),
        (lambda: plan()["nod1"], "node1"),
        (lambda: endpoint({"pod-1-2": Endpoint("pod-1-2", "node1", "pod-1-2", ())}, "pod1-2"), "pod-1-2"),
        (lambda: catalogue.find("namespace-1"), "namespaces-1"),
        (lambda: fault_called("the bridge is dwon", NETWORK), "the bridge is down"),
        (lambda: fault_called("the tunnel is dwon", registry.find("flannel")), "the tunnel is down"),
        (lambda: expectation("reachd"), "reached"),
        (lambda: forwarding.setting("eth0", "rp_filtr", 1), "rp_filter"),
        (lambda: chain("c", hook="forwad"), "forward"),
    ],
)
def test_every_place_that_has_names_says_which_was_meant(call, meant):
    with pytest.raises(errors.BadInput, match="did you mean") as told:
        call()
    assert repr(meant) in str(told.value)


def test_done_is_no_stage_to_be_checked_and_it_is_said_what_is():
    with pytest.raises(errors.BadInput, match=r"'done' is after all stages.*lab\.check\(\) judges the whole network"):
        NETWORK.stage("done")


class Thing:
    __getattr__ = suggest_attribute

    def topology(self):
        """One that there is."""

    @property
    def broken(self):
        return self.elsewhere


def test_an_attribute_that_is_one_slip_off():
    for name, said in (
        ("topolgy", "a thing has no 'topolgy'; did you mean 'topology'?"),
        ("zebra", "a thing has no 'zebra'"),
        ("_topology", "a thing has no '_topology'"),
        ("broken", "a thing has no 'elsewhere'"),
    ):
        with pytest.raises(AttributeError) as raised:
            getattr(Thing(), name)
        assert str(raised.value) == said
    assert not hasattr(Thing(), "_ipython_display_")
    assert copy(Thing()).topology() is None


@pytest.mark.parametrize(("kind", "name", "meant"), [(Lab, "topolgy", "topology"), (Lab, "explian", "explain"), (Node, "shel", "shell")])
def test_labs_and_nodes_suggest(kind, name, meant):
    with pytest.raises(AttributeError, match=f"a {kind.__name__.lower()} has no '{name}'; did you mean '{meant}'"):
        getattr(object.__new__(kind), name)
