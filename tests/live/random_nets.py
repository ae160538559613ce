"""Random Pod networks, as shell commands for each node: other names, subnets, prefixes and ways of wiring; and random mischief."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import permutations

from live.helpers import UPLINK

NAMES = ("red", "blue", "web", "db", "cache", "mail", "green", "dns", "app", "log")
NODES = ("node1", "node2", "node3")
EXTERNAL = {"node1": "192.168.1.11", "node2": "192.168.1.12", "node3": "192.168.1.13"}


@dataclass
class Pod:
    """What was planned of a Pod; *end* is its cable's end on the node."""

    name: str
    node: str
    ip: str
    length: int
    end: str
    gateway: str
    bridge: str | None


@dataclass
class Net:
    """A network: *commands* of each node, in order, and its Pods."""

    seed: int
    commands: dict[str, list[str]] = field(default_factory=lambda: {node: [] for node in NODES})
    pods: list[Pod] = field(default_factory=list)
    bridges: list[tuple[str, str]] = field(default_factory=list)
    subnets: dict[str, list[IPv4Network]] = field(default_factory=lambda: {node: [] for node in NODES})
    mischief: list[tuple[str, str]] = field(default_factory=list)

    def script(self, node: str) -> str:
        """All commands of one node as one script, which stops at the first that fails."""
        return "\n".join(["set -e", *self.commands[node]])

    def do(self, node: str, *commands: str) -> None:
        """Add commands."""
        self.commands[node] += commands


def healthy(seed: int) -> Net:
    """A network that a person may have wired, and that works."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    net = wired_nodes(seed, draw)
    # One at most: two nodes that take each other for a detour send packets round and round.
    detour = tuple(draw.sample(NODES, 2)) if draw.random() < 0.5 else None
    for node, other in permutations(NODES, 2):
        underlay_way(net, draw, node, other, detour == (node, other))
    _extras(net, draw)
    return net


def wired_nodes(seed: int, draw: random.Random) -> Net:
    """Nodes with Pods, that have no way to each other yet."""
    net = Net(seed)
    names = draw.sample(NAMES, len(NAMES))
    subnets = [IPv4Network(f"10.{a}.{b}.0/24") for a, b in zip(draw.sample(range(20, 200), 9), draw.sample(range(250), 9), strict=True)]
    for node in NODES:
        net.do(node, "sysctl -qw net.ipv4.ip_forward=1")
        count = draw.randint(1, 3)
        mine = [names.pop() for _ in range(count)]
        style = draw.choice(("bridge", "bridge", "bridge", "two bridges", "routed"))
        if style == "routed":
            _routed(net, draw, node, mine, subnets.pop())
        elif style == "two bridges" and count > 1:
            _bridged(net, draw, node, mine[:1], subnets.pop(), f"br{draw.randint(0, 9)}")
            _bridged(net, draw, node, mine[1:], subnets.pop(), f"net-{draw.randint(0, 9)}")
        else:
            _bridged(net, draw, node, mine, subnets.pop(), f"bridge{draw.randint(0, 9)}")
    return net


def _bridged(net: Net, draw: random.Random, node: str, names: list[str], subnet: IPv4Network, bridge: str) -> None:
    subnet = next(subnet.subnets(new_prefix=draw.choice((24, 26, 28))))
    hosts = list(subnet.hosts())
    gateway = hosts[draw.choice((0, -1))]
    free = hosts[1:-1]
    net.subnets[node].append(subnet)
    net.bridges.append((node, bridge))
    net.do(node, f"ip link add {bridge} type bridge", f"ip addr add {gateway}/{subnet.prefixlen} dev {bridge}", f"ip link set {bridge} up")
    for number, name in enumerate(names):
        end, address = f"v{len(net.pods)}-{number}", draw.choice(free)
        free.remove(address)
        dev = draw.choice(("eth0", "eth0", f"c-{name}"))
        net.do(
            node,
            f"ip netns add {name}",
            f"ip link add {end} type veth peer name {dev} netns {name}",
            f"ip link set {end} master {bridge} up",
        )
        net.do(node, f"ip -n {name} addr add {address}/{subnet.prefixlen} dev {dev}", f"ip -n {name} link set {dev} up")
        net.do(node, f"ip -n {name} link set lo up", f"ip -n {name} route add default via {gateway}")
        net.pods.append(Pod(name, node, str(address), subnet.prefixlen, end, str(gateway), bridge))


def _routed(net: Net, draw: random.Random, node: str, names: list[str], subnet: IPv4Network) -> None:
    """Without a bridge: each Pod's cable is a link of its own, with a route to its one address."""
    gateway = "169.254.1.1"
    net.subnets[node].append(subnet)
    net.do(node, f"ip addr add {gateway}/32 dev lo", "ip link set lo up")
    hosts = draw.sample(list(subnet.hosts()), len(names))
    for number, (name, address) in enumerate(zip(names, hosts, strict=True)):
        end = f"cali{len(net.pods)}-{number}"
        net.do(node, f"ip netns add {name}", f"ip link add {end} type veth peer name eth0 netns {name}", f"ip link set {end} up")
        net.do(node, f"ip -n {name} addr add {address}/32 dev eth0", f"ip -n {name} link set eth0 up", f"ip -n {name} link set lo up")
        net.do(node, f"ip -n {name} route add {gateway} dev eth0", f"ip -n {name} route add default via {gateway}")
        net.do(node, f"ip route add {address} dev {end}")
        net.pods.append(Pod(name, node, str(address), 32, end, gateway, None))


