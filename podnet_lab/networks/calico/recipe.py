"""The steps of Calico's stages, and of one Pod. Pure."""

from __future__ import annotations

from typing import Literal

from podnet_lab.daemons import steps as daemon
from podnet_lab.devices import link
from podnet_lab.devices.veth import steps as veth
from podnet_lab.devices.vxlan import steps as vxlan
from podnet_lab.model.route import FELIX
from podnet_lab.networks.calico import bird_config, names
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps import address, forwarding, namespace, neighbour, route
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft import statements as say
from podnet_lab.steps.nft import steps as nft


def _pods(node: Node, plan: Plan) -> tuple[Pod, ...]:
    return node.pods(plan.pods_per_node)


def add_cables(node: Node, plan: Plan, mtu: int) -> list[Step]:
    """A cable for each Pod, plugged into nothing; the node's end of each has the same MAC."""
    return [step for pod in _pods(node, plan) for step in _cable(pod, mtu)]


def _cable(pod: Pod, mtu: int) -> list[Step]:
    outside, inside = names.cali(pod), names.pod_link(pod)
    size = mtu if mtu != names.ETHERNET_MTU else None
    return [
        veth.add(outside, peer=inside, peer_namespace=pod.name),
        link.change(outside, mac=names.HOST_MAC, mtu=size),
        link.change(inside, pod.name, mac=names.pod_mac(pod), mtu=size),
        link.up(outside),
        link.up(inside, namespace=pod.name),
        link.up("lo", namespace=pod.name),
    ]


def add_node_settings(node: Node, plan: Plan) -> list[Step]:
    """What makes a node a router that answers for a gateway that nobody has; and for each Pod's cable, that it does."""
    return [*ready(node), *(step for pod in _pods(node, plan) for step in _settings(pod))]


def ready(node: Node) -> list[Step]:
    """
    Forwarding, and a default route.

    A kernel answers ARP for another's address if it has a route to that out of another interface: to 169.254.1.1 that is the default
    route. In a lab there is no way out, so it says that everything is on the nodes' own network, where nobody answers.
    """
    return [forwarding.on(), route.add("default", dev=node.uplink, metric=names.DEAD_END_METRIC)]


def _settings(pod: Pod) -> list[Step]:
    on = ("proxy_arp", 1), ("proxy_delay", 0), ("route_localnet", 1), ("forwarding", 1)
    return [forwarding.setting(names.cali(pod), key, value) for key, value in on]


def add_addresses(node: Node, plan: Plan) -> list[Step]:
    """An address of /32 for each Pod, and its two routes."""
    return [step for pod in _pods(node, plan) for step in _address(pod)]


def _address(pod: Pod) -> list[Step]:
    inside = names.pod_link(pod)
    return [
        address.add(names.pod_address(pod), dev=inside, namespace=pod.name),
        route.add(f"{names.GATEWAY}/32", dev=inside, namespace=pod.name),
        route.add("default", via=names.GATEWAY, dev=inside, namespace=pod.name),
    ]


def add_pod_routes(node: Node, plan: Plan) -> list[Step]:
    """For each Pod a route out of its cable, and who is at its other end: Felix's part."""
    return [step for pod in _pods(node, plan) for step in _pod_route(pod)]


def _pod_route(pod: Pod) -> list[Step]:
    return [
        route.add(f"{pod.ip}/32", dev=names.cali(pod)),
        neighbour.add(pod.ip, names.pod_mac(pod), dev=names.cali(pod)),
    ]


def start_bird(node: Node, plan: Plan) -> list[Step]:
    """The node's BIRD, which does the rest: it finds the others, and tells them and its kernel."""
    return [daemon.start(bird_config.speaker(node, plan))]


