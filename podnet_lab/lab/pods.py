"""
Pods that come and go: which address is free, and what goes with a Pod. Pure, judged on snapshots.

What is taken is what some kernel of the cluster has; no list is kept beside.
"""

from __future__ import annotations

from podnet_lab.devices import link
from podnet_lab.devices.roles import bridge_of, gateways
from podnet_lab.errors import BadInput, LabError
from podnet_lab.model import Cluster
from podnet_lab.plan import Node, Pod
from podnet_lab.steps import namespace
from podnet_lab.steps.base import Step


def _owners(cluster: Cluster) -> dict[str, str]:
    """Who has which address, of all namespaces of the cluster."""
    return {
        str(address.interface.ip): space.name or name
        for name, node in cluster.items()
        for space in node.spaces.values()
        for address in space.addresses
    }


def free(cluster: Cluster, planned: Node) -> Pod:
    """The Pod with the lowest free address of a node's subnet; BadInput if none is left."""
    taken, here = _owners(cluster), cluster[planned.name]
    for host in range(2, planned.capacity + 2):
        pod = planned.pod(host)
        name_taken = pod.name in here.spaces or pod.bridge_end in here.own.links or pod.veth in here.own.links
        if str(pod.ip) not in taken and not name_taken:
            return pod
    raise BadInput(f"{planned.name}: {planned.subnet} has no free address left; {planned.capacity} Pods fit")


def wanted(cluster: Cluster, planned: Node, address: str) -> Pod:
    """The Pod with *address*; BadInput if somebody has it, or it is not the subnet's."""
    pod = planned.pod_at(address)
    if (owner := _owners(cluster).get(str(pod.ip))) is not None:
        raise BadInput(f"{pod.ip} belongs to {owner} already")
    if pod.name in cluster[planned.name].spaces:
        raise BadInput(f"{planned.name} has a Pod called {pod.name} already, with another address")
    return pod


def bridge_with_gateway(cluster: Cluster, planned: Node) -> str:
    """The name of the node's bridge, if it has the gateway's address; LabError if not."""
    bridge = bridge_of(cluster[planned.name])
    if bridge is None or planned.gateway not in gateways(cluster[planned.name]):
        raise LabError(f"{planned.name} has no bridge with {planned.gateway} yet: the stage 'bridge' makes it")
    return bridge.name


def removal(cluster: Cluster, name: str) -> tuple[str, list[Step]]:
    """The node that has the Pod *name*, and the steps that take it away; BadInput if no node has it, or several do."""
    nodes = [node for node in cluster if name in cluster[node].spaces]
    if not nodes:
        raise BadInput(f"no node has a Pod called {name!r}")
    if len(nodes) > 1:
        raise BadInput(f"{' and '.join(nodes)} both have a Pod called {name!r}")
    pod = cluster[nodes[0]].spaces[name]
    ends = [cable.peer for cable in pod.links.values() if cable.kind == "veth" and cable.peer]
    return nodes[0], [*(link.remove(dev, space) for space, dev in ends if space != name), namespace.remove(name)]
