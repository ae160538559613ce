"""
Calico's data plane, by hand: what its CNI plugin, Felix and BIRD program on a node; the layout of releases up to v3.32.

Three modes: without encapsulation, where BIRD brings the routes to other nodes' Pods by BGP; IPIP, where BIRD's routes lead into a
tunnel; and VXLAN, where Felix writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.devices.ip_tunnel import TUNL0
from podnet_lab.devices.ipip.steps import MODULE
from podnet_lab.explain.fault import Fault
from podnet_lab.model import Cluster
from podnet_lab.networks.base import DeviceFile, Facts, Need, Network, Stage
from podnet_lab.networks.calico import bird_config, checks, faults, ipip_checks, ipip_faults, ipip_recipe, names, recipe, tunnel_checks
from podnet_lab.networks.static_routes import checks as lesson
from podnet_lab.networks.static_routes import recipe as lesson_recipe
from podnet_lab.plan import Node, Plan, Pod
from podnet_lab.steps.base import Step

REAL = (
    "interfaces, addresses, routes, neighbours, settings and who made each route, as Calico's CNI plugin, Felix and BIRD leave them",
    "the packets on the wire",
)
STANDS_IN = (
    "a lab's node has no way out: its default route, which it needs so that it answers for the Pods' gateway, says that everything is"
    " on the nodes' own network, where nobody answers",
    "node 1's block is 10.244.1.0/26, node 2's 10.244.2.0/26; Calico draws blocks by a hash of the node's name, and claims more as they"
    " fill up",
    "which address is free is read off the kernels, from .2 on; Calico keeps lists in its datastore, and uses all 64",
    "Pods' MACs follow from their names; the kernel draws them",
    "rules in nftables for what comes from Pods, what leaves their range, and which Pods are known; Felix has dozens, and sends each Pod's"
    " packets on to chains of its own",
)
BGP_STANDS_IN = (
    "BIRD 2 from Debian, with the configuration that confd would write for BIRD 1.6, in BIRD 2's words",
    f"a silent peer is given up after {bird_config.HOLD} seconds, one that was killed after {bird_config.RESTART}; in Calico 240 and 120",
    "without `persist` and without graceful restart's -R: a BIRD that is stopped takes its routes along, where Calico's leaves them",
)


VXLAN_STANDS_IN = (
    "felix.py stands in for Felix, once agents are started (control_plane.py): with keys of the shape of Calico's in a real etcd, where"
    " Calico mostly reads Kubernetes' own objects; it finds the tunnel made",
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
            "veth",
            "a cable for each Pod, plugged into nothing; the nodes' ends all have one MAC",
            lambda node, plan: recipe.add_cables(node, plan, mtu),
            lambda node, cluster, pods: checks.cables(node, mtu),
        ),
        Stage(
            "proxy-arp",
            "forwarding, a default route, and an answer by ARP for whoever is asked for at a Pod's cable",
            recipe.add_node_settings,
            lambda node, cluster, pods: checks.answers(node),
        ),
        Stage(
            "addr",
            f"an address of /32 for each Pod, and a gateway, {names.GATEWAY}, that nobody has",
            recipe.add_addresses,
            lambda node, cluster, pods: checks.addresses(node, cluster),
        ),
        Stage(
            "pod-routes",
            "a route to each Pod of the node's own",
            recipe.add_pod_routes,
            lambda node, cluster, pods: checks.pod_routes(node),
        ),
        *between,
        Stage(
            "rules",
            "what comes from a Pod has to be from its own address, and of a Pod that is known; what leaves the Pods' range gets the node's",
            recipe.add_rules,
            lambda node, cluster, pods: checks.rules(node),
        ),
    )


class Calico(Network):
    """Routes to Pods, and no bridge: *mtu* for Pods, the stages *between* that lead to other nodes, and its *own* faults."""

    common_faults = faults.COMMON_FAULTS
    cable_prefix = names.PREFIX

    def __init__(
        self, name: str, title: str, mtu: int, between: tuple[Stage, ...], facts: Facts, own: tuple[Fault, ...], needs: tuple[Need, ...]
    ) -> None:
        self.name, self.title, self.mtu, self.facts, self.faults, self.needs = name, title, mtu, facts, own, needs
        self.stages = _stages(mtu, between)

    def plan(self, nodes: int, pods: int) -> Plan:
        """The lesson's addresses; of a node's /24 so many blocks of /26 as its Pods need: one, two or four."""
        planned = super().plan(nodes, pods)
        length = next(bits for bits in (26, 25, 24) if pods <= 2 ** (32 - bits) - 3 or bits == 24)
        cut = (replace(node, subnet=IPv4Network(f"{node.subnet.network_address}/{length}")) for node in planned.nodes)
        return replace(planned, nodes=tuple(cut))

    def first_steps(self, node: Node) -> list[Step]:
        """Forwarding, a default route, and the rules that all Pods share."""
        return [*recipe.ready(node), *recipe.shared_rules()]

    def pod(self, pod: Pod, node: Node) -> list[Step]:
        """A namespace, a cable, settings of its node's end, an address, two routes in the Pod and one to it."""
        return recipe.pod(pod, self.mtu)

    def new_pod(self, cluster: Cluster, planned: Node, address: str | None = None) -> tuple[Pod, list[Step]]:
        """As of any network; where the rules are not there yet, no entry is made in them."""
        pod, steps = super().new_pod(cluster, planned, address)
        entries = () if checks.dispatches(cluster[planned.name]) else recipe.endpoint(pod)
        return pod, [step for step in steps if step not in entries]

    def gateway(self, node: Node) -> IPv4Address:
        """One that nobody has."""
        return names.GATEWAY

    def forgotten(self, cable: str) -> list[Step]:
        """Its entries in the chains that send packets on."""
        return recipe.no_endpoint(cable)

    def removal(self, cluster: Cluster, name: str) -> tuple[str, list[Step]]:
        """As of any network; and its cable is not known any more."""
        node, steps = super().removal(cluster, name)
        has = cluster[node]
        end = checks.host_end(has, has.spaces[name])
        return node, [*(self.forgotten(end.name) if end is not None and checks.is_known(has, end) else ()), *steps]


