"""Pod networks: the registry, the contract, and a network of a stranger's own."""

import sys

import click
import pytest
import world
from toy_network import NETWORK as TOY

from podnet_lab import recipes
from podnet_lab.backends import joined
from podnet_lab.cli.options import StageName
from podnet_lab.daemons import steps as daemons
from podnet_lab.daemons.base import Daemon
from podnet_lab.errors import BadInput, LabError, NoLab
from podnet_lab.networks import registry
from podnet_lab.networks.base import DONE, SERVICES, Need, Network, Stage
from podnet_lab.plan import plan

EVERY = [registry.find(name) for name in registry.names()]
PLAN = plan(3, 2)


def after(network, count):
    """A cluster after the first *count* stages of a network, and each node before them."""
    nodes = {}
    for node in PLAN.nodes:
        steps = [step for stage in network.stages[:count] for step in stage.steps(node, PLAN)]
        nodes[node.name] = world.do(world.bare_node(node), *steps)
    return nodes


def test_the_lessons_comes_first_and_is_what_nobody_asked_for():
    assert registry.names()[0] == "static_routes"
    assert registry.find() is registry.find("static_routes") is registry.find(registry.find())
    assert registry.find().stage_names == recipes.STAGES


@pytest.mark.parametrize("name", ["", "statik_routes", "../static_routes", "base", 3, ["static_routes"]])
def test_one_that_there_is_not_is_refused_with_those_that_there_are(name):
    with pytest.raises(BadInput, match=r"[tT]here are static_routes"):
        registry.find(name)


@pytest.mark.parametrize("network", EVERY, ids=lambda network: network.name)
def test_a_folder_says_everything_that_the_contract_asks(network):
    assert isinstance(network, Network)
    assert registry.find(network.name) is network
    assert network.title
    assert len(set(network.stage_names)) == len(network.stages) > 0
    assert not {DONE, SERVICES} & set(network.stage_names)
    assert all(stage.title for stage in network.stages)
    assert 0 < network.facts.mtu <= 65535
    assert network.facts.overhead >= 0
    assert 0 < network.facts.ttl <= 64
    assert all((network.facts.pod_sees, network.facts.per_remote_node, network.facts.per_remote_pod))
    assert network.facts.real or network.facts.stands_in


@pytest.mark.parametrize("network", [*EVERY, TOY], ids=lambda network: network.name)
def test_what_a_stage_is_for_is_false_before_it_and_true_after(network):
    for number, stage in enumerate(network.stages):
        before, done = after(network, number), after(network, number + 1)
        if not stage.settles:  # what daemons do by themselves only a live lab can tell
            assert all(network.checks(stage.name, node, done, 2) for node in done.values()), stage.name
        assert not all(network.checks(stage.name, node, before, 2) for node in before.values()), stage.name


@pytest.mark.parametrize("network", [*EVERY, TOY], ids=lambda network: network.name)
def test_stage_after_stage_and_the_whole_at_once_make_the_same(network):
    staged = after(network, len(network.stages))
    whole = {node.name: world.do(world.bare_node(node), *network.node(node, PLAN)) for node in PLAN.nodes}
    assert {name: world.plain(node) for name, node in staged.items()} == {name: world.plain(node) for name, node in whole.items()}
    assert network.before(DONE, PLAN).keys() == network.cluster(PLAN).keys() == whole.keys()


@pytest.mark.parametrize("network", [*EVERY, TOY], ids=lambda network: network.name)
def test_a_stage_or_a_start_of_another_name_is_refused(network):
    for ask in (lambda: network.steps("sideways", PLAN.nodes[0], PLAN), lambda: network.before("sideways", PLAN)):
        with pytest.raises(BadInput, match=f"no stage is called 'sideways'; there are {network.stage_names[0]}"):
            ask()


def test_a_new_pod_gets_the_next_free_address_and_the_steps_of_its_network():
    cluster = after(TOY, 2)
    pod, steps = TOY.new_pod(cluster, PLAN["node1"])
    assert str(pod.ip) == "10.244.1.4"
    assert steps == TOY.pod(pod, PLAN["node1"])
    assert not any("v-net-0" in step.command for step in steps), "a network without a bridge"
    with pytest.raises(BadInput, match="belongs to pod-1-2"):
        TOY.new_pod(cluster, PLAN["node1"], "10.244.1.2")


def test_the_lessons_network_wants_its_bridge_first():
    with pytest.raises(LabError, match="the stage 'bridge' makes it"):
        registry.find().new_pod(after(registry.find(), 1), PLAN["node1"])


