"""Flannel's keys, config and agent as values, without a node."""

import ast
import json
import sys

import pytest

from podnet_lab.daemons import etcd
from podnet_lab.errors import BadInput
from podnet_lab.networks.flannel import control_plane, names, recipe
from podnet_lab.networks.registry import find
from podnet_lab.steps.file import WriteFile

PLAN = find("flannel").plan(3, 2)
NODE1, NODE2, _ = PLAN.nodes


def test_config_and_keys_are_flannelds():
    assert json.loads(control_plane.config("host-gw")) == {
        "Network": "10.244.0.0/16",
        "EnableNFTables": True,
        "Backend": {"Type": "host-gw"},
    }
    assert control_plane.key(NODE2) == "/coreos.com/network/subnets/10.244.2.0-24"
    with pytest.raises(BadInput, match="a backend is 'vxlan' or 'host-gw', not 'udp'"):
        control_plane.config("udp")


def test_what_is_put_is_what_the_gateway_takes():
    command = control_plane.put_config()
    assert command.startswith("python3 -c ")
    assert etcd.coded(control_plane.CONFIG_KEY) in command
    assert etcd.coded(control_plane.config()) in command


def test_an_agent_is_a_daemon_whose_program_is_one_of_its_files():
    agent = control_plane.agent(NODE2, NODE1, 7)
    assert agent.command[1:] == ("/run/podnet/flannel-agent/agent.py", "http://192.168.1.11:2379", "10.244.2.0/24", "192.168.1.12", "7")
    assert agent.files == (("agent.py", control_plane.source()),)
    own = control_plane.agent(NODE2, NODE1, text="print()\n")
    assert own.files == (("agent.py", "print()\n"),)
    assert agent.creates == names.SUBNET_ENV
    assert list(control_plane.start_agents(PLAN)) == ["node1", "node2", "node3"]
    assert list(control_plane.start_etcd(PLAN)) == ["node1"]


@pytest.mark.parametrize("ttl", [0, 100_000, 1.5, True, "7", None])
def test_a_lease_lasts_whole_seconds(ttl):
    with pytest.raises(BadInput, match="a lease lasts 1 to 86400 seconds"):
        control_plane.agent(NODE2, NODE1, ttl)


def test_the_agent_needs_nothing_but_python():
    tree = ast.parse(control_plane.source())
    modules = {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    modules |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names
    assert len(control_plane.source().splitlines()) < 200


def test_host_locals_files_are_written_with_each_address():
    steps = [step for step in recipe.add_addresses(NODE2, PLAN) if isinstance(step, WriteFile)]
    assert {step.path.rpartition("/")[2]: step.content for step in steps} == {
        "10.244.2.2": "pod-2-2\r\neth0",
        "10.244.2.3": "pod-2-3\r\neth0",
        "last_reserved_ip.0": "10.244.2.3",
    }
