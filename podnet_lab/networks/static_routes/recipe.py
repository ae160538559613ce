"""
Steps in order: a Pod, a node, a cluster, a stage of the lesson.

Pure. What the steps of one recipe do to each other is told in recipes/net_effect.py.
"""

from __future__ import annotations

from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.errors import BadInput
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps import address, forwarding, namespace, route
from podnet_lab.steps.base import Step

STAGES = ("namespaces", "bridge", "veth", "addr", "route")
"""The stages of the lesson, in order."""


def stage(name: str, node: Node, plan: Plan) -> list[Step]:
    """What one stage does on one node, as the lesson does it: cables are made, then moved."""
    pods = node.pods(plan.pods_per_node)
    match name:
        case "namespaces":
            return [namespace.add(pod.name) for pod in pods]
        case "bridge":
            return [bridge.add(node.bridge), link.up(node.bridge), address.add(node.gateway, dev=node.bridge)]
        case "veth":
            return [step for pod in pods for step in _cable(pod, node)]
        case "addr":
            return [step for pod in pods for step in _address(pod)]
        case "route":
            return [*(_default(pod, node) for pod in pods), forwarding.on(), *_others(node, plan)]
        case _:
            raise BadInput(f"no stage is called {name!r}; there are {', '.join(STAGES)}")


def _cable(pod: Pod, node: Node) -> list[Step]:
    return [veth.add(pod.veth, peer=pod.bridge_end), veth.move(pod.veth, to=pod.name), veth.plug(pod.bridge_end, into=node.bridge)]


def _address(pod: Pod) -> list[Step]:
    return [
        address.add(pod.address, dev=pod.veth, namespace=pod.name),
        link.up(pod.bridge_end),
        link.up(pod.veth, namespace=pod.name),
        link.up("lo", namespace=pod.name),
    ]


def _default(pod: Pod, node: Node) -> Step:
    return route.add("default", via=node.gateway.ip, namespace=pod.name)


def _others(node: Node, plan: Plan) -> list[Step]:
    return [route.add(other.subnet, via=other.external.ip) for other in plan.nodes if other.name != node.name]


def pod(pod: Pod, node: Node) -> list[Step]:
    """All that one Pod needs, with the cable's end made in place: moving it costs the kernel ten times the rest."""
    return [
        namespace.add(pod.name),
        veth.add(pod.bridge_end, peer=pod.veth, peer_namespace=pod.name),
        veth.plug(pod.bridge_end, into=node.bridge),
        *_address(pod),
        _default(pod, node),
    ]


def node(node: Node, plan: Plan) -> list[Step]:
    """All that one node needs: its bridge, its Pods, its routes to the others' Pods."""
    pods = [step for one in node.pods(plan.pods_per_node) for step in pod(one, node)]
    return [*stage("bridge", node, plan), *pods, forwarding.on(), *_others(node, plan)]


def cluster(plan: Plan) -> dict[str, list[Step]]:
    """The whole cluster as one recipe."""
    return {one.name: node(one, plan) for one in plan.nodes}


def before(stage_name: str, plan: Plan) -> dict[str, list[Step]]:
    """What the stages before *stage_name* do, node by node; "done" is after all of them, and where "services" begins."""
    known = (*STAGES, "done", "services")
    if stage_name not in known:
        raise BadInput(f"no stage is called {stage_name!r}; there are {', '.join(known)}")
    earlier = STAGES[: known.index(stage_name)]
    return {one.name: [step for name in earlier for step in stage(name, one, plan)] for one in plan.nodes}
