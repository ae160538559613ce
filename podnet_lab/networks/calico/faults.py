"""
What people break of Calico in the field: a Pod's route and its cable's end, the answers by ARP, and what BIRD is told. Pure.

What is wrong with a route that BIRD makes is not here: it makes it again within two seconds.
"""

from __future__ import annotations

from podnet_lab.daemons import bird
from podnet_lab.explain.fault import Fault
from podnet_lab.explain.fault_places import FaultPlaces
from podnet_lab.explain.faults import FAULTS
from podnet_lab.explain.tunnel_faults import TUNNEL_FAULTS
from podnet_lab.networks.calico.dispatch_faults import DISPATCH

_COMMON = (
    "the Pod's end is down",
    "the node's own interface is down",
    "the other node's interface is down",
    "the cable's MTU is too small",
    "the node's MTU is too small",
    "the loopback is down",
    "the Pod has no address",
    "the default route is missing",
    "the default route is a blackhole",
    "a longer prefix leads astray",
    "the other Pod has no way back",
    "a policy rule refuses the Pod",
    "the node does not forward",
    "the other node does not forward",
    "a firewall drops what passes",
    "a firewall drops what passes, there",
    "a firewall drops what is for the node",
    "a firewall drops pings alone",
    "a firewall drops the answers alone",
    "the other node answers no ping",
)

COMMON_FAULTS = tuple(fault for fault in FAULTS if fault.name in _COMMON)
"""What can be broken of any Pod network, with a bridge or without."""


def _asking_anew(p: FaultPlaces, command: str) -> str:
    """A command, and the Pod forgets who its gateway is: what it has learnt, it would believe for a while."""
    return f"{command}; ip -n {p.pod.name} neigh flush dev {p.pod.dev}"


def _local(p: FaultPlaces) -> tuple[str, str]:
    return p.local_pair


PODS = (
    Fault("the node's end of the Pod's cable is down", lambda p: f"ip link set dev {p.pod.end} down", "cable", "node"),
    Fault(
        "the other node's end of its Pod's cable is down",
        lambda p: f"ip link set dev {p.other.end} down",
        "cable",
        "other node",
        "there",
    ),
    Fault("the node has no route to its own Pod", lambda p: f"ip route del {p.pod.ip}", "route", "node"),
    Fault("the other node has no route to its own Pod", lambda p: f"ip route del {p.other.ip}", "route", "other node", "there"),
    Fault("the node has no route to the Pod's neighbour", lambda p: f"ip route del {p.neighbour.ip}", "route", "node", pair=_local),
    Fault(
        "the route to the Pod leads out to the other nodes",
        lambda p: f"ip route replace {p.pod.ip} dev {p.node.uplink}",
        "route",
        "node",
    ),
    Fault(
        "the other node's route to its Pod leads out to the other nodes",
        lambda p: f"ip route replace {p.other.ip} dev {p.other_node.uplink}",
        "route",
        "other node",
        "there",
    ),
    Fault(
        "a route to one Pod says that it is on the nodes' own network",
        lambda p: f"ip route add {p.other.ip} dev {p.node.uplink}",
        "route",
        "node",
    ),
    Fault(
        "the routes of two Pods are crossed",
        lambda p: f"ip route replace {p.pod.ip} dev {p.neighbour.end}",
        "route",
        "node",
    ),
    Fault(
        "the node has a wrong MAC for the Pod",
        lambda p: f"ip neigh replace {p.pod.ip} lladdr 02:00:00:00:00:99 dev {p.pod.end} nud permanent",
        "neighbour",
        "node",
    ),
    Fault(
        "the Pod has another MAC than the node knows",
        lambda p: f"ip -n {p.pod.name} link set dev {p.pod.dev} address 02:00:00:00:00:77",
        "neighbour",
        "node",
    ),
    Fault(
        "the Pod's address is one that its node has no route to",
        lambda p: (
            f"ip -n {p.pod.name} addr add {p.node.free}/32 dev {p.pod.dev}; ip -n {p.pod.name} addr del {p.pod.address} dev {p.pod.dev}"
        ),
        "route",
        "node",
        pair=lambda p: (p.pod.label, p.neighbour.label),
    ),
)
"""What is wrong between a node and its own Pods."""


