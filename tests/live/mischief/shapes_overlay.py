"""Networks that hide their Pods from the wire or translate them: vxlan, proxy ARP, Docker's masquerading."""

from __future__ import annotations

import random

from live.mischief.shapes import End, Pair, Shape, everywhere, node_ends, others, pod


def layer2(rng: random.Random) -> Shape:
    """Pods of all nodes in one subnet: their bridges are joined by a vxlan port that floods to the other nodes."""
    learning = rng.choice(["", "nolearning"])

    def script(n: int) -> str:
        parts = ["ip link add br0 type bridge", "ip link set br0 up", f"ip addr add 10.50.0.{n}/24 dev br0"]
        parts += [
            f"ip link add vx0 type vxlan id 42 dev eth0 local 192.168.1.1{n} dstport 4789",
            "ip link set vx0 master br0",
            "ip link set vx0 up",
        ]
        parts += [f"bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.168.1.1{m}" for m in others(n)]
        return "\n".join(parts + [pod(f"p{n}{i}", f"10.50.0.{10 * n + i}/24", "br0") for i in (1, 2)])

    pods = [End(f"node{n}", f"p{n}{i}", f"10.50.0.{10 * n + i}") for n in (1, 2, 3) for i in (1, 2)]
    shape = Shape("L2 vxlan", everywhere(script), [*pods, End("node1", "", "10.50.0.1")])
    if learning:  # then the other nodes' bridges know nobody, and every frame is flooded: slower, but it works
        shape.scripts = {node: text.replace("dstport 4789", "dstport 4789 nolearning") for node, text in shape.scripts.items()}
    return shape


def routed_vxlan(rng: random.Random) -> Shape:
    """As Flannel does: a bridge a node, and routes into a vxlan device whose neighbours and entries are written by a daemon."""

    def script(n: int) -> str:
        parts = [
            "sysctl -qw net.ipv4.ip_forward=1",
            "ip link add cni0 type bridge",
            "ip link set cni0 mtu 1450 up",
            f"ip addr add 10.42.{n}.1/24 dev cni0",
        ]
        parts += [
            f"ip link add flannel.1 address 02:42:00:00:00:0{n} type vxlan id 1 dev eth0 local 192.168.1.1{n} dstport 8472 nolearning"
        ]
        parts += ["ip link set flannel.1 up", f"ip addr add 10.42.{n}.0/32 dev flannel.1"]
        parts += [pod(f"f{n}{i}", f"10.42.{n}.{i}/24", "cni0", gateway=f"10.42.{n}.1") for i in (2, 3)]
        for m in others(n):
            parts += [
                f"ip route add 10.42.{m}.0/24 via 10.42.{m}.0 dev flannel.1 onlink",
                f"ip neigh add 10.42.{m}.0 lladdr 02:42:00:00:00:0{m} dev flannel.1 nud permanent",
            ]
        parts += [f"bridge fdb append 02:42:00:00:00:0{m} dev flannel.1 dst 192.168.1.1{m}" for m in others(n)]
        rules = [
            "-N FLANNEL-POSTRTG",
            f"-A FLANNEL-POSTRTG -s 10.42.{n}.0/24 -d 10.42.0.0/16 -j RETURN",
            "-A FLANNEL-POSTRTG -s 10.42.0.0/16 -d 10.42.0.0/16 -j RETURN",
        ]
        rules += ["-A FLANNEL-POSTRTG -s 10.42.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully", "-A POSTROUTING -j FLANNEL-POSTRTG"]
        return "\n".join(parts + ([f"iptables -t nat {rule}" for rule in rules] if masquerade else []))

    masquerade = rng.random() < 0.5
    pods = [End(f"node{n}", f"f{n}{i}", f"10.42.{n}.{i}") for n in (1, 2, 3) for i in (2, 3)]
    return Shape("L3 vxlan", everywhere(script), pods + node_ends())