def test_a_pod_that_no_node_has_or_two_is_not_taken_away():
    cluster = after(TOY, 2)
    with pytest.raises(BadInput, match="no node has a Pod called 'pod-9-9'"):
        TOY.removal(cluster, "pod-9-9")
    twice = {**cluster, "node2": world.do(cluster["node2"], *TOY.pod(PLAN["node1"].pod(2), PLAN["node1"]))}
    with pytest.raises(BadInput, match="node1 and node2 both have"):
        TOY.removal(twice, "pod-1-2")


SPEAKER = Daemon("bird", ("bird", "-f"), package="bird2")


class Speaking(type(TOY)):
    """The toy with a daemon on each node."""

    stages = (*TOY.stages, Stage("speakers", "a daemon on each node", lambda node, plan: [daemons.start(SPEAKER)], TOY.stages[1].checks))
    needs = (Need("bird", "bird2"),)


def needs_that_are_not_declared(network):
    started = [daemon for node in PLAN.nodes for daemon in network.daemons(node, PLAN)]
    return {Need(daemon.command[0], daemon.package) for daemon in started} - set(network.needs)


@pytest.mark.parametrize("network", EVERY, ids=lambda network: network.name)
def test_what_the_daemons_of_a_network_need_is_among_its_needs(network):
    assert needs_that_are_not_declared(network) == set()


def test_the_daemons_of_a_network_are_those_that_its_stages_start():
    speaking = Speaking()
    assert TOY.daemons(PLAN["node1"], PLAN) == ()
    assert speaking.daemons(PLAN["node1"], PLAN) == (SPEAKER,)
    assert needs_that_are_not_declared(speaking) == set()
    speaking.needs = ()
    assert needs_that_are_not_declared(speaking) == {Need("bird", "bird2")}


def test_variants_are_in_the_same_folder_and_are_known_by_their_names(monkeypatch):
    module = sys.modules["podnet_lab.networks.static_routes.network"]
    other = type("Other", (type(module.NETWORK),), {"name": "static_routes-otherwise", "stages": TOY.stages})()
    monkeypatch.setattr(module, "VARIANTS", (other,), raising=False)
    monkeypatch.setattr(registry, "_of_folder", registry._of_folder.__wrapped__)
    assert registry.names()[:2] == ("static_routes", "static_routes-otherwise")
    assert registry.find("static_routes-otherwise") is registry.find(other) is other
    assert registry.find() is module.NETWORK
    assert registry.all_stages()[: len(recipes.STAGES) + 2] == (*recipes.STAGES, "cables", "ways")


def test_a_network_that_bears_anothers_name_is_refused():
    assert registry.find(TOY) is TOY
    false = type("False", (type(TOY),), {"name": "static_routes"})()
    with pytest.raises(BadInput, match="another network is called 'static_routes' already"):
        registry.find(false)


@pytest.fixture
def runs(monkeypatch):
    """Say which network the running lab has; None is that no lab is running."""

    def runs(network):
        def find(_):
            if network is None:
                raise NoLab("no lab is running")
            return joined.RunningLab("lab@1", "lab", PLAN, network, lambda: None)

        monkeypatch.setattr(joined, "find", find)

    return runs


@pytest.mark.parametrize(
    ("network", "begun", "stages"),
    [
        (None, "v", ["veth", "vxlan"]),
        ("static_routes", "v", ["veth"]),
        ("static_routes", "", [*recipes.STAGES]),
        ("static_routes", "r", ["route"]),
        ("its owner's alone", "", []),
    ],
)
def test_tab_completes_to_the_stages_of_the_running_labs_network(runs, network, begun, stages):
    runs(network)
    context = click.Context(click.Command("check"))
    assert [item.value for item in StageName().shell_complete(context, None, begun)] == stages


def test_the_command_line_knows_the_stages_of_all_networks():
    assert registry.all_stages()[: len(recipes.STAGES)] == recipes.STAGES
    assert StageName().convert("veth", None, None) == "veth"
    with pytest.raises(click.BadParameter, match="no stage is called 'sideways'; there are namespaces, bridge"):
        StageName().convert("sideways", None, None)
    with pytest.raises(click.BadParameter, match=r"did you mean 'bridge'\?"):
        StageName().convert("brige", None, None)
    assert StageName().convert("done", None, None) == "done"  # no stage; the lab says what it is


def test_flannels_tunnel_is_on_the_interface_that_the_plan_names():
    flannel = registry.find("flannel")
    planned = flannel.plan(2, 1).with_uplinks({"node2": "enp0s8"})
    assert "dev eth0 local 192.168.1.11" in flannel.steps("vxlan", planned["node1"], planned)[0].command
    assert "dev enp0s8 local 192.168.1.12" in flannel.steps("vxlan", planned["node2"], planned)[0].command
