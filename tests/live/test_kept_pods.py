"""
A Pod that is not read again says what a whole look says, whatever somebody types, and at once.

One program runs on the node: it looks, has a change typed, looks again, and holds that against a look which knows nothing. Each change
is taken back by what is typed for that, and both are judged.
"""

import functools
import json
from pathlib import Path

import pytest

from live.helpers import UPLINK
from podnet_lab import Lab

ON_THE_NODE = (Path(__file__).parent / "kept_pods_program.py").read_text()

PREPARE = """
set -e
end=$(ip -n POD -o link show type veth | sed -n 's/^[0-9]*: \\([^@]*\\)@.*/\\1/p')
ip -n POD link set $end down
ip -n POD link set $end name eth0
ip -n POD link set eth0 up
ip -n POD route add default via GATEWAY
there=$(ip -o link show type veth | sed -n 's/^[0-9]*: \\([^@]*\\)@.*link-netns POD\\b.*/\\1/p')
ip link set $there down
ip link set $there name vethx
ip link set vethx up
"""

INSIDE = {
    "a queue": ("tc qdisc replace dev eth0 root pfifo limit 5", "tc qdisc del dev eth0 root"),
    "nothing": ("true", "true"),
    "a route": ("ip route add 10.8.0.0/16 via GATEWAY metric $RANDOM", "ip route flush 10.8.0.0/16"),
    "eth0 down": ("ip link set eth0 down", "ip link set eth0 up; ip route add default via GATEWAY"),
    "eth0's MTU": ("ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500"),
    "eth0's MAC": ("ip link set eth0 address 02:00:00:00:00:99", "ip link set eth0 address 02:00:00:00:00:98"),
    "eth0 without ARP": ("ip link set eth0 arp off", "ip link set eth0 arp on"),
    "a note": ("ip link set eth0 alias hello", "echo -n > /sys/class/net/eth0/ifalias"),
    "another name": ("ip link property add dev eth0 altname eth0-too", "ip link property del dev eth0 altname eth0-too"),
    "the loopback down": ("ip link set lo down", "ip link set lo up"),
    "an address": ("ip addr add 10.9.0.1/24 dev eth0", "ip addr del 10.9.0.1/24 dev eth0"),
    "an address on the loopback": ("ip addr add 10.9.0.1/32 dev lo", "ip addr del 10.9.0.1/32 dev lo"),
    "an address that ends": ("ip addr add 10.9.0.2/24 dev eth0 valid_lft 100 preferred_lft 100", "ip addr del 10.9.0.2/24 dev eth0"),
    "an address with a label": ("ip addr add 10.9.0.3/24 dev eth0 label eth0:x", "ip addr del 10.9.0.3/24 dev eth0"),
    "no address": ("ip addr flush dev eth0", "ip addr add ADDRESS/24 dev eth0; ip route add default via GATEWAY"),
    "no default route": ("ip route del default", "ip route add default via GATEWAY"),
    "a route in another table": ("ip route add 10.8.0.0/16 via GATEWAY table 7", "ip route flush table 7"),
    "a blackhole": ("ip route add blackhole 10.8.0.0/16 metric 9", "ip route del blackhole 10.8.0.0/16"),
    "a route with an MTU": ("ip route replace default via GATEWAY mtu 1300", "ip route replace default via GATEWAY"),
    "a local route": ("ip route add local 10.7.0.0/16 dev lo", "ip route del local 10.7.0.0/16 dev lo"),
    "a next hop of its own": (
        "ip nexthop add id 5 via GATEWAY dev eth0; ip route add 10.8.0.0/16 nhid 5",
        "ip nexthop replace id 5 via 10.244.1.3 dev eth0; ip route flush 10.8.0.0/16; ip nexthop flush",
    ),
    "a policy rule": ("ip rule add pref 7 from ADDRESS prohibit", "ip rule del pref 7"),
    "a neighbour": ("ip neigh add 10.244.1.77 lladdr 02:00:00:00:00:01 dev eth0", "ip neigh flush all nud permanent"),
    "a neighbour that does not answer": ("echo x > /dev/udp/10.244.1.88/9", "ip neigh flush all nud incomplete"),
    "a neighbour that answers": ("echo x > /dev/udp/GATEWAY/9", "ip neigh flush all"),
    "forwarding": ("sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.ip_forward=0"),
    "forwarding of one": ("sysctl -qw net.ipv4.conf.eth0.forwarding=1", "sysctl -qw net.ipv4.conf.eth0.forwarding=0"),
    "rp_filter of all": ("sysctl -qw net.ipv4.conf.all.rp_filter=1", "sysctl -qw net.ipv4.conf.all.rp_filter=0"),
    "rp_filter of the default": ("sysctl -qw net.ipv4.conf.default.rp_filter=2", "sysctl -qw net.ipv4.conf.default.rp_filter=0"),
    "proxy ARP": (
        "sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 net.ipv4.neigh.eth0.proxy_delay=5",
        "sysctl -qw net.ipv4.neigh.eth0.proxy_delay=80 net.ipv4.conf.eth0.proxy_arp=0",
    ),
    "route_localnet": ("sysctl -qw net.ipv4.conf.eth0.route_localnet=1", "sysctl -qw net.ipv4.conf.eth0.route_localnet=0"),
    "route_localnet of lo": ("echo 1 > /proc/sys/net/ipv4/conf/lo/route_localnet", "echo 0 > /proc/sys/net/ipv4/conf/lo/route_localnet"),
    "no answer to pings": ("sysctl -qw net.ipv4.icmp_echo_ignore_all=1", "sysctl -qw net.ipv4.icmp_echo_ignore_all=0"),
    "nftables": ("nft add table ip mine", "nft delete table ip mine"),
    "nftables of another family": ("nft add table netdev mine", "nft delete table netdev mine"),
    "an IPv6 address": ("ip addr add fd00::1/64 dev eth0 nodad", "ip addr del fd00::1/64 dev eth0"),
    "an IPv6 route": ("ip -6 route add fd00:9::/32 dev lo", "ip -6 route del fd00:9::/32 dev lo"),
    "a cable within the Pod": ("ip link add x type veth peer name y; ip link set x up", "ip link set y up; ip link del x"),
    "a bridge in the Pod": ("ip link add br9 type bridge; ip link set eth0 master br9", "ip link del br9"),
    "a macvlan in the Pod": ("ip link add m0 link eth0 type macvlan mode bridge", "ip link del m0"),
    "eth0 renamed": (
        "ip link set eth0 down; ip link set eth0 name eth7; ip link set eth7 up",
        "ip link set eth7 down; ip link set eth7 name eth0; ip link set eth0 up; ip route add default via GATEWAY",
    ),
}
"""Typed within the Pod: a change, and what takes it back."""