def _facts(mtu: int, per_remote_node: str, more: tuple[str, ...], *real: str) -> Facts:
    sees = "the sender's own Pod address"
    return Facts(mtu, names.ETHERNET_MTU - mtu, 62, sees, per_remote_node, "nothing", (*REAL, *real), (*STANDS_IN, *more))


NETWORK = Calico(
    "calico",
    "Calico, by hand: routes by BGP, without a tunnel",
    names.ETHERNET_MTU,
    (
        Stage(
            "bgp",
            "BIRD on each node: it tells the others its node's block, and its kernel theirs",
            recipe.start_bird,
            lambda node, cluster, pods: checks.by_bgp(node, cluster),
            settles=bird_config.SETTLES,
        ),
    ),
    _facts(names.ETHERNET_MTU, "one route for each block", BGP_STANDS_IN, "BGP: real BIRDs, a session between each two of them"),
    faults.BGP_FAULTS,
    (Need("nft", "nftables"), Need("bird", "bird2")),
)

VXLAN = Calico(
    "calico-vxlan",
    "Calico, by hand: a tunnel between the nodes (VXLAN)",
    names.TUNNEL_MTU,
    (
        Stage(
            "vxlan",
            f"each node's own block, and its end of the tunnel: {names.TUNNEL}",
            recipe.add_tunnel,
            lambda node, cluster, pods: tunnel_checks.tunnel(node),
        ),
        Stage(
            "peers",
            "for each other node a neighbour, a forwarding entry, and a route for each block",
            recipe.add_peers,
            lambda node, cluster, pods: tunnel_checks.peers(node, cluster),
        ),
    ),
    _facts(names.TUNNEL_MTU, "one neighbour, one forwarding entry, one route for each block", VXLAN_STANDS_IN),
    faults.VXLAN_FAULTS,
    (Need("nft", "nftables"),),
)

_IPIP_TITLE = "Calico, by hand: routes by BGP, through a tunnel between the nodes (IPIP)"
_IPIP_REAL = (
    "BGP: real BIRDs, a session between each two of them; each route has the three attributes by which it leads into tunl0",
    "on the wire an IPv4 packet in an IPv4 packet (protocol 4)",
)


def _ipip(name: str, title: str, add_tunnel: Callable[[Node, Plan], list[Step]], more: tuple[str, ...], own: tuple[Fault, ...]) -> Calico:
    tunnel = Stage(
        "ipip",
        f"each node's end of the tunnel: {TUNL0}, which knows no other node",
        add_tunnel,
        lambda node, cluster, pods: ipip_checks.tunnel(node),
    )
    bgp = Stage(
        "bgp",
        f"BIRD on each node: it tells the others its node's block, and its kernel theirs, through {TUNL0}",
        ipip_recipe.start_bird,
        lambda node, cluster, pods: ipip_checks.by_bgp(node, cluster),
        settles=bird_config.SETTLES,
    )
    facts = _facts(names.IPIP_MTU, "one route for each block", (*BGP_STANDS_IN, *more), *_IPIP_REAL)
    return Calico(name, title, names.IPIP_MTU, (tunnel, bgp), facts, own, NETWORK.needs)


IPIP = _ipip("calico-ipip", _IPIP_TITLE, ipip_recipe.add_tunnel, (), ipip_faults.IPIP_FAULTS)

IPIP_TUN = _ipip(
    "calico-ipip-tun",
    f"{_IPIP_TITLE}; a TUN device stands in for the kernel's {TUNL0}",
    ipip_recipe.add_stand_in,
    (
        f"{TUNL0} is a TUN device (`ip -d link` says tun, not ipip): this kernel has no module ipip",
        "a program of some eighty lines forwards for it, in user space, where in Calico the kernel does; so it is slow, a route says"
        " linkdown while no program runs, and a packet that does not fit is cut, where the kernel's own would keep DF",
    ),
    ipip_faults.STAND_IN_FAULTS,
)
IPIP.natively, IPIP.module, IPIP.stand_in = TUNL0, MODULE, IPIP_TUN
IPIP_TUN.needs = (*NETWORK.needs, Need("python3", "python3"))
IPIP_TUN.device_files = (
    DeviceFile(
        "/dev/net/tun",
        "where the kernel has the module, as in the VMs of `vagrant up`, `sudo modprobe ipip` helps; else root can open a lab with"
        " `privileged=True`, or let everybody have the file: `sudo chmod 666 /dev/net/tun`",
    ),
)

VARIANTS = (IPIP, IPIP_TUN, VXLAN)
