"""
The lesson's own Pod network: a bridge on each node, and on each node a route to every other node's Pods.

As in the source: what a person would wire first, before any of the solutions that it names.
"""

from __future__ import annotations

from podnet_lab.networks.base import Facts, Stage
from podnet_lab.networks.bridged import BridgedNetwork
from podnet_lab.networks.static_routes import checks, recipe
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps.base import Step


class StaticRoutes(BridgedNetwork):
    """A bridge on each node, and static routes between them."""

    name = "static_routes"
    title = "a bridge on each node, and routes between the nodes"
    stages = (
        Stage(
            "namespaces",
            "a network namespace for each Pod",
            recipe.add_namespaces,
            lambda node, cluster, pods: checks.namespaces(node, pods),
        ),
        Stage(
            "bridge",
            "a bridge on each node, up, with the gateway's address",
            recipe.add_bridge,
            lambda node, cluster, pods: checks.bridge(node, cluster.values()),
        ),
        Stage(
            "veth",
            "a cable for each Pod: one end moved in, the other plugged into the bridge",
            recipe.add_cables,
            lambda node, cluster, pods: checks.veth(node),
        ),
        Stage(
            "addr",
            "an address for each Pod, and everything up",
            recipe.add_addresses,
            lambda node, cluster, pods: checks.addr(node),
        ),
        Stage(
            "route",
            "a way out for each Pod, forwarding, and a route to each other node's Pods",
            recipe.add_routes,
            lambda node, cluster, pods: checks.route(node, cluster.values()),
        ),
    )
    facts = Facts(
        mtu=1500,
        overhead=0,
        ttl=62,
        pod_sees="the sender's own Pod address",
        per_remote_node="one route",
        per_remote_pod="nothing",
        real=("everything: it is what the source describes, on a real kernel",),
    )

    def node(self, node: Node, plan: Plan) -> list[Step]:
        """Its bridge, its Pods one after the other, its routes to the others' Pods."""
        return recipe.node(node, plan)

    def first_steps(self, node: Node) -> list[Step]:
        """Its bridge, and forwarding."""
        return recipe.ready(node)

    def pod(self, pod: Pod, node: Node) -> list[Step]:
        """A namespace, a cable into the bridge, an address, a default route."""
        return recipe.pod(pod, node)


NETWORK = StaticRoutes()
