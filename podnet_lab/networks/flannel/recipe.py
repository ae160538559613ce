"""The steps of Flannel's stages, and of one Pod. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from podnet_lab.devices import link
from podnet_lab.devices.bridge import steps as bridge
from podnet_lab.devices.veth import steps as veth
from podnet_lab.devices.vxlan import steps as vxlan
from podnet_lab.networks.flannel import names
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps import address, file, forwarding, namespace, neighbour, route
from podnet_lab.steps.base import Step
from podnet_lab.steps.nft import statements as say
from podnet_lab.steps.nft import steps as nft


def _pods(node: Node, plan: Plan) -> tuple[Pod, ...]:
    return node.pods(plan.pods_per_node)


def _others(node: Node, plan: Plan) -> list[Node]:
    return [other for other in plan.nodes if other.name != node.name]


def add_bridge(node: Node, mtu: int) -> list[Step]:
    """What the CNI plugin is told; and the bridge, with a MAC of its own and the tunnel's MTU, up, with the gateway's address."""
    return [
        file.write(names.SUBNET_ENV, names.subnet_env(node, mtu), replace=True),
        bridge.add(node.bridge),
        link.change(node.bridge, mtu=mtu, mac=names.bridge_mac(node)),
        link.up(node.bridge),
        address.add(node.gateway, dev=node.bridge),
    ]


def add_cables(node: Node, plan: Plan, mtu: int) -> list[Step]:
    """A cable for each Pod, with the tunnel's MTU at both ends, plugged into the bridge, which may send back what it hears there."""
    return [step for pod in _pods(node, plan) for step in _cable(pod, node, mtu)]


def _cable(pod: Pod, node: Node, mtu: int) -> list[Step]:
    port, inside = names.port_name(pod), names.pod_link(pod)
    return [
        veth.add(port, peer=inside, peer_namespace=pod.name),
        *([link.change(port, mtu=mtu), link.change(inside, pod.name, mtu=mtu)] if mtu != names.ETHERNET_MTU else []),
        veth.plug(port, into=node.bridge),
        bridge.hairpin(port),
    ]


def add_addresses(node: Node, plan: Plan) -> list[Step]:
    """An address for each Pod, each noted as host-local does, and everything up."""
    pods = _pods(node, plan)
    return [*(step for pod in pods for step in _address(pod)), *([_last_reserved(pods[-1])] if pods else [])]


def address_file(address: IPv4Address) -> str:
    """Where host-local notes whose an address is."""
    return f"{names.IPAM}/{address}"


def _last_reserved(pod: Pod) -> Step:
    """Where host-local begins to look for the next free address."""
    return file.write(f"{names.IPAM}/last_reserved_ip.0", str(pod.address.ip), replace=True)


def _address(pod: Pod) -> list[Step]:
    return [
        file.write(address_file(pod.address.ip), f"{pod.name}\r\n{names.pod_link(pod)}"),
        address.add(pod.address, dev=names.pod_link(pod), namespace=pod.name),
        link.up(names.port_name(pod)),
        link.up(names.pod_link(pod), namespace=pod.name),
        link.up("lo", namespace=pod.name),
    ]


def add_pod_routes(node: Node, plan: Plan) -> list[Step]:
    """Two routes for each Pod, both to the bridge: all Pods' range, and everything else; and forwarding."""
    return [*(step for pod in _pods(node, plan) for step in _pod_routes(pod, node)), forwarding.on()]


def _pod_routes(pod: Pod, node: Node) -> list[Step]:
    return [route.add(to, via=node.gateway.ip, namespace=pod.name) for to in (str(names.NETWORK), "default")]


def add_tunnel(node: Node, plan: Plan) -> list[Step]:
    """The node's end of the tunnel: it learns nothing by itself, and has one address, of the whole subnet's name."""
    return [
        vxlan.add(names.TUNNEL, names.VNI, str(node.external.ip), node.uplink, names.PORT, learning=False),
        link.change(names.TUNNEL, mtu=names.TUNNEL_MTU, mac=names.tunnel_mac(node)),
        link.up(names.TUNNEL),
        address.add(names.tunnel_address(node), dev=names.TUNNEL),
    ]


def add_peers(node: Node, plan: Plan) -> list[Step]:
    """For each other node three entries, in flanneld's order: the MAC of its tunnel, the host that has that MAC, the route."""
    return [step for other in _others(node, plan) for step in peer(other)]


def peer(other: Node) -> list[Step]:
    """What a node has to know of another one: neighbour, forwarding entry, route."""
    gateway, mac = str(names.tunnel_address(other).ip), names.tunnel_mac(other)
    return [
        neighbour.add(gateway, mac, dev=names.TUNNEL),
        vxlan.fdb_append(mac, str(other.external.ip), dev=names.TUNNEL),
        route.add(other.subnet, via=gateway, dev=names.TUNNEL, onlink=True),
    ]


def add_host_routes(node: Node, plan: Plan) -> list[Step]:
    """A route to each other node's Pods, by that node's own address: all nodes have to be on one link."""
    return [route.add(other.subnet, via=other.external.ip) for other in _others(node, plan)]


def add_rules(node: Node, plan: Plan) -> list[Step]:
    """What passes to and from Pods is let through; what leaves for elsewhere gets the node's address, what stays in the range does not."""
    return rules(node.subnet)


def rules(own: IPv4Network) -> list[Step]:
    """The same for a node whose subnet is *own*."""
    range_ = names.NETWORK
    chains = [
        nft.table(names.TABLE),
        nft.chain("forward", hook="forward", does="filter", table=names.TABLE),
        nft.chain("postrtg", hook="postrouting", table=names.TABLE),
    ]
    passes = [[say.source(range_), say.accept()], [say.destination(range_), say.accept()]]
    masquerade = say.masquerade(fully_random=True)
    leaves = [
        [say.marked(), say.back()],
        [say.source(own), say.destination(range_), say.back()],
        [say.source(range_), say.destination(own), say.back()],
        [say.source(own, negate=True), say.destination(range_), say.back()],
        [say.source(range_), say.destination("224.0.0.0/4", negate=True), masquerade],
        [say.source(range_, negate=True), say.destination(range_), masquerade],
    ]
    return [*chains, nft.set_rules("forward", passes, table=names.TABLE), nft.set_rules("postrtg", leaves, table=names.TABLE)]


def pod(pod: Pod, node: Node, mtu: int) -> list[Step]:
    """All that one Pod needs."""
    return [namespace.add(pod.name), *_cable(pod, node, mtu), *_address(pod), _last_reserved(pod), *_pod_routes(pod, node)]
