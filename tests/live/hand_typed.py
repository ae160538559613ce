"""Scripts as a person who has never heard of podnet_lab would type them on a node, drawn at random; some make no sense."""

from __future__ import annotations

import random

PODS = ("", "red", "blue")
NAMES = ("br0", "br1", "cab0", "cab1", "eth9", "tun0", "mac0")
NETS = ("10.70.0", "10.71.0")
TARGETS = ("default", "10.80.0.0/16", "10.81.0.0/24", "10.70.0.9/32")


def line(rng: random.Random) -> str:
    """One command, about few enough things that commands meet."""
    pod, other, name, second = rng.choice(PODS), rng.choice(PODS), rng.choice(NAMES), rng.choice(NAMES)
    ip = f"ip -n {pod}" if pod else "ip"
    inside = f"ip netns exec {pod} " if pod else ""
    there = f" netns {other}" if other else ""
    net, host = rng.choice(NETS), rng.randint(1, 4)
    near = f"{rng.choice(NETS)}.{rng.randint(1, 4)}"
    mac = f"02:00:00:00:00:{rng.randint(10, 99)}"
    # What hangs in a namespace is deleted first: else the kernel clears away behind it, and nobody knows when.
    lines = (
        f"ip netns add {rng.choice(PODS[1:])}",
        f"ip netns add {rng.choice(PODS[1:])}",
        f"n={rng.choice(PODS[1:])}; ip netns exec $n sh -c 'for one in $(ls /sys/class/net); do ip link del $one; done'; ip netns del $n",
        f"ip link add {rng.choice(NAMES[:2])} type bridge",
        f"{ip} link add {name} type veth peer name {second}{there}",
        f"ip link add {name} type veth peer name {second}{there}",
        f"ip link add tun0 type vxlan id {rng.randint(1, 3)} dev eth0 local 192.168.1.11 dstport 8472 nolearning",
        f"ip link add mac0 link eth0{there} type macvlan mode bridge",
        f"{ip} link set {name} netns {other or '$$'}",
        f"{ip} link set dev {name} name {second}",
        f"{ip} link set dev {name} up",
        f"{ip} link set dev {name} up",
        f"{ip} link set dev lo up",
        f"{ip} link set dev {name} down",
        f"ip link set {name} {rng.choice(('master br0', 'master br1', 'nomaster'))}",
        f"ip link set {name} master br0",
        f"ip link set {name} type bridge_slave hairpin on",
        f"{ip} link set dev {name} mtu {rng.choice((1280, 1400, 1450))}",
        f"{ip} link set dev {name} arp {rng.choice(('on', 'off'))}",
        f"{ip} link set dev {name} address {mac}",
        f"{ip} link del {name}",
        f"{ip} addr add {net}.{host}/{rng.choice((24, 24, 32))} dev {name}",
        f"{ip} addr add {net}.{host}/24 dev {name}",
        f"{ip} addr add {net}.{host} peer {near}/32 dev {name}",
        f"{ip} addr add {net}.{host}/24 dev {name} label {name}:1 scope link",
        f"{ip} addr del {net}.{host}/24 dev {name}",
        f"{ip} addr flush dev {name}",
        f"{ip} route add {rng.choice(TARGETS)} via {near}",
        f"{ip} route add {rng.choice(TARGETS)} via {near} metric {rng.randint(5, 7)}",
        f"{ip} route add {rng.choice(TARGETS)} dev {name}",
        f"{ip} route add {rng.choice(TARGETS)} dev {name} scope link src {net}.{host}",
        f"{ip} route add {rng.choice(TARGETS)} via {near} dev {name} onlink",
        f"{ip} route add {rng.choice(TARGETS)} via {near} table {rng.randint(7, 9)}",
        f"{ip} route add {rng.choice(TARGETS)} via {near} mtu 1300",
        f"{ip} route add {rng.choice(('blackhole', 'unreachable'))} 10.82.0.0/16",
        f"{ip} route add 10.83.0.0/16 nexthop via {near} nexthop via {net}.{host}",
        f"{ip} route del {rng.choice(TARGETS)}",
        f"ip route add 10.84.0.0/16 via 192.168.1.{rng.randint(12, 13)}",
        f"{ip} neigh add {near} lladdr {mac} dev {name}",
        f"{ip} neigh del {near} dev {name}",
        f"bridge fdb append {mac} dev tun0 dst 192.168.1.{rng.randint(12, 13)}",
        f"{inside}sysctl -qw net.ipv4.ip_forward={rng.randint(0, 1)}",
        f"{inside}sysctl -qw net.ipv4.conf.{name}.{rng.choice(('rp_filter', 'proxy_arp', 'forwarding'))}={rng.randint(0, 1)}",
        f"nft add table ip {rng.choice(('mine', 'yours'))}",
        "nft 'add chain ip mine in { type filter hook input priority 0; policy accept; }'",
        f"nft add rule ip mine in tcp dport {rng.choice((80, 443))} counter {rng.choice(('accept', 'drop'))}",
        f"nft 'add set ip mine hosts {{ type ipv4_addr; }}'; nft 'add element ip mine hosts {{ {near} }}'",
        f"nft {rng.choice(('flush chain ip mine in', 'delete table ip mine'))}",
    )
    return rng.choice(lines)


SENSIBLE = (
    "ip netns add red",
    "ip netns add blue",
    "ip link add br0 type bridge",
    "ip link set br0 up",
    "ip link add cab0 type veth peer name eth9 netns red",
    "ip link set cab0 master br0 up",
    "ip -n red addr add 10.70.0.2/24 dev eth9",
    "ip -n red link set eth9 up",
    "ip addr add 10.70.0.1/24 dev br0",
    "ip -n red route add default via 10.70.0.1",
)
"""What most of the others make sense after."""


def script(rng: random.Random, length: int) -> str:
    """*length* commands, and often a wired Pod before them; one that is refused stops nothing."""
    begin = SENSIBLE[: rng.randint(0, len(SENSIBLE))] if rng.random() < 0.8 else ()
    return "\n".join(f"{{ {one}; }} 2>/dev/null" for one in (*begin, *(line(rng) for _ in range(length)))) + "\ntrue"
