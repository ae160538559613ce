"""
Settings that a stern reader brought, each of which was explained wrongly once: right or unsure, never wrong.

What is true is tried by an echo or a connection of a Python of its own, after the explanation, which sends nothing.
"""

from shlex import quote

import pytest

from live.helpers import until
from live.outsiders_echo import answered

P = ("pod-1-2", "pod-2-2")
INSIDE = "ip netns exec pod-1-2 "
FLUSH = "; ip -n pod-1-2 neigh flush all"
MARK = "ip rule add fwmark 7 blackhole; "
CHAIN = "nft add table ip t; nft 'add chain ip t c {{ type {} priority 0 ; policy {} ; }}'; "
STATEFUL = "nft 'add rule ip t c ct state established accept'; nft 'add rule ip t c icmp type echo-request accept'"
XFRM = "ip xfrm policy add dir fwd src {} dst {} {}; "

# name: (what is typed on node1, from whom, to whom, whether an echo is answered)
ECHOES = {
    "no room for what has no class": ("tc qdisc add dev eth0 root handle 1: htb direct_qlen 0", *P, False),
    "a class of some bits": (
        "tc qdisc add dev eth0 root handle 1: htb default 10; "
        "tc class add dev eth0 parent 1: classid 1:10 htb rate 8bit burst 10 cburst 10",
        *P,
        False,
    ),
    "a port that is dormant": ("ip link set dev veth-1-2-br state dormant", *P, False),
    "no room to wait for a MAC": (f"{INSIDE}sysctl -qw net.ipv4.neigh.veth-1-2.unres_qlen=0{FLUSH}", *P, True),
    "a daemon is asked for MACs": (f"{INSIDE}sysctl -qw net.ipv4.neigh.veth-1-2.app_solicit=100{FLUSH}", *P, False),
    "two policies of one priority": (
        XFRM.format("10.244.1.0/24", "10.244.2.0/24", "action block") + XFRM.format("10.244.0.0/16", "10.244.0.0/16", "action allow"),
        *P,
        False,
    ),
    "a policy of an interface": (XFRM.format("10.244.1.0/24", "10.244.2.0/24", "dev eth0 action block"), *P, False),
    "a policy of another interface": (XFRM.format("10.244.1.0/24", "10.244.2.0/24", "dev v-net-0 action block"), *P, True),
    "a policy with bits of a host": (XFRM.format("10.244.9.5/24", "10.244.2.0/24", "action block"), *P, True),
    "two ways back to who asks, by one interface": (
        f"ip route replace 10.244.1.0/24 nexthop dev v-net-0 nexthop dev v-net-0; sysctl -qw net.ipv4.conf.v-net-0.arp_filter=1{FLUSH}",
        *P,
        True,
    ),
    "a mark that is written at output": (
        MARK + CHAIN.format("route hook output", "accept") + "nft add rule ip t c mark set 7",
        "node1",
        "pod-2-2",
        False,
    ),
    "a mark that a filter writes at output": (
        MARK + CHAIN.format("filter hook output", "accept") + "nft add rule ip t c mark set 7",
        "node1",
        "pod-2-2",
        True,
    ),
    "what a node sends itself": (CHAIN.format("filter hook postrouting", "drop"), "node1", "10.244.1.1", False),
    "a connection that is forgotten at once": (
        "sysctl -qw net.netfilter.nf_conntrack_icmp_timeout=0; " + CHAIN.format("filter hook forward", "drop") + STATEFUL,
        *P,
        False,
    ),
    "a name that is no UTF-8": (
        "ip -n pod-1-2 link set veth-1-2 down; ip -n pod-1-2 link set veth-1-2 name $(printf 'v\\377.x'); "
        "ip -n pod-1-2 link set $(printf 'v\\377.x') up; ip -n pod-1-2 route add default via 10.244.1.1",
        *P,
        True,
    ),
}


@pytest.mark.nft
@pytest.mark.parametrize("name", ECHOES)
def test_an_echo_is_judged_rightly_or_not_at_all(fresh, name):
    command, source, target, truth = ECHOES[name]
    fresh["node1"].shell(f"set -e; {command}")
    said = fresh.explain(source, target, probe=False)
    assert answered(fresh, source, target) is truth, "the row's own truth"
    assert said.unsure or bool(said) is truth, said


LISTEN = """
import socket, sys
family, option, address = sys.argv[1:]
s = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
if option == "v6only":
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
elif option == "both":
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
elif option != "any":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, option.encode())
s.bind((address, 8080))
s.listen()
print("listening", flush=True)
s.settimeout(20)
s.accept()
"""
CONNECT = "import socket; socket.create_connection(('10.244.2.2', 8080), 2); print('connected')"
SOCKETS = {
    "IPv6 alone": ("6 v6only ::", False),
    "both": ("6 both ::", True),
    "lo alone": ("4 lo 0.0.0.0", False),
    "the Pod's cable": ("4 veth-2-2 0.0.0.0", True),
}


@pytest.mark.parametrize("name", SOCKETS)
def test_who_listens_is_judged_by_family_and_interface(fresh, name):
    words, truth = SOCKETS[name]
    fresh["node2"].shell(f"(setsid ip netns exec pod-2-2 python3 -c {quote(LISTEN)} {words} &) </dev/null | head -1")
    said = fresh.explain(*P, tcp=8080)
    connected = "connected" in fresh["node1"].shell(f"{INSIDE}python3 -c {quote(CONNECT)}", may_fail=True)
    assert (connected, bool(said), said.unsure) == (truth, truth, ()), said


def test_a_tunnel_that_is_held_down_is_named(lab):
    for here, there in ((1, 2), (2, 1)):
        lab[f"node{here}"].shell(
            f"set -e; ip netns add p{here}; ip link add br0 type bridge; ip link set br0 up; "
            f"ip link add vx0 type vxlan id 9 dstport 4789 local 192.168.1.1{here} dev eth0; bridge fdb append 00:00:00:00:00:00 dev vx0 "
            f"dst 192.168.1.1{there}; ip link set vx0 master br0 up; ip link add c type veth peer name e netns p{here}; "
            f"ip link set c master br0 up; ip -n p{here} addr add 10.7.0.{here}/24 dev e; ip -n p{here} link set e up"
        )
    assert lab.explain("p1", "p2"), lab.explain("p1", "p2")
    lab["node1"].shell("ip link set vx0 protodown on")
    until(lambda: not lab.ping("p1", "p2", patience=0.5), what="the kernel holds it down after a second")
    assert lab.explain("p1", "p2", probe=False).cause
