"""The steps of the lesson's stages, and of one Pod. Pure."""

from __future__ import annotations

from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps import address, forwarding, namespace, route
from podnet_lab.steps.base import Step


def _pods(node: Node, plan: Plan) -> tuple[Pod, ...]:
    return node.pods(plan.pods_per_node)


def add_namespaces(node: Node, plan: Plan) -> list[Step]:
    """A namespace for each Pod."""
    return [namespace.add(pod.name) for pod in _pods(node, plan)]


def add_bridge(node: Node, plan: Plan | None = None) -> list[Step]:
    """The node's bridge, up, with the gateway's address."""
    return [bridge.add(node.bridge), link.up(node.bridge), address.add(node.gateway, dev=node.bridge)]


def ready(node: Node) -> list[Step]:
    """What a node has to have before its first Pod, if its Pods are to be added one by one."""
    return [*add_bridge(node), forwarding.on()]


def add_cables(node: Node, plan: Plan) -> list[Step]:
    """A cable for each Pod, as the lesson does it: made, then moved, then plugged in."""
    return [step for pod in _pods(node, plan) for step in _cable(pod, node)]


def _cable(pod: Pod, node: Node) -> list[Step]:
    return [veth.add(pod.veth, peer=pod.bridge_end), veth.move(pod.veth, to=pod.name), veth.plug(pod.bridge_end, into=node.bridge)]


def add_addresses(node: Node, plan: Plan) -> list[Step]:
    """An address for each Pod, and everything up."""
    return [step for pod in _pods(node, plan) for step in _address(pod)]


def _address(pod: Pod) -> list[Step]:
    return [
        address.add(pod.address, dev=pod.veth, namespace=pod.name),
        link.up(pod.bridge_end),
        link.up(pod.veth, namespace=pod.name),
        link.up("lo", namespace=pod.name),
    ]


def add_routes(node: Node, plan: Plan) -> list[Step]:
    """A way out for each Pod, forwarding, and a route to each other node's Pods."""
    return [*(_default(pod, node) for pod in _pods(node, plan)), forwarding.on(), *_others(node, plan)]


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
    pods = [step for planned in _pods(node, plan) for step in pod(planned, node)]
    return [*add_bridge(node, plan), *pods, forwarding.on(), *_others(node, plan)]
