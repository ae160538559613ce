"""
Calico's control plane in VXLAN mode: what its nodes tell each other by a datastore, and the part of Felix that reads it. Pure.

The etcd is a real one (`podnet_lab.daemons.etcd`), the keys have the shape of Calico's (libcalico-go/lib/backend/model); in a cluster
Calico mostly reads the same from Kubernetes' own objects. `felix.py` stands in for Felix: it finds the tunnel made, and writes the
neighbours, forwarding entries and routes of the stage "peers". In BGP mode BIRD is the control plane (`bird_config`).
"""

from __future__ import annotations

import os
from functools import cache

from podnet_lab.daemons import etcd
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.networks.calico import names
from podnet_lab.plan import Node, Plan
from podnet_lab.steps.base import Step

AGENT = "calico-felix"
KEYS = "/calico/"
NODES_KEY = f"{KEYS}resources/v3/projectcalico.org/nodes"


@cache
def source() -> str:
    """The text of `felix.py`."""
    with open(os.path.join(os.path.dirname(__file__), "felix.py")) as file:
        return file.read()


def agent(node: Node, etcd_at: Node, text: str | None = None) -> Daemon:
    """A node's agent, with the etcd of the node *etcd_at*; *text* is its program, by default the library's own."""
    program = f"{folder(AGENT)}/felix.py"
    own = (node.name, str(node.external), *map(str, names.blocks(node)))
    command = ("python3", program, etcd.url(str(etcd_at.external.ip)), *own)
    return Daemon(AGENT, command, (("felix.py", source() if text is None else text),), package="python3")


def forget(name: str) -> str:
    """A shell command, for the node that etcd runs on, that deletes a node from the datastore: else it is known for ever."""
    return etcd.delete(f"{NODES_KEY}/{name}")


def start_etcd(plan: Plan) -> dict[str, list[Step]]:
    """etcd on the first node."""
    first = plan.nodes[0]
    return {first.name: [daemon.start(etcd.server(str(first.external.ip)))]}


def start_agents(plan: Plan, text: str | None = None) -> dict[str, list[Step]]:
    """An agent on each node, with the etcd of the first."""
    return {node.name: [daemon.start(agent(node, plan.nodes[0], text))] for node in plan.nodes}
