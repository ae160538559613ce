"""
Flannel's control plane: what its nodes tell each other by etcd, and the agent that reads it on each. Pure.

The keys, values and leases are flanneld's own (pkg/subnet/etcd and pkg/lease of github.com/flannel-io/flannel), the etcd is a real
one (`podnet_lab.daemons.etcd`). `agent.py` stands in for flanneld; it is a file of the daemon that runs it, so that any other text can be
in its place: a student's own.
"""

from __future__ import annotations

import json
import os
from functools import cache

from podnet_lab.daemons import etcd
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon, folder
from podnet_lab.errors import BadInput
from podnet_lab.networks.flannel import names
from podnet_lab.plan import Node, Plan
from podnet_lab.steps.base import Step

CONFIG_KEY = "/coreos.com/network/config"
SUBNETS_KEY = "/coreos.com/network/subnets"

AGENT = "flannel-agent"
TTL = 10
"""Seconds for which a node is known that no longer renews its lease; flanneld's day would be long to wait for."""


def config(backend: str = "vxlan") -> str:
    """What is at `CONFIG_KEY`: the same for all nodes. Without a backend flanneld's would be udp."""
    if backend not in ("vxlan", "host-gw"):
        raise BadInput(f"a backend is 'vxlan' or 'host-gw', not {backend!r}")
    return json.dumps({"Network": str(names.NETWORK), "EnableNFTables": True, "Backend": {"Type": backend}})


def put_config(backend: str = "vxlan") -> str:
    """A shell command, for the node that etcd runs on, that writes `config`: ``lab["node1"].shell(put_config())``."""
    return etcd.put(CONFIG_KEY, config(backend))


def key(node: Node) -> str:
    """Where a node's lease is: ``/coreos.com/network/subnets/10.244.1.0-24``."""
    return f"{SUBNETS_KEY}/{str(node.subnet).replace('/', '-')}"


@cache
def source() -> str:
    """The text of `agent.py`."""
    with open(os.path.join(os.path.dirname(__file__), "agent.py")) as file:
        return file.read()


def agent(node: Node, etcd_at: Node, ttl: int = TTL, text: str | None = None) -> Daemon:
    """
    A node's agent, with the etcd of the node *etcd_at*; *text* is its program, by default the library's own.

    Any program will do that takes the same arguments: etcd's URL, the node's subnet, its address, and how many seconds its
    lease is to last. It is ready when it has written subnet.env, as flanneld is.
    """
    if not isinstance(ttl, int) or isinstance(ttl, bool) or not 1 <= ttl <= 24 * 3600:
        raise BadInput(f"a lease lasts 1 to {24 * 3600} seconds, not {ttl!r}")
    command = (
        "python3",
        f"{folder(AGENT)}/agent.py",
        etcd.url(str(etcd_at.external.ip)),
        str(node.subnet),
        str(node.external.ip),
        str(ttl),
    )
    return Daemon(AGENT, command, (("agent.py", source() if text is None else text),), creates=names.SUBNET_ENV, package="python3")


def start_etcd(plan: Plan) -> dict[str, list[Step]]:
    """etcd on the first node."""
    first = plan.nodes[0]
    return {first.name: [daemon.start(etcd.server(str(first.external.ip)))]}


def start_agents(plan: Plan, ttl: int = TTL, text: str | None = None) -> dict[str, list[Step]]:
    """An agent on each node, with the etcd of the first."""
    return {node.name: [daemon.start(agent(node, plan.nodes[0], ttl, text))] for node in plan.nodes}