OUTSIDE = {
    "the node's end down": ("ip link set vethx down", "ip link set vethx up"),
    "the node's end renamed": (  # before Linux 6.2 only one that is down gets another name
        "ip link set vethx down; ip link set vethx name other; ip link set other up",
        "ip link set other down; ip link set other name vethx; ip link set vethx up",
    ),
    "the node's end off the bridge": ("ip link set vethx nomaster", "ip link set vethx master BRIDGE"),
    "the node's end into another Pod": (
        "ip link set vethx netns POD2",
        "ip -n POD2 link set vethx netns $$; ip link set vethx up master BRIDGE",
    ),
    "the node's end as eth0": (
        "ip link set vethx netns POD2 name eth9; ip -n POD2 link set eth9 up",
        "ip -n POD2 link set eth9 netns $$ name vethx; ip link set vethx up master BRIDGE",
    ),
    "a second cable": ("ip link add a9 type veth peer name b9 netns POD", "ip link del a9"),
    "a cable between Pods": (
        "ip -n POD link add a9 type veth peer name b9 netns POD2; ip -n POD2 link set b9 name c9",
        "ip -n POD2 link del c9",
    ),
    "the namespace has a second name": ("touch /run/netns/aaa; mount --bind /run/netns/POD /run/netns/aaa", "ip netns del aaa"),
    "a new Pod": ("ip netns add zzz; ip link add z9 type veth peer name eth0 netns zzz", "ip netns del zzz"),
    "a packet that is too large": (
        "ip link set UPLINK mtu 1300; ip netns exec POD bash -c "
        "'head -c 1400 /dev/zero > /dev/udp/REMOTE/9; head -c 1400 /dev/zero > /dev/udp/REMOTE/9; ip neigh flush all'",
        "ip link set UPLINK mtu 1500; ip -n POD route flush cache",
    ),
}
"""Typed on the node, the same way: vethx is the node's end of the Pod's cable."""