def add_tunnel(node: Node, plan: Plan) -> list[Step]:
    """The node's own blocks, to be thrown away where no Pod's route is longer; and its end of the tunnel, which learns nothing."""
    return [
        *(route.blackhole(block, protocol=FELIX) for block in names.blocks(node)),
        vxlan.add(names.TUNNEL, names.VNI, str(node.external.ip), node.uplink, names.PORT, learning=False),
        link.change(names.TUNNEL, mtu=names.TUNNEL_MTU, mac=names.tunnel_mac(node)),
        link.up(names.TUNNEL),
        address.add(names.tunnel_address(node), dev=names.TUNNEL),
    ]


def add_peers(node: Node, plan: Plan) -> list[Step]:
    """For each other node the MAC of its tunnel, the host that has that MAC, and a route to each of its blocks."""
    return [step for other in plan.nodes if other.name != node.name for step in peer(other)]


def peer(other: Node) -> list[Step]:
    """What a node has to know of another one."""
    gateway, mac = names.tunnel_address(other).ip, names.tunnel_mac(other)
    return [
        neighbour.add(gateway, mac, dev=names.TUNNEL),
        vxlan.fdb_append(mac, str(other.external.ip), dev=names.TUNNEL),
        *(route.add(block, via=gateway, dev=names.TUNNEL, onlink=True) for block in names.blocks(other)),
    ]


def add_rules(node: Node, plan: Plan) -> list[Step]:
    """What all Pods share of the rules, and each Pod's entries in them."""
    return [*shared_rules(), *(step for pod in _pods(node, plan) for step in endpoint(pod))]


def shared_rules() -> list[Step]:
    """
    What comes from a Pod has to come from its own address; what leaves the pool gets the node's; and each Pod has to be known.

    What a Pod sends, and what is for one, goes through chains that look its cable up, and drop what they do not find.
    """
    prerouting, postrouting, forward = "raw-PREROUTING", "nat-POSTROUTING", "filter-FORWARD"
    pods = f"{names.PREFIX}*"
    spoofed = [say.comes_by(pods), say.has_no_way_back(), say.drop()]
    leaves = [say.source(names.POOL), say.destination(names.POOL, negate=True), say.masquerade(fully_random=True)]
    dispatched = [[say.comes_by(pods), say.jump(names.FROM_PODS)], [say.leaves_by(pods), say.jump(names.TO_PODS)]]
    return [
        nft.table(names.TABLE),
        nft.chain(prerouting, hook="prerouting", does="filter", priority=-300, table=names.TABLE),
        nft.chain(postrouting, hook="postrouting", table=names.TABLE),
        nft.set_rules(prerouting, [spoofed], table=names.TABLE),
        nft.set_rules(postrouting, [leaves], table=names.TABLE),
        *_dispatch(names.FROM_PODS, "iifname"),
        *_dispatch(names.TO_PODS, "oifname"),
        nft.chain(forward, hook="forward", does="filter", table=names.TABLE),
        nft.set_rules(forward, dispatched, table=names.TABLE),
    ]


def _dispatch(name: str, which: Literal["iifname", "oifname"]) -> list[Step]:
    rules = [[say.look_up_interface(name, which)], [say.drop()]]
    return [
        nft.verdict_map(name, by="interface", table=names.TABLE),
        nft.chain(name, table=names.TABLE),
        nft.set_rules(name, rules, table=names.TABLE),
    ]


def endpoint(pod: Pod) -> list[Step]:
    """A Pod's entries where packets are sent on: it is known, in both directions."""
    return [nft.element(name, names.cali(pod), "return", table=names.TABLE) for name in (names.FROM_PODS, names.TO_PODS)]


def no_endpoint(link: str) -> list[Step]:
    """Take away what was written of the node's end *link* of a cable."""
    return [nft.remove_element(name, link, table=names.TABLE) for name in (names.FROM_PODS, names.TO_PODS)]


def pod(pod: Pod, mtu: int) -> list[Step]:
    """All that one Pod needs, on a node that is ready: no other node is told."""
    return [namespace.add(pod.name), *_cable(pod, mtu), *_settings(pod), *_address(pod), *_pod_route(pod), *endpoint(pod)]
