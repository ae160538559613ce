"""Single settings that others typed, each with the truth by an echo or a connection, and what is explained of it."""

import pytest

from live.helpers import until
from live.outsiders_echo import answered

P = ("pod-1-2", "pod-2-2")
WORKS, BROKEN = True, False


def chain(hook: str, rule: str = "", *, policy: str = "accept", priority: int = 0, family: str = "ip", kind: str = "filter") -> str:
    made = f"nft add table {family} t; nft 'add chain {family} t c {{ type {kind} hook {hook} priority {priority} ; policy {policy} ; }}'"
    return f"{made}; nft 'add rule {family} t c {rule}'" if rule else made


def inside(command: str, pod: str = "pod-1-2") -> str:
    return f"ip netns exec {pod} {command}"


# name: (what is typed on which nodes, from whom, to whom, whether an echo is answered)
ROUTING = {
    "a route by type of service": ({"node1": "ip route add 10.244.2.0/24 tos 0x10 via 192.168.1.99"}, *P, WORKS),
    "a route by an IPv6 neighbour": ({"node1": "ip route replace 10.244.2.0/24 via inet6 $NODE2 dev eth0"}, *P, WORKS),
    "a local route that is gone": (
        {"node1": "ip route del local 10.244.1.1 dev v-net-0 table local; ip -n pod-1-2 neigh flush all; ip -n pod-1-3 neigh flush all"},
        *P,
        BROKEN,
    ),
    "a nexthop object": ({"node1": "ip nexthop add id 7 via 192.168.1.12 dev eth0; ip route replace 10.244.2.0/24 nhid 7"}, *P, WORKS),
    "a nexthop object that leads nowhere": (
        {"node1": "ip nexthop add id 7 via 192.168.1.99 dev eth0; ip route replace 10.244.2.0/24 nhid 7"},
        *P,
        BROKEN,
    ),
    "a blackhole of a nexthop": ({"node1": "ip nexthop add id 7 blackhole; ip route replace 10.244.2.0/24 nhid 7"}, *P, BROKEN),
    "two ways that are the same": (
        {"node1": "ip route replace 10.244.2.0/24 nexthop via 192.168.1.12 nexthop via 192.168.1.12 weight 2"},
        *P,
        WORKS,
    ),
    "a rule by protocol": ({"node1": "ip rule add ipproto icmp blackhole"}, *P, BROKEN),
    "a rule by another protocol": ({"node1": "ip rule add ipproto tcp blackhole"}, *P, WORKS),
    "a rule by type of service": ({"node1": "ip rule add tos 0x10 blackhole"}, *P, WORKS),
    "a rule by type of service, which a firewall writes": (
        {"node1": "ip rule add tos 0x10 blackhole; " + chain("prerouting", "ip daddr 10.244.2.2 ip dscp set 4", priority=-150)},
        *P,
        BROKEN,
    ),
    "filters that only sort": (
        {
            "node1": "tc qdisc add dev eth0 root handle 1: htb default 10; tc class add dev eth0 parent 1: classid 1:10 htb rate 10mbit; "
            "tc filter add dev eth0 parent 1: protocol ip u32 match ip tos 0x10 0xff flowid 1:10"
        },
        *P,
        WORKS,
    ),
    "a rule that says not": ({"node1": "ip rule add not from 10.244.9.0/24 blackhole"}, *P, BROKEN),
    "a rule by mark": ({"node1": "ip rule add fwmark 7 blackhole"}, *P, WORKS),
    "an address of scope link": (
        {
            "node1": "ip -n pod-1-2 addr del 10.244.1.2/24 dev veth-1-2; ip -n pod-1-2 addr add 10.244.1.2/24 "
            "scope link dev veth-1-2; ip -n pod-1-2 route add default via 10.244.1.1"
        },
        *P,
        BROKEN,
    ),
    "a broadcast address": (
        {
            "node1": "ip -n pod-1-2 addr del 10.244.1.2/24 dev veth-1-2; ip -n pod-1-2 addr add 10.244.1.255/24 "
            "dev veth-1-2; ip -n pod-1-2 route add default via 10.244.1.1"
        },
        *P,
        BROKEN,
    ),
    "a time to live of one": ({"node1": inside("sysctl -qw net.ipv4.ip_default_ttl=1")}, *P, BROKEN),
    "a time to live of three": ({"node1": inside("sysctl -qw net.ipv4.ip_default_ttl=3")}, *P, WORKS),
    "a route's hop limit": ({"node1": "ip -n pod-1-2 route replace default via 10.244.1.1 hoplimit 2"}, *P, BROKEN),
    "no interface": ({"node1": "ip -n pod-1-2 link del veth-1-2"}, *P, BROKEN),
    "no address": ({"node1": "ip -n pod-1-2 addr flush dev veth-1-2"}, *P, BROKEN),
    "a node without an address": ({"node1": "ip addr flush dev eth0"}, *P, BROKEN),
}

