"""Random Pod networks whose nodes are joined by tunnels, and random changes of a tunnel: what `ip`, `bridge`, `nft` and `sysctl` take."""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import permutations

from live.helpers import UPLINK
from live.random_nets import EXTERNAL, NODES, Net, underlay_way, wired_nodes

UNUSED = "192.168.1.99"
STRANGER = "02:00:00:00:00:99"


@dataclass(frozen=True)
class End:
    """What was planned of a node's end of the tunnel; *gateway* is its own address."""

    node: str
    dev: str
    mac: str
    gateway: str
    vni: int
    port: int
    learning: bool

    @property
    def host(self) -> str:
        """The address at which the others send to it."""
        return EXTERNAL[self.node]

    def made(self, *, vni: int | None = None, port: int | None = None, dev: str = f"dev {UPLINK}", local: str = "") -> list[str]:
        """What a person types to make it."""
        learning = "learning" if self.learning else "nolearning"
        settings = f"id {self.vni if vni is None else vni} local {local or self.host} {dev} dstport {port or self.port} {learning}"
        return [
            f"ip link add {self.dev} address {self.mac} mtu 1450 type vxlan {settings}",
            f"ip addr add {self.gateway}/32 dev {self.dev}",
            f"ip link set {self.dev} up",
        ]


@dataclass
class Overlay(Net):
    """A network with a tunnel: the *ends* of those nodes that are joined by it, and the two that the last mischief was about."""

    ends: tuple[End, ...] = ()
    changed: tuple[End, ...] = ()

    def knows(self, end: End, other: End) -> list[str]:
        """What a node is told of another end, but for the routes."""
        if end.learning:  # it asks everybody, and learns
            return [f"bridge fdb append 00:00:00:00:00:00 dev {end.dev} dst {other.host}"]
        return [
            f"ip neigh replace {other.gateway} lladdr {other.mac} dev {end.dev} nud permanent",
            f"bridge fdb append {other.mac} dev {end.dev} dst {other.host}",
        ]

    def ways(self, end: End, other: End) -> list[str]:
        """The routes of a node through its tunnel to another node's Pods."""
        return [f"ip route replace {subnet} via {other.gateway} dev {end.dev} onlink" for subnet in self.subnets[other.node]]


