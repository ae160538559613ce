"""What Pod networks have in common in which each node's Pods are plugged into a bridge. Pure."""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.devices.roles import bridge_of, gateways
from podnet_lab.errors import LabError
from podnet_lab.model import Cluster
from podnet_lab.networks.base import Network
from podnet_lab.plan import Node


class BridgedNetwork(Network):
    """A Pod network whose Pods share a bridge on each node, which has the gateway's address."""

    def ready_node(self, cluster: Cluster, planned: Node) -> Node:
        """The node with the bridge that it really has; LabError if it has none with the gateway's address."""
        bridge = bridge_of(cluster[planned.name])
        if bridge is None or planned.gateway not in gateways(cluster[planned.name]):
            raise LabError(f"{planned.name} has no bridge with {planned.gateway} yet: the stage 'bridge' makes it")
        return replace(planned, bridge=bridge.name)
