"""The recipes of the lesson's own network, under the names that notebooks call them by. Pure."""

from __future__ import annotations

from podnet_lab.networks.static_routes.network import NETWORK
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps.base import Step

STAGES = NETWORK.stage_names
"""The stages of the lesson, in order."""


def stage(name: str, node: Node, plan: Plan) -> list[Step]:
    """What one stage does on one node, as the lesson does it: cables are made, then moved."""
    return NETWORK.steps(name, node, plan)


def pod(pod: Pod, node: Node) -> list[Step]:
    """All that one Pod needs, with the cable's end made in place: moving it costs the kernel ten times the rest."""
    return NETWORK.pod(pod, node)


def node(node: Node, plan: Plan) -> list[Step]:
    """All that one node needs: its bridge, its Pods, its routes to the others' Pods."""
    return NETWORK.node(node, plan)


def cluster(plan: Plan) -> dict[str, list[Step]]:
    """The whole cluster as one recipe."""
    return NETWORK.cluster(plan)


def before(stage_name: str, plan: Plan) -> dict[str, list[Step]]:
    """What the stages before *stage_name* do, node by node; "done" is after all of them, and where "services" begins."""
    return NETWORK.before(stage_name, plan)