def healthy(seed: int) -> Overlay:
    """A network that works, of which two nodes or all are joined by a tunnel."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    wired = wired_nodes(seed, draw)
    joined = draw.sample(NODES, draw.choice((2, 3, 3)))
    dev, vni, port = draw.choice(("flannel.1", "vx0", "overlay")), draw.randint(1, 5000), draw.choice((8472, 4789, 7777))
    ends = tuple(
        End(node, dev, f"02:11:22:33:44:{number:02x}", str(wired.subnets[node][0].network_address), vni, port, draw.random() < 0.3)
        for number, node in enumerate(joined)
    )
    net = Overlay(**vars(wired), ends=tuple(End(**{**vars(end), "learning": ends[0].learning}) for end in ends))
    by_node = {end.node: end for end in net.ends}
    for end in net.ends:
        net.do(end.node, *end.made())
    for node, other in permutations(NODES, 2):
        if node in by_node and other in by_node:
            net.do(node, *net.knows(by_node[node], by_node[other]), *net.ways(by_node[node], by_node[other]))
        else:
            underlay_way(net, draw, node, other, detour=False)
    return net


def mischief(net: Overlay, draw: random.Random) -> None:
    """One change of the tunnel, somewhere: it may break something, or be refused, or change nothing."""
    end = draw.choice(net.ends)
    other = draw.choice([one for one in net.ends if one is not end])
    kind = draw.choice(
        (_link, _link, _made_anew, _forwarding, _forwarding, _neighbour, _neighbour, _route, _route, _rule, _setting, _below)
    )
    net.mischief.append((end.node, kind(net, draw, end, other)))
    net.changed = (end, other)


def pair(net: Overlay, draw: random.Random, everyone: list[str]) -> list[str]:
    """Two that are joined by the tunnel, on other nodes, most often those that the mischief was about; seldom the nodes themselves."""
    one, other = draw.sample(net.changed if net.changed and draw.random() < 0.8 else net.ends, 2)
    return [draw.choice([*(pod.name for pod in net.pods if pod.node == end.node), end.node]) for end in (one, other)]


def _mac(net: Overlay, draw: random.Random, other: End) -> str:
    return draw.choice((other.mac, draw.choice(net.ends).mac, STRANGER, "00:00:00:00:00:00"))


def _host(draw: random.Random, other: End) -> str:
    return draw.choice((other.host, *EXTERNAL.values(), UNUSED))


def _link(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    change = draw.choice(
        (
            "down",
            f"mtu {draw.choice((600, 1000, 1280, 1400, 1450))}",
            f"address {draw.choice((other.mac, STRANGER))}",
            "arp off",
            f"type vxlan local {_host(draw, other)}",
            f"type vxlan {draw.choice(('learning', 'nolearning'))}",
            f"type vxlan dev {draw.choice((UPLINK, 'lo'))}",
            f"type vxlan ttl {draw.choice((1, 64))}",
            f"type vxlan df {draw.choice(('set', 'unset', 'inherit'))}",
            "promisc on",
            "name other0",
        )
    )
    return draw.choice(
        (f"ip link set {end.dev} {change}", f"ip link set {end.dev} {change}", f"ip link set {end.dev} {change}", f"ip link del {end.dev}")
    )


def _made_anew(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    """Deleted, and made again with one thing different, and all that belongs to it."""
    different = draw.choice(
        (
            {},
            {"vni": end.vni + 1},
            {"port": 4790},
            {"local": _host(draw, other)},
            {"dev": ""},
            {"dev": f"dev {UPLINK} ttl 3"},
            {"dev": f"dev {UPLINK} remote {_host(draw, other)}"},
            {"dev": f"dev {UPLINK} noudpcsum"},
        )
    )
    others = [one for one in net.ends if one is not end]
    again = [line for one in others for line in (*net.knows(end, one), *net.ways(end, one))]
    return "; ".join([f"ip link del {end.dev}", *end.made(**different), *again])


def _forwarding(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    mac, host = _mac(net, draw, other), _host(draw, other)
    verb = draw.choice(("add", "append", "replace", "del"))
    words = f"{mac} dev {end.dev} dst {host} {draw.choice(('', 'self permanent', 'self dynamic', 'self static', f'port {end.port + 1}'))}"
    first = draw.choice(("", f"bridge fdb del {mac} dev {end.dev} dst {other.host}; "))
    return draw.choice((f"bridge fdb {verb} {words}", f"{first}bridge fdb {verb} {words}", f"bridge fdb flush dev {end.dev}"))


def _neighbour(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    address = draw.choice((other.gateway, other.gateway, draw.choice(net.pods).ip))
    state = draw.choice(("permanent", "permanent", "noarp", "stale", "reachable"))
    mac = draw.choice((other.mac, draw.choice(net.ends).mac, STRANGER, "ff:ff:ff:ff:ff:ff"))
    return draw.choice(
        (
            f"ip neigh replace {address} lladdr {mac} dev {end.dev} nud {state}",
            f"ip neigh del {address} dev {end.dev}",
            f"ip neigh flush dev {end.dev}",
        )
    )


def _route(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    pod = draw.choice([one for one in net.pods if one.node == other.node])
    to = draw.choice((str(draw.choice(net.subnets[other.node])), str(draw.choice(net.subnets[other.node])), pod.ip))
    third = draw.choice(net.ends)
    way = draw.choice(
        (
            f"dev {end.dev}",
            f"dev {UPLINK}",
            f"via {third.gateway} dev {end.dev} onlink",
            f"via {UNUSED} dev {end.dev} onlink",
            f"via {other.gateway} dev {UPLINK} onlink",
            f"via {_host(draw, other)} dev {UPLINK}",
            f"via {_host(draw, other)} dev {end.dev} onlink",
            f"via {other.gateway} dev {end.dev} onlink mtu {draw.choice((700, 1400))}",
            f"via {other.gateway} dev {end.dev}",
        )
    )
    return draw.choice(
        (f"ip route replace {to} {way}", f"ip route replace {to} {way}", f"ip route del {to}", f"ip route flush dev {end.dev}")
    )


def _rule(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    hook = draw.choice(("prerouting", "input", "forward", "output", "postrouting"))
    match = draw.choice(
        (
            f"udp dport {end.port}",
            f"udp sport {end.port}",
            f"iifname {end.dev}",
            f"oifname {end.dev}",
            f"ip saddr {other.host}",
            f"ip daddr {other.host} meta l4proto udp",
            f"ip saddr {end.gateway}/16",
            "meta length 114",
        )
    )
    does = draw.choice(("drop", "drop", "drop", "accept", "counter", "reject"))
    chain = f"nft add table ip m; nft 'add chain ip m c {{ type filter hook {hook} priority {draw.choice((-300, 0, 50))} ; }}'"
    return f"{chain}; nft add rule ip m c {match} {does}"


def _setting(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    name, value = draw.choice(
        (("forwarding", 0), ("rp_filter", 1), ("rp_filter", 2), ("arp_ignore", 1), ("arp_ignore", 8), ("proxy_arp", 1))
    )
    where = draw.choice((end.dev, end.dev, UPLINK, "all"))
    return f"sysctl -qw net/ipv4/conf/{where}/{name}={value}"


def _below(net: Overlay, draw: random.Random, end: End, other: End) -> str:
    """At the end's address, and at what is below the tunnel."""
    return draw.choice(
        (
            f"ip addr del {end.gateway}/32 dev {end.dev}",
            f"ip addr add {other.gateway}/32 dev {end.dev}",
            f"ip addr add {IPv4Network(f'{other.gateway}/24', strict=False)[9]}/24 dev {end.dev}",
            f"ip link set {UPLINK} mtu {draw.choice((900, 1400, 1450))}",
            f"ip neigh replace {other.host} lladdr {STRANGER} dev {UPLINK} nud permanent",
            f"ip route add {other.host} via {UNUSED}",
            f"ip route add blackhole {other.host}",
            f"ip rule add to {other.host} prohibit",
            f"ip rule add from {end.host} ipproto udp unreachable",
            f"ip link set {UPLINK} down",
        )
    )