def proxy_arp(rng: random.Random) -> Shape:
    """As Calico does: Pods have /32 addresses and a gateway that nobody has; their cables' other ends answer for it."""

    def script(n: int) -> str:
        parts = ["sysctl -qw net.ipv4.ip_forward=1", "ip route add default via 192.168.1.5"]
        for i in (1, 2):
            name = f"c{n}{i}"
            parts += [f"ip netns add {name}", f"ip link add cali{n}{i} type veth peer name eth0 netns {name}", f"ip link set cali{n}{i} up"]
            parts += [
                f"ip link set cali{n}{i} address ee:ee:ee:ee:ee:ee",
                f"sysctl -qw net.ipv4.conf.cali{n}{i}.proxy_arp=1 net.ipv4.neigh.cali{n}{i}.proxy_delay=0",
            ]
            parts += [f"ip -n {name} link set lo up", f"ip -n {name} link set eth0 up", f"ip -n {name} addr add 10.60.{n}.{i}/32 dev eth0"]
            parts += [f"ip -n {name} route add 169.254.1.1 dev eth0 scope link", f"ip -n {name} route add default via 169.254.1.1"]
            parts += [f"ip route add 10.60.{n}.{i} dev cali{n}{i} scope link"]
        parts += [f"ip route add blackhole 10.60.{n}.0/26 proto 80"]
        return "\n".join(parts + [f"ip route add 10.60.{m}.0/26 via 192.168.1.1{m} proto bird" for m in others(n)])

    pods = [End(f"node{n}", f"c{n}{i}", f"10.60.{n}.{i}") for n in (1, 2, 3) for i in (1, 2)]
    return Shape("proxy ARP", everywhere(script), pods + node_ends())


def masquerade(rng: random.Random) -> Shape:
    """As Docker does: what leaves a bridge is masqueraded, and what comes to the node's other address is somebody's behind it."""
    one = rng.choice(["iptables", "iptables", "iptables-legacy"])

    def script(n: int) -> str:
        bridge = "docker0"
        parts = [
            "sysctl -qw net.ipv4.ip_forward=1",
            f"ip link add {bridge} type bridge",
            f"ip link set {bridge} up",
            f"ip addr add 172.17.{n}.1/24 dev {bridge}",
        ]
        parts += [pod(f"d{n}{i}", f"172.17.{n}.{i}/24", bridge, gateway=f"172.17.{n}.1") for i in (2, 3)]
        parts += ["ip route add default via 192.168.1.5", f"ip addr add 192.168.1.2{n}/24 dev eth0"]
        parts += [f"{one} -t nat -A POSTROUTING -s 172.17.{n}.0/24 ! -o {bridge} -j MASQUERADE"]
        parts += [
            f"{one} -t nat -N DOCKER",
            f"{one} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
            f"{one} -t nat -A DOCKER ! -i {bridge} -p tcp -m tcp --dport 8000 -j DNAT --to-destination 172.17.{n}.2:8080",
        ]
        parts += [f"{one} -t nat -A PREROUTING -d 192.168.1.2{n} -j DNAT --to-destination 172.17.{n}.3"]
        parts += [
            f"{one} -P FORWARD DROP",
            f"{one} -A FORWARD -o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            f"{one} -A FORWARD -i {bridge} ! -o {bridge} -j ACCEPT",
        ]
        parts += [
            f"{one} -A FORWARD -d 172.17.{n}.2 ! -i {bridge} -o {bridge} -p tcp -m tcp --dport 8080 -j ACCEPT",
            f"{one} -A FORWARD -d 172.17.{n}.3 ! -i {bridge} -o {bridge} -j ACCEPT",
        ]
        return "\n".join([*parts, f"{one} -A FORWARD -i {bridge} -o {bridge} -j ACCEPT"])

    pods = [End(f"node{n}", f"d{n}{i}", f"172.17.{n}.{i}") for n in (1, 2, 3) for i in (2, 3)]
    nodes = node_ends()
    second = [one for one in pods if one.space.endswith("3")]
    first = [one for one in pods if one.space.endswith("2")]
    published = [Pair(a, b, f"192.168.1.1{b.node[-1]}", 8000) for a in [*pods, *nodes] for b in first if a.node != b.node]
    published += [Pair(a, b, f"192.168.1.2{b.node[-1]}") for a in [*pods, *nodes] for b in second if a.node != b.node]

    def apart(a: End, b: End) -> bool:
        return a.node != b.node and bool(b.space)

    return Shape("masquerade", everywhere(script), pods + nodes, published, apart=apart)
