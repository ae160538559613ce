"""
Flannel's data plane, by hand: what flanneld and the CNI plugins that it delegates to program on a node.

Two backends: vxlan, its default, puts each packet for another node into a UDP packet; host-gw gives a route, as the lesson does.
"""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.checks.check import Checks
from podnet_lab.explain.fault import Fault
from podnet_lab.model import Cluster
from podnet_lab.networks.base import Facts, Need, Stage
from podnet_lab.networks.bridged import BridgedNetwork
from podnet_lab.networks.flannel import checks, faults, names, recipe, rule_checks
from podnet_lab.networks.static_routes import checks as lesson
from podnet_lab.networks.static_routes import recipe as lesson_recipe
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps import file, forwarding
from podnet_lab.steps.base import Step

REAL = (
    "interfaces, addresses, routes, neighbours, forwarding entries and rules, as flanneld and its CNI plugins write them",
    "the packets on the wire",
    "etcd, its keys, values, transactions and watches, once agents are started (control_plane.py)",
)
STANDS_IN = (
    "MACs, and the names of Pods' ports, follow from names, where flanneld and the plugins draw them",
    "which address is free is read off the kernels, and then noted in host-local's files, a Pod's name in place of a container's number",
    "agent.py stands in for flanneld: it finds the tunnel and the rules made, and takes the subnet that is planned for its node",
    "its lease lasts seconds and is kept alive; flanneld's lasts a day, and before its end flanneld puts its key with another one",
    "it takes a node's entries back in reverse order, and those of a former MAC, which flanneld leaves",
)


def _stages(mtu: int, between: tuple[Stage, ...]) -> tuple[Stage, ...]:
    return (
        Stage(
            "namespaces",
            "a network namespace for each Pod",
            lesson_recipe.add_namespaces,
            lambda node, cluster, pods: lesson.namespaces(node, pods),
        ),
        Stage(
            "bridge",
            f"a bridge on each node, {names.BRIDGE}, with a MAC of its own and an MTU of {mtu}",
            lambda node, plan: recipe.add_bridge(node, mtu),
            lambda node, cluster, pods: checks.bridge(node, cluster, mtu),
        ),
        Stage(
            "veth",
            "a cable for each Pod, plugged into a port that is a hairpin",
            lambda node, plan: recipe.add_cables(node, plan, mtu),
            lambda node, cluster, pods: checks.veth(node, mtu),
        ),
        Stage("addr", "an address for each Pod, and everything up", recipe.add_addresses, lambda node, cluster, pods: lesson.addr(node)),
        Stage(
            "way-out",
            "two routes for each Pod, both to its bridge; forwarding",
            recipe.add_pod_routes,
            lambda node, cluster, pods: checks.way_out(node),
        ),
        *between,
        Stage(
            "rules",
            "what leaves the Pods' range gets the node's address; what passes to and from Pods is let through",
            recipe.add_rules,
            lambda node, cluster, pods: rule_checks.rules(node),
        ),
    )


class Flannel(BridgedNetwork):
    """A bridge on each node, and between the nodes what the backend says: *mtu* for Pods, the stages *between*, and its *own* faults."""

    needs = (Need("nft", "nftables"),)

    def __init__(self, name: str, title: str, mtu: int, between: tuple[Stage, ...], facts: Facts, own: tuple[Fault, ...]) -> None:
        self.name, self.title, self.mtu, self.facts, self.faults = name, title, mtu, facts, own
        self.stages = _stages(mtu, between)

    def plan(self, nodes: int, pods: int) -> Plan:
        """The lesson's addresses, which are Flannel's own as well; the bridge is called as the CNI plugin calls it."""
        planned = super().plan(nodes, pods)
        return replace(planned, nodes=tuple(replace(node, bridge=names.BRIDGE) for node in planned.nodes))

    def first_steps(self, node: Node) -> list[Step]:
        """Its bridge, and forwarding."""
        return [*recipe.add_bridge(node, self.mtu), forwarding.on()]

    def pod(self, pod: Pod, node: Node) -> list[Step]:
        """A namespace, a cable into a hairpin port of the bridge, an address, two routes."""
        return recipe.pod(pod, node, self.mtu)

    def removal(self, cluster: Cluster, name: str) -> tuple[str, list[Step]]:
        """As of any network; and its addresses are nobody's any more."""
        node, steps = super().removal(cluster, name)
        noted = [recipe.address_file(has.interface.ip) for has in cluster[node].spaces[name].addresses]
        return node, [*(file.remove(path) for path in noted if path in cluster[node].files), *steps]


def _facts(mtu: int, per_remote_node: str) -> Facts:
    """What the header of a tunnel takes of a Pod's packet is what it adds to the frame."""
    sees = "the sender's own Pod address"
    return Facts(mtu, names.ETHERNET_MTU - mtu, 62, sees, per_remote_node, "nothing", real=REAL, stands_in=STANDS_IN)


NETWORK = Flannel(
    "flannel",
    "Flannel, by hand: a tunnel between the nodes (vxlan)",
    names.TUNNEL_MTU,
    (
        Stage(
            "vxlan",
            f"each node's end of the tunnel: {names.TUNNEL}",
            recipe.add_tunnel,
            lambda node, cluster, pods: checks.tunnel(node),
        ),
        Stage(
            "peers",
            "for each other node a neighbour, a forwarding entry and a route",
            recipe.add_peers,
            lambda node, cluster, pods: checks.peers(node, cluster),
        ),
    ),
    _facts(names.TUNNEL_MTU, "one neighbour, one forwarding entry, one route"),
    faults.VXLAN_FAULTS,
)

HOST_GW = Flannel(
    "flannel-host-gw",
    "Flannel, by hand: a route to each other node (host-gw)",
    names.ETHERNET_MTU,
    (
        Stage(
            "routes",
            "a route to each other node's Pods",
            recipe.add_host_routes,
            lambda node, cluster, pods: Checks(lesson.knows(node, other) for other in cluster.values() if other.node != node.node),
        ),
    ),
    _facts(names.ETHERNET_MTU, "one route"),
    faults.HOST_GW_FAULTS,
)

VARIANTS = (HOST_GW,)