NEIGHBOURS = {
    # A new MAC has the node forget its neighbours: it asks node2 anew, and node2 believes who asks.
    "a node's new MAC, where the old one was heard": (
        {
            "node2": "ip neigh replace 192.168.1.11 lladdr 02:00:5e:00:53:09 dev eth0 nud reachable",
            "node1": "ip link set eth0 address 02:00:5e:00:53:07",
        },
        *P,
        WORKS,
    ),
    "a node's new MAC, where the old one is written": (
        {
            "node2": "ip neigh replace 192.168.1.11 lladdr 02:00:5e:00:53:09 dev eth0 nud permanent",
            "node1": "ip link set eth0 address 02:00:5e:00:53:07",
        },
        *P,
        BROKEN,
    ),
    "the bridge's own MAC is forgotten": ({"node1": "bridge fdb flush dev v-net-0"}, *P, BROKEN),
    "arp_ignore": ({"node1": "sysctl -qw net.ipv4.conf.v-net-0.arp_ignore=8; ip -n pod-1-2 neigh flush all"}, *P, BROKEN),
    "arp_ignore of what is not configured there": (
        {"node1": "sysctl -qw net.ipv4.conf.all.arp_ignore=1; ip -n pod-1-2 neigh flush all"},
        *P,
        WORKS,
    ),
    "a neighbour that everybody is": (
        {"node1": "ip -n pod-1-2 neigh replace 10.244.1.3 lladdr ff:ff:ff:ff:ff:ff dev veth-1-2 nud permanent"},
        "pod-1-2",
        "pod-1-3",
        WORKS,
    ),
    "a router that everybody is": (
        {"node1": "ip -n pod-1-2 neigh replace 10.244.1.1 lladdr ff:ff:ff:ff:ff:ff dev veth-1-2 nud permanent"},
        *P,
        BROKEN,
    ),
    "nobody is asked": (
        {"node1": inside("sysctl -qw net.ipv4.neigh.veth-1-2.mcast_solicit=0") + "; ip -n pod-1-2 neigh flush all"},
        *P,
        BROKEN,
    ),
    "a Pod with another's MAC": (
        {"node1": "ip -n pod-1-2 link set veth-1-2 address $(ip netns exec pod-1-3 cat /sys/class/net/veth-1-3/address)"},
        "node2",
        "pod-1-2",
        None,  # it depends on who spoke last
    ),
    "a proxy that has no route": (
        {
            "node1": "ip link set veth-1-2-br nomaster; ip route add 10.244.1.2/32 dev veth-1-2-br; "
            "sysctl -qw net.ipv4.conf.veth-1-2-br.proxy_arp=1; ip -n pod-1-2 addr flush dev veth-1-2; "
            "ip -n pod-1-2 addr add 10.244.1.2/32 dev veth-1-2; ip -n pod-1-2 route add 169.254.1.1 dev veth-1-2; "
            "ip -n pod-1-2 route add default via 169.254.1.1"
        },
        *P,
        BROKEN,
    ),
}

PORTS = {
    "a locked port": (
        {"node1": "bridge link set dev veth-1-2-br locked on; bridge fdb flush dev v-net-0 brport veth-1-2-br nopermanent"},
        *P,
        BROKEN,
    ),
    "no learning": (
        {"node1": "bridge link set dev veth-1-2-br learning off; bridge fdb flush dev v-net-0 brport veth-1-2-br nopermanent"},
        *P,
        WORKS,
    ),
    "no learning and no flooding": (
        {"node1": "bridge link set dev veth-1-2-br learning off flood off; bridge fdb flush dev v-net-0 brport veth-1-2-br nopermanent"},
        "pod-1-3",
        "pod-1-2",
        BROKEN,
    ),
    "no broadcasts": (
        {"node1": "bridge link set dev veth-1-2-br bcast_flood off; ip -n pod-1-3 neigh flush all"},
        "pod-1-3",
        "pod-1-2",
        BROKEN,
    ),
    "a hairpin": ({"node1": "bridge link set dev veth-1-2-br hairpin on"}, *P, WORKS),
}