def underlay_way(net: Net, draw: random.Random, node: str, other: str, detour: bool) -> None:
    """Routes of a node to another's Pods, by the nodes' own addresses."""
    style = draw.choice(("subnet", "subnet", "subnet", "each Pod", "table", "metric"))
    via = EXTERNAL[next(one for one in NODES if one not in (node, other)) if detour else other]
    if style == "each Pod":
        net.do(node, *(f"ip route add {pod.ip} via {via}" for pod in net.pods if pod.node == other))
        return
    for subnet in net.subnets[other]:
        if style == "table":
            number = 100 + NODES.index(other)
            net.do(node, f"ip route add {subnet} via {via} table {number}")
            net.do(node, f"ip rule add to {subnet} lookup {number}")
        elif style == "metric":
            net.do(node, f"ip route add {subnet} via {via} metric 10", f"ip route add {subnet} via 192.168.1.99 metric 20")
        else:
            net.do(node, f"ip route add {subnet} via {via}")


def _extras(net: Net, draw: random.Random) -> None:
    """What changes nothing, or should not: filters, routes, rules, more addresses."""
    for node in NODES:
        match draw.randint(0, 7):
            case 0:
                net.do(node, "sysctl -qw net.ipv4.conf.all.rp_filter=2")
            case 1:
                net.do(node, "ip rule add from 203.0.113.0/24 blackhole", "ip route add blackhole 203.0.113.0/24")
            case 2:
                net.do(node, "ip route add 198.51.100.0/24 via 192.168.1.99 table 77", "ip rule add from 198.51.100.0/24 lookup 77")
            case 3:
                net.do(node, "nft add table inet f", "nft 'add chain inet f c { type filter hook forward priority 0 ; policy accept ; }'")
                net.do(node, "nft add rule inet f c ct state established,related accept", "nft add rule inet f c tcp dport 25 drop")
                net.do(node, "nft add rule inet f c ip saddr 203.0.113.0/24 counter drop")
    for pod in draw.sample(net.pods, min(2, len(net.pods))):
        if draw.random() < 0.3:
            net.do(pod.node, f"ip -n {pod.name} addr add 203.0.113.{draw.randint(2, 250)}/32 dev lo")


def _nft(hook: str, rule: str = "", policy: str = "accept", kind: str = "filter") -> str:
    chain = f"nft add table ip b; nft 'add chain ip b c {{ type {kind} hook {hook} priority 0 ; policy {policy} ; }}'"
    return f"{chain}; nft add rule ip b c {rule}" if rule else chain


def mischief(net: Net, draw: random.Random) -> None:
    """One thing that may break something, somewhere."""
    pod, other = draw.sample(net.pods, 2)
    away = draw.choice([one for one in NODES if one != pod.node])
    bridges = [bridge for where, bridge in net.bridges if where == pod.node]
    choices = [*_at_a_pod(pod, other), *_at_a_node(pod, other, away, draw.choice(net.subnets[away])), *_in_a_firewall(pod, other)]
    choices += _at_a_bridge(pod, draw.choice(bridges)) if bridges else []
    net.mischief.append((pod.node, draw.choice(choices)))


