"""
A Pod network that podnet_lab has never seen: no bridge, a cable from each Pod straight to its node, and a route to each.

Two stages of its own; all that it takes to be wired, checked, undone and shown is here.
"""

from podnet_lab import address, forwarding, link, namespace, route, veth
from podnet_lab.checks import Check, Checks, pod_addresses
from podnet_lab.networks.base import Facts, Network, Stage

GATEWAY = "169.254.1.1"


def wire(pod, node):
    """A cable whose node's end has the Pods' common gateway, and a route to the one Pod behind it."""
    return [
        namespace.add(pod.name),
        veth.add(pod.bridge_end, peer=pod.veth, peer_namespace=pod.name),
        address.add(f"{pod.ip}/32", dev=pod.veth, namespace=pod.name),
        address.add(f"{GATEWAY}/32", dev=pod.bridge_end),
        link.up(pod.bridge_end),
        link.up(pod.veth, namespace=pod.name),
        link.up("lo", namespace=pod.name),
        route.add(f"{GATEWAY}/32", dev=pod.veth, namespace=pod.name),
        route.add("default", via=GATEWAY, namespace=pod.name),
        route.add(f"{pod.ip}/32", dev=pod.bridge_end),
    ]


def pods(node, plan):
    return [step for pod in node.pods(plan.pods_per_node) for step in wire(pod, node)]


def nodes(node, plan):
    others = [other for other in plan.nodes if other is not node]
    return [forwarding.on(), *(route.add(other.subnet, via=other.external.ip) for other in others)]


def pods_are_cabled(node, cluster, count):
    bare = [pod.name for pod in node.pods if not pod_addresses(pod)]
    few = f"it has {len(list(node.pods))}" if len(list(node.pods)) < count else None
    return Checks([Check(f"{node.node} has {count} Pods", few), Check("each has an address", ", ".join(bare) or None)])


def nodes_forward(node, cluster, count):
    return Checks([Check(f"{node.node} forwards", None if node.own.forwarding else "net.ipv4.ip_forward is 0")])


class Toy(Network):
    """Cables without bridges."""

    name = "toy"
    title = "a cable and a route for each Pod"
    stages = (
        Stage("cables", "a cable and a route for each Pod", pods, pods_are_cabled),
        Stage("ways", "a route to each other node", nodes, nodes_forward),
    )
    facts = Facts(1500, 0, 62, "the sender's own address", "one route", "nothing", stands_in=("all of it",))

    def pod(self, pod, node):
        return wire(pod, node)


NETWORK = Toy()
