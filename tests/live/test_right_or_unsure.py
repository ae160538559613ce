"""Single settings that others typed, each with the truth by an echo or a connection, and what is explained of it."""

from pathlib import Path
from shlex import quote

import pytest

from live.helpers import until
from podnet_lab import Lab, service

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
    "the bridge's own MAC is forgotten": ({"node1": "bridge fdb flush dev v-net-0"}, *P, BROKEN),
    "arp_ignore": ({"node1": "sysctl -qw net.ipv4.conf.v-net-0.arp_ignore=8; ip -n pod-1-2 neigh flush all"}, *P, BROKEN),
    "arp_ignore of what is not configured there": (
        {"node1": "sysctl -qw net.ipv4.conf.all.arp_ignore=1; ip -n pod-1-2 neigh flush all"},
        *P,
        WORKS,
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
def fresh():
    """A lab of its own, at the lesson's end."""
    with Lab.open(name="right-or-unsure") as lab:
        lab.goto("done")
        yield lab


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


def address(name):
    """The address that the lesson gives a Pod or node."""
    kind, *numbers = name.replace("node", "node-").split("-")
    return {"pod": "10.244.{}.{}", "node": "192.168.1.1{}"}[kind].format(*numbers) if numbers else name


def answered(lab, source, target):
    """Whether an echo gets its answer, by a Python of its own, from inside."""
    node, where = f"node{source.split('-')[1]}" if source.startswith("pod") else source, ""
    if source != node:
        where = f"ip netns exec {source} "
    return "answered" in lab[node].shell(f"{where}python3 -c {quote(ECHO)} {address(target)}", may_fail=True)


ECHO = """
import os, select, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
def send(n):
    head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xffff, n)
    total = sum(struct.unpack("!4H", head)); total = (total >> 16) + (total & 0xffff)
    try:
        s.sendto(head[:2] + struct.pack("!H", ~total & 0xffff) + head[4:], (sys.argv[1], 0))
    except OSError:
        pass
for n in range(4):
    send(n)
    while select.select([s], [], [], 0.4)[0]:
        data, (sender, _) = s.recvfrom(2048)
        if data[20] == 0 and sender == sys.argv[1] and data[24:26] == struct.pack("!H", os.getpid() & 0xffff):
            print("answered")
            sys.exit()
"""


@pytest.mark.parametrize("name", ROWS)
def test_what_is_said_is_so(typed, name):
    commands, source, target, truth = ROWS[name]
    said, works = typed(commands, source, target)
    assert truth in (works, None), "the row's own truth"
    assert bool(said) is works, said
    assert not said.unsure, said


@pytest.mark.root
@pytest.mark.parametrize(("kind", "words"), [("xdp", "node1: eth0 has an XDP program"), ("tcx", "node1: eth0 has a tcx program")])
def test_a_program_that_drops_is_named_as_not_judged(fresh, kind, words):
    with open(Path(__file__).with_name("bpf_drop.py")) as program:
        fresh["node1"].shell(f"python3 - {kind} eth0 <<'EOF'\n{program.read()}\nEOF")
    for probe in (False, True):
        said = fresh.explain(*P, probe=probe)
        assert (said.cause, words in str(said)) == (None, True), said
    assert not answered(fresh, *P)


SOCKETS = {
    "nobody": ("", "nobody listens on tcp port 8080 in pod-2-2"),
    "at 127.0.0.1 alone": ("127.0.0.1", "nobody listens on tcp port 8080 in pod-2-2; 127.0.0.1:8080 does"),
    "at its address": ("10.244.2.2", ""),
    "at any address": ("0.0.0.0", ""),  # noqa: S104 - in a Pod
}


@pytest.mark.parametrize("name", SOCKETS)
def test_who_listens_is_read(fresh, name):
    address, words = SOCKETS[name]
    if address:
        fresh["node2"].shell(f"(setsid ip netns exec pod-2-2 python3 -c {quote(LISTEN)} {address} &) </dev/null | head -1")
    said = fresh.explain(*P, tcp=8080)
    assert said.cause == (words or None), said
    connected = fresh["node1"].shell(f"ip netns exec pod-1-2 python3 -c {quote(CONNECT)}", may_fail=True)
    assert ("connected" in connected) is bool(said)


LISTEN = """
import socket, sys, time
s = socket.create_server((sys.argv[1], 8080))
print("listening", flush=True)
s.settimeout(20)
s.accept()[0].close()
"""
CONNECT = "import socket; socket.create_connection(('10.244.2.2', 8080), 2); print('connected')"


def test_what_its_own_service_does_not_bring_back_to_a_pod_is_said(fresh):
    fresh.goto("services")
    fresh.services(service("web", "10.96.0.20", 80, ["10.244.2.2:8080"]))
    fresh.serve("pod-2-2", 8080)
    node2 = fresh["node2"]
    for command, works in (
        ("", True),
        ("sysctl -qw net.bridge.bridge-nf-call-iptables=1", False),
        ("bridge link set dev veth-2-2-br hairpin on", True),
    ):
        node2.shell(command)
        assert bool(fresh.ask("pod-2-2", "10.96.0.20:80", patience=0.7)) is works, command
        said = fresh.explain("pod-2-2", "10.96.0.20", tcp=80)
        assert bool(said) is works, said
        assert said.unsure == ()
    assert said.cause is None


def test_a_cable_into_a_namespace_without_a_name_leads_somewhere(fresh):
    fresh["node1"].shell(
        "unshare -n sleep 30 & ns=$!; own=$(readlink /proc/$$/ns/net)"
        "; for n in $(seq 100); do [ $(readlink /proc/$ns/ns/net) != $own ] && break; done;"
        "set -e; ip link add c0 type veth peer name c1 netns $ns; ip addr add 10.9.0.1/24 dev c0; ip link set c0 up;"
        "nsenter -t $ns -n ip addr add 10.9.0.2/24 dev c1; nsenter -t $ns -n ip link set c1 up"
    )
    assert "answered" in fresh["node1"].shell(f"python3 -c {quote(ECHO)} 10.9.0.2")
    said = fresh.explain("node1", "10.9.0.2")
    assert (said.cause, "namespace without a name" in str(said)) == (None, True)
    assert fresh.explain(*P), "the uplink's other end is out of sight, too, and leads to the other nodes"


def test_a_line_of_22_routers_is_no_loop(lab):
    lines = ["set -e"]
    names = [f"r{n}" for n in range(24)]
    for n, name in enumerate(names):
        lines += [f"ip netns add {name}; ip netns exec {name} sysctl -qw net.ipv4.ip_forward=1"]
        if n:
            lines += [f"ip -n {names[n - 1]} link add e type veth peer name w netns {name}"]
            lines += [f"ip -n {names[n - 1]} addr add 10.7.{n}.1/24 dev e; ip -n {names[n - 1]} link set e up"]
            lines += [f"ip -n {name} addr add 10.7.{n}.2/24 dev w; ip -n {name} link set w up"]
            lines += [f"ip -n {names[n - 1]} route add default via 10.7.{n}.2"] if n < 23 else []
    lines += [f"ip -n {name} route add 10.7.1.0/24 via 10.7.{n}.1" for n, name in enumerate(names) if n > 1]
    lines += ["ip -n r22 route del default 2>/dev/null || true"]
    lab["node1"].shell("\n".join(lines))
    assert lab.explain("r0", "10.7.23.2", probe=False)
    assert "answered" in lab["node1"].shell(f"ip netns exec r0 python3 -c {quote(ECHO)} 10.7.23.2")
    lab["node1"].shell("ip netns exec r0 sysctl -qw net.ipv4.ip_default_ttl=20")
    assert "time to live (20 when it was sent) is over at r20" in str(lab.explain("r0", "10.7.23.2", probe=False))