def _dev(pod: Pod) -> str:
    return f"$(ip -n {pod.name} -o -4 addr show scope global to {pod.ip} | awk '{{print $2; exit}}')"


def _at_a_pod(pod: Pod, other: Pod) -> list[str]:
    name, dev = pod.name, _dev(pod)
    return [
        f"ip -n {name} link set {dev} down",
        f"ip link set {pod.end} down",
        f"ip link set {pod.end} mtu 1000",
        f"ip -n {name} route del default",
        f"ip -n {name} route replace blackhole default",
        f"ip -n {name} route replace unreachable {other.ip}",
        f"ip -n {name} addr flush dev {dev}",
        f"ip -n {name} link set {dev} arp off",
        f"ip -n {name} addr add {other.ip}/32 dev {dev}",
        f"ip -n {name} addr add {pod.ip}/8 dev {dev}; ip -n {name} addr del {pod.ip}/{pod.length} dev {dev}",
        f"ip -n {name} neigh replace {pod.gateway} lladdr 02:00:00:00:00:77 dev {dev} nud permanent",
        f"ip -n {name} link set lo down",
        f"ip netns exec {name} sysctl -qw net.ipv4.icmp_echo_ignore_all=1",
        f"ip netns exec {name} sysctl -qw net.ipv4.conf.all.rp_filter=1",
    ]


def _at_a_node(pod: Pod, other: Pod, away: str, beyond: IPv4Network) -> list[str]:
    return [
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
        "sysctl -qw net.ipv4.conf.all.rp_filter=2",
        f"sysctl -qw net.ipv4.conf.{pod.bridge or pod.end}.forwarding=0",
        f"sysctl -qw net.ipv4.conf.{UPLINK}.forwarding=0",
        "sysctl -qw net.ipv4.icmp_echo_ignore_all=1",
        f"ip link set {UPLINK} mtu 1000",
        f"ip link set {UPLINK} down",
        f"ip link set {UPLINK} arp off",
        f"ip route replace {beyond} via 192.168.1.99",
        f"ip route replace prohibit {beyond}",
        f"ip route add {other.ip} via {EXTERNAL[away]}",
        f"ip route add throw {other.ip}",
        f"ip rule add from {pod.ip} unreachable",
        f"ip rule add to {pod.ip} blackhole",
        f"ip rule add from {pod.ip} lookup 55; ip route add default via 192.168.1.99 table 55",
        f"ip rule add iif {UPLINK} to {pod.ip} prohibit",
        f"ip addr add {other.ip}/32 dev {UPLINK}",
        f"ip neigh replace {EXTERNAL[away]} lladdr 02:00:00:00:00:88 dev {UPLINK} nud permanent",
    ]


def _in_a_firewall(pod: Pod, other: Pod) -> list[str]:
    return [
        _nft("forward", f"ip daddr {pod.ip} drop"),
        _nft("forward", policy="drop"),
        _nft("prerouting", f"iifname {UPLINK} ip saddr {other.ip} drop"),
        _nft("output", f"ip saddr {pod.ip} drop"),
        _nft("postrouting", f"oifname {UPLINK} icmp type echo-reply drop"),
        _nft("postrouting", f"ip saddr {pod.ip} oifname {UPLINK} masquerade", kind="nat"),
    ]


def _at_a_bridge(pod: Pod, bridge: str) -> list[str]:
    return [
        f"ip link set {bridge} down",
        f"ip link del {bridge}",
        f"ip addr flush dev {bridge}",
        f"ip link set {bridge} arp off",
        f"ip link set {pod.end} nomaster",
        f"bridge link set dev {pod.end} state 0",
        f"ip link set {bridge} mtu 900",
        f"ip link add other type bridge; ip link set other up; ip link set {pod.end} master other",
        f"sysctl -qw net.bridge.bridge-nf-call-iptables=1; {_nft('forward', f'ip saddr {pod.ip} drop')}",
        f"ip -n {pod.name} link set {_dev(pod)} address $(cat /sys/class/net/{bridge}/address)",
    ]
