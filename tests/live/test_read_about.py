"""A look at a part of a node says of that part what the whole look says, and nothing else."""

import json

import pytest

from podnet_lab import Lab
from podnet_lab.kernel.read_about import READ

ON_THE_NODE = """
import json, sys
sys.path.insert(0, FOLDER)
from podnet_lab.kernel import namespaces, spaces
from podnet_lab.kernel.apply import Batch
from podnet_lab.kernel.read_about import Part, node_and_pod
batch = Batch({"the Pod": namespaces.path(POD)})
part = node_and_pod(batch, "the Pod", Part(frozenset(WANTED), frozenset(KINDS)), Part(None, frozenset(KINDS)))
batch.close()
print(json.dumps([spaces.spaces_at({"the Pod": namespaces.path(POD)}), part]))
"""

SUBJECTS = {"address": ("addresses",), "route": ("routes", "learnt"), "neighbour": ("neighbours",), "conf": ("conf",)}
"""What of a look each kind of fact is in."""


@pytest.fixture(scope="module", params=["static_routes", pytest.param("flannel", marks=pytest.mark.nft)])
def whole(request):
    with Lab.open(name=f"about-{request.param}", network=request.param) as lab:
        lab.goto("done")
        yield lab


def looks(lab, *wanted, kinds=READ):
    """What both looks say of node1 and of its first Pod: the whole one, and that at a part."""
    package = lab.parts.core.agent("node1").call("package")
    script = ON_THE_NODE.replace("FOLDER", repr(package["folder"])).replace("WANTED", repr(wanted)).replace("KINDS", repr(sorted(kinds)))
    script = script.replace("POD", repr(lab.plan.nodes[0].pods(1)[0].name))
    return json.loads(lab["node1"].shell(f"{package['python']} - <<'EOF'{script}EOF"))


def test_of_what_it_is_about_it_says_the_same(whole):
    own = whole.snapshot("node1")["node1"].own
    bridge = whole.plan["node1"].bridge
    port = own.ports_of(bridge)[0]
    (everything, pods), (part, pods_part) = (found.values() for found in looks(whole, bridge, port, "no-such-link"))
    for subject in ("addresses", "routes", "learnt", "neighbours"):
        assert part[subject] == everything[subject], subject
    by_name = {link["name"]: link for link in everything["links"]}
    assert {link["name"]: link for link in part["links"]} == {name: by_name[name] for name in (bridge, port)}
    assert part["conf"] == {name: everything["conf"][name] for name in ("all", "default", bridge, port)}
    assert part["fdb"] == []
    assert pods_part == {subject: pods[subject] for subject in pods_part}
    assert len(pods_part["links"]) == 2


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_kind_that_is_not_asked_for_is_not_there(whole, kind):
    (everything, pods), (part, pods_part) = (found.values() for found in looks(whole, whole.plan["node1"].bridge, kinds=READ - {kind}))
    for subject in SUBJECTS[kind]:
        assert not part[subject]
        assert not pods_part[subject]
    if kind != "neighbour":
        assert everything[SUBJECTS[kind][0]]
        assert pods[SUBJECTS[kind][0]]
    for other in set(SUBJECTS) - {kind}:
        assert all(bool(pods_part[subject]) == bool(pods[subject]) for subject in SUBJECTS[other])


def test_what_it_hangs_on_comes_with_it(whole):
    whole["node1"].shell("ip link add elsewhere type bridge; ip link add here type veth peer name there; ip link set here master elsewhere")
    everything, part = (found[""] for found in looks(whole, "here"))
    by_name = {link["name"]: link for link in everything["links"]}
    assert {link["name"]: link for link in part["links"]} == {name: by_name[name] for name in ("here", "there", "elsewhere")}
    assert by_name["here"]["master"] == "elsewhere"
    whole["node1"].shell("ip link del elsewhere; ip link del here")


def test_interfaces_that_nobody_asked_about_have_their_names_in_addresses_and_routes(whole):
    uplink = whole.plan["node1"].uplink
    part = looks(whole, "no-such-link")[1][""]
    assert part["links"] == []
    assert uplink in {address[0] for address in part["addresses"]}
    assert uplink in {route[2] for route in part["routes"]}
