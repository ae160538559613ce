"""What is said of a name that there is not."""

import pytest

from podnet_lab import errors
from podnet_lab.checks.reachability import Endpoint, expectation
from podnet_lab.exercises import catalogue
from podnet_lab.lab.endpoint_lookup import endpoint
from podnet_lab.lab.fault_injection import _fault_called
from podnet_lab.name_suggestions import choices, near, no_such
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
        (lambda: _fault_called("the bridge is dwon"), "the bridge is down"),
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