GATEWAY = (
    Fault(
        "the node does not answer for the Pod's gateway",
        lambda p: _asking_anew(p, f"sysctl -qw net/ipv4/conf/{p.pod.end}/proxy_arp=0"),
        "neighbour",
        "node",
    ),
    Fault(
        "the node has no default route, and so does not answer for the Pod's gateway",
        lambda p: _asking_anew(p, "while ip route del default; do :; done 2>/dev/null"),
        "route",
        "node",
    ),
    Fault(
        "the node does not forward from the Pod's cable",
        lambda p: f"sysctl -qw net/ipv4/conf/{p.pod.end}/forwarding=0",
        "forwarding",
        "node",
    ),
    Fault(
        "the Pod has no route to its gateway",
        lambda p: f"ip -n {p.pod.name} route flush dev {p.pod.dev}",
        "route",
        "pod",
    ),
    Fault(
        "the Pod has a wrong MAC for its gateway",
        lambda p: f"ip -n {p.pod.name} neigh replace 169.254.1.1 lladdr 02:00:00:00:00:99 dev {p.pod.dev} nud permanent",
        "neighbour",
        "pod",
    ),
    Fault(
        "the node's end of the Pod's cable has another MAC than the Pod knows",
        lambda p: (
            f"ip -n {p.pod.name} neigh replace 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev {p.pod.dev} nud permanent; "
            f"ip link set dev {p.pod.end} address 02:00:00:00:00:66"
        ),
        "neighbour",
        "pod",
    ),
)
"""What is wrong with a gateway that nobody has."""

_END = f"kill $(cat {bird.folder('bird')}/pid)"
_CONF = f"{bird.folder('bird')}/bird.conf"


def edited(edit: str) -> str:
    """The configuration of a node's BIRD, edited, and read again."""
    return f"sed -i '{edit}' {_CONF}; {bird.ask('configure')} > /dev/null"


def _session(what: str, p: FaultPlaces) -> str:
    """Do something with the session with the other node."""
    return bird.ask(what, f"Mesh_{str(p.other_node.external.ip).replace('.', '_')}") + " > /dev/null"


TAKES = 3.0
"""Seconds within which BIRDs have told each other, and their kernels, what is new."""

_BIRD, _BIRD_AND_NFT = ("bird",), ("bird", "nft")

BIRDS = (
    Fault("BIRD has ended", lambda p: _END, "route", "node", needs=_BIRD, takes=TAKES),
    Fault("the other node's BIRD has ended", lambda p: _END, "route", "other node", "there", needs=_BIRD, takes=TAKES),
    Fault(
        "BIRD is in another autonomous system than the others expect",
        lambda p: edited("s/local as [0-9]*/local as 64600/"),
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "the other node's BIRD is in another autonomous system than the others expect",
        lambda p: edited("s/local as [0-9]*/local as 64600/"),
        "route",
        "other node",
        "there",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "BIRD takes the other node for one of another autonomous system",
        lambda p: edited(f"s/neighbor {p.other_node.external.ip} as [0-9]*/neighbor {p.other_node.external.ip} as 64600/"),
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "a session is switched off",
        lambda p: _session("disable", p),
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
        mend=lambda p: _session("enable", p),
    ),
    Fault(
        "BIRD has no session with the other node",
        lambda p: edited(f"/neighbor {p.other_node.external.ip} as/d"),
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "a firewall drops BGP",
        lambda p: (
            "nft add table ip broken; nft 'add chain ip broken c { type filter hook input priority 0 ; }'; "
            f"nft add rule ip broken c tcp dport {bird.PORT} drop; nft add rule ip broken c tcp sport {bird.PORT} drop; "
            f"{bird.ask('restart', 'all')} > /dev/null"
        ),
        "firewall",
        "node",
        needs=_BIRD_AND_NFT,
        takes=TAKES,
    ),
    Fault(
        "the other node's BIRD announces nothing",
        lambda p: edited("/^filter calico_export/,/^}/s/then accept/then reject/"),
        "route",
        "other node",
        "there",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "BIRD takes in nothing of what the others announce",
        lambda p: edited("/^template/,/^}/s/import all/import none/"),
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "BIRD tells its kernel nothing",
        lambda p: edited("/^filter calico_kernel/,/^}/s/accept/reject/"),
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "the other node's BIRD does not know of its own block",
        lambda p: edited("/^protocol static/s/route [^;]*;//"),
        "route",
        "other node",
        "there",
        needs=_BIRD,
        takes=TAKES,
    ),
    Fault(
        "the next hop can't be reached",
        lambda p: f"ip route add blackhole {p.other_node.external.ip}",
        "route",
        "node",
        needs=_BIRD,
        takes=TAKES,
    ),
)
"""What is wrong with BIRD, or with what it was told."""

BLOCKS = (
    Fault("the node has no route to the other node's block", lambda p: f"ip route del {p.other_node.subnet}", "route", "node"),
    Fault("the other node has no way back", lambda p: f"ip route del {p.node.subnet}", "route", "other node", "there"),
    Fault("the other node's block is a blackhole here", lambda p: f"ip route replace blackhole {p.other_node.subnet}", "route", "node"),
)
"""What is wrong with routes to blocks, where nobody makes them again."""

BGP_FAULTS = (*PODS, *GATEWAY, *DISPATCH, *BIRDS)
VXLAN_FAULTS = (*PODS, *GATEWAY, *DISPATCH, *TUNNEL_FAULTS, *BLOCKS)