HOLD = "(exec > /dev/null 2>&1; ip netns exec POD2 sleep 300 & echo $! > /run/held)"
OWNER = '(exec > /dev/null 2>&1; ip netns exec POD nft -i < /run/typed & echo $! > /run/nft; (echo "table ip x { flags owner; }"; exec sleep 300) > /run/typed & echo $! > /run/typing)'  # noqa: E501

IN_TURN = {
    "a note on what is down": (
        "ip -n POD link set lo down",
        "ip -n POD link set lo alias hello",
        "ip -n POD link property add dev lo altname also",
        "ip -n POD link property del dev lo altname also",
        "ip netns exec POD bash -c 'echo -n > /sys/class/net/lo/ifalias'",
        "ip -n POD link set lo up",
    ),
    "a table that goes with its program": (
        f"mkfifo /run/typed; {OWNER}; until ip netns exec POD nft list tables | grep x; do sleep 0.01; done",
        "kill $(cat /run/typing); while ip netns exec POD nft list tables 2>&1 | grep x; do sleep 0.01; done",
    ),
    "a name that is away for a while": (
        f"{HOLD}; until ip netns pids POD2 | grep -q $(cat /run/held); do sleep 0.01; done",
        "ip netns del POD2",
        "ip netns attach POD2 $(cat /run/held)",
        "true",
        "ip netns del POD2; ip netns add POD2",
        "ip netns del POD2; ip netns attach POD2 $(cat /run/held)",
        "kill $(cat /run/held)",
    ),
    "names that are exchanged": (
        "touch /run/netns/third; mount --bind /run/netns/POD2 /run/netns/third; umount /run/netns/POD2; "
        "mount --bind /run/netns/POD /run/netns/POD2; umount /run/netns/POD; mount --bind /run/netns/third /run/netns/POD",
        "ip netns del third",
    ),
}
"""Typed on the node, one after the other, each judged."""


STILL = {"a queue": 0, "nothing": 0, "a route": 1}
"""How many Pods these are about; typed first, before Pods have learnt of neighbours, which grow old by themselves."""


@pytest.fixture(scope="module")
def said():
    """What the program said: for each change, by name, what it saw."""
    with Lab.open(name="kept") as lab:
        lab.goto("done")
        package = lab.parts.core.agent("node1").call("package")
        pod, other, remote = (*lab.plan["node1"].pods(2), lab.plan["node2"].pods(2)[0])
        words = {"POD2": other.name, "POD": pod.name, "BRIDGE": lab.plan["node1"].bridge, "UPLINK": UPLINK, "REMOTE": str(remote.ip)}
        words |= {"ADDRESS": str(pod.ip), "GATEWAY": str(lab.plan["node1"].gateway.ip)}

        def typed(command):
            return functools.reduce(lambda text, word: text.replace(word, words[word]), words, command)

        inside = {name: [f"ip netns exec POD bash -c '{command}'" for command in pair] for name, pair in INSIDE.items()}
        changes = {name: [typed(command) for command in pair] for name, pair in (inside | OUTSIDE | IN_TURN).items()}
        given = {"folder": package["folder"], "pod": pod.name, "prepare": typed(PREPARE), "still": STILL, "changes": changes}
        script = f"{package['python']} - <<'EOF'\nGIVEN = {given!r}\n{ON_THE_NODE}\nEOF"
        yield json.loads(lab["node1"].shell(script))


@pytest.mark.parametrize("change", [*INSIDE, *OUTSIDE, *IN_TURN])
def test_it_is_what_a_whole_look_says(said, change):
    for typed in said[change]:
        assert typed["failed"] == "", change
        assert typed["differs"] == {}, typed["command"]


def test_a_pod_is_not_read_again_where_nothing_has_changed_and_no_other_one_where_something_has(said):
    assert {change: [len(typed["read"]) for typed in said[change]] for change in STILL} == {
        change: [pods, pods] for change, pods in STILL.items()
    }


@pytest.mark.parametrize("change", [name for name in INSIDE if STILL.get(name) != 0])
def test_what_is_changed_is_seen_at_all(said, change):
    assert said[change][0]["changed"], "a change that changes nothing proves nothing"
