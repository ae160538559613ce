"""
Which address a new Pod gets (IP address management): the next one that no kernel of the cluster has. Pure, judged on snapshots.

What is taken is what some kernel has; no list is kept beside.
"""

from __future__ import annotations

from podnet_lab.errors import BadInput
from podnet_lab.model import Cluster
from podnet_lab.plan import Node, Pod


def _owners(cluster: Cluster) -> dict[str, str]:
    """Who has which address, of all namespaces of the cluster."""
    return {
        str(address.interface.ip): space.name or name
        for name, node in cluster.items()
        for space in node.spaces.values()
        for address in space.addresses
    }


def free_pod(cluster: Cluster, planned: Node) -> Pod:
    """The Pod with the lowest free address of a node's subnet; BadInput if none is left."""
    taken, here = _owners(cluster), cluster[planned.name]
    for host in range(2, planned.capacity + 2):
        pod = planned.pod(host)
        name_taken = pod.name in here.spaces or pod.bridge_end in here.own.links or pod.veth in here.own.links
        if str(pod.ip) not in taken and not name_taken:
            return pod
    raise BadInput(f"{planned.name}: {planned.subnet} has no free address left; {planned.capacity} Pods fit")


def pod_with_address(cluster: Cluster, planned: Node, address: str) -> Pod:
    """The Pod with *address*; BadInput if somebody has it, or it is not the subnet's."""
    pod = planned.pod_at(address)
    if (owner := _owners(cluster).get(str(pod.ip))) is not None:
        raise BadInput(f"{pod.ip} belongs to {owner} already")
    if pod.name in cluster[planned.name].spaces:
        raise BadInput(f"{planned.name} has a Pod called {pod.name} already, with another address")
    return pod