DEVICES = {
    "a macvlan that takes all over from the uplink": ({"node1": "ip link add mvp0 link eth0 type macvlan mode passthru"}, *P, BROKEN),
    "a forwarding entry that what is asked sets right": (
        {
            "node1": "bridge fdb replace $(ip -n pod-1-2 -o link show veth-1-2 | grep -o 'ether [0-9a-f:]*' | cut -d' ' -f2) "
            "dev veth-1-3-br master static"
        },
        "pod-1-2",
        "pod-1-3",
        WORKS,
    ),
    "a forwarding entry that a port which does not learn leaves": (
        {
            "node1": "bridge link set dev veth-1-2-br learning off; "
            "bridge fdb replace $(ip -n pod-1-2 -o link show veth-1-2 | grep -o 'ether [0-9a-f:]*' | cut -d' ' -f2) "
            "dev veth-1-3-br master static"
        },
        "pod-1-2",
        "pod-1-3",
        BROKEN,
    ),
    "a router that a multicast MAC is": (
        {"node3": "ip -n pod-3-3 neigh replace 10.244.3.1 lladdr 33:33:00:00:00:01 dev veth-3-3 nud noarp"},
        "pod-3-3",
        "pod-1-3",
        BROKEN,
    ),
    "an IPsec policy that blocks": ({"node1": "ip xfrm policy add dir fwd src 10.244.1.0/24 dst 10.244.2.0/24 action block"}, *P, BROKEN),
    "an IPsec policy that blocks others": (
        {"node1": "ip xfrm policy add dir fwd src 10.9.0.0/24 dst 10.244.2.0/24 action block"},
        *P,
        WORKS,
    ),
    "a macvlan of another namespace": (
        {
            "node1": "ip netns add m; ip link add mv0 link eth0 netns m type macvlan mode bridge; ip -n m link set lo up; "
            "ip -n m link set mv0 up; ip -n m addr add 192.168.1.50/24 dev mv0"
        },
        "node2",
        "192.168.1.50",
        WORKS,
    ),
    "the uplink in the bridge, with its address": (
        {
            "node1": "ip addr flush dev eth0; ip link set eth0 master v-net-0; ip addr add 192.168.1.11/24 dev v-net-0; "
            "ip route add 10.244.2.0/24 via 192.168.1.12; ip route add 10.244.3.0/24 via 192.168.1.13"
        },
        *P,
        WORKS,
    ),
}

ROWS = {**ROUTING, **NEIGHBOURS, **PORTS, **DEVICES}


@pytest.fixture
def typed(fresh):
    """Types what a row says, and gives what is explained, and whether its echo is answered."""
    lab = fresh

    def type_and_try(commands, source, target):
        show = "ip -6 -o addr show dev eth0 scope link -tentative | awk '{print $4}' | cut -d/ -f1"
        fe80 = until(lambda: lab["node2"].shell(show).strip()) if "$NODE2" in str(commands) else ""
        for node, command in commands.items():
            lab[node].shell(f"NODE2={fe80}; set -e; {command}")
        said = lab.explain(source, target, probe=False)
        return said, answered(lab, source, target)

    return type_and_try


@pytest.mark.parametrize("name", ROWS)
def test_what_is_said_is_so(typed, name):
    commands, source, target, truth = ROWS[name]
    said, works = typed(commands, source, target)
    assert truth in (works, None), "the row's own truth"
    assert bool(said) is works, said
    assert not said.unsure, said


def test_of_a_group_of_nexthops_that_leads_nowhere_the_route_itself_is_removed(fresh):
    group = "ip nexthop add id 7 via 192.168.1.99 dev eth0; ip nexthop add id 8 via 192.168.1.99 dev eth0; ip nexthop add id 9 group 7/8"
    fresh["node1"].shell(f"{group}; ip route add 10.244.2.2/32 nhid 9")
    said = fresh.explain(*P, probe=False)
    assert "nobody beyond node1's eth0 has 192.168.1.99" in str(said.cause)
    fresh.run(said.repair)
    assert answered(fresh, *P)
    assert fresh.explain(*P)


def test_who_gets_a_frame_for_a_multicast_mac_is_not_known(fresh):
    fresh["node3"].shell("ip neigh replace 10.244.3.3 lladdr 01:00:5e:74:03:03 dev v-net-0 nud permanent")
    said = fresh.explain("pod-1-2", "pod-3-3", probe=False)
    assert said.cause is None
    assert "the multicast MAC 01:00:5e:74:03:03" in str(said)


def test_a_port_in_a_pod_has_no_repair_by_a_step_but_the_command_that_mends_it(fresh):
    fresh["node2"].shell(
        "ip -n pod-2-2 link add br0 up type bridge; ip -n pod-2-2 link set veth-2-2 master br0; ip -n pod-2-2 neigh flush all"
    )
    said = fresh.explain("pod-2-3", "pod-2-2", probe=False)
    assert "plugged into br0" in str(said.cause)
    assert not said.repair
    fresh["node2"].shell(said.cause.hints[2].removeprefix("node2# "))
    assert answered(fresh, "pod-2-3", "pod-2-2")
