"""Single changes to a network like Flannel's, as people make them in the field: the truth by an echo, and what is explained of it."""

import pytest

from live.helpers import VMS
from live.outsiders_echo import answered
from podnet_lab import Lab

pytestmark = [pytest.mark.nft, pytest.mark.skipif(VMS, reason="what is typed names eth0 and the namespaces' own addresses")]

P = ("pod-1-2", "pod-2-2")
WORKS, BROKEN = True, False


def chain(hook: str, rule: str, *, priority: int = 0, kind: str = "filter") -> str:
    return f"nft add table ip t; nft 'add chain ip t c {{ type {kind} hook {hook} priority {priority} ; }}'; nft 'add rule ip t c {rule}'"


def second_tunnel(here: int, there: int, route: str) -> str:
    """A tunnel of another number beside Flannel's, and the way for the other node's Pods through it, if there is one."""
    made = f"ip link add vx7 type vxlan id 7 remote 192.168.1.1{there} dev eth0 local 192.168.1.1{here} dstport 8472"
    return f"{made}; ip link set vx7 up mtu 1450; ip addr add 10.99.0.{here}/24 dev vx7; {route}"


def remade(node: int, settings: str) -> str:
    """A node's end of the tunnel, deleted and made anew with other settings, with all that has to be told of it."""
    far = {1: 2, 2: 1}[node]
    return (
        "M=$(cat /sys/class/net/flannel.1/address); ip link del flannel.1; "
        f"ip link add flannel.1 address $M type vxlan dstport 8472 {settings}; "
        f"ip link set flannel.1 mtu 1450 up; ip addr add 10.244.{node}.0/32 dev flannel.1; "
        f"ip neigh replace 10.244.{far}.0 lladdr $M{far} dev flannel.1 nud permanent; "
    )


def moved(here: int, there: int) -> str:
    """A tunnel of its own that is made in a node, and used in a Pod: its packets go by the node's addresses."""
    inside = f"ip -n pod-{here}-2"
    made = f"ip link add vxp type vxlan id 55 remote 192.168.1.1{there} local 192.168.1.1{here} dev eth0 dstport 8472"
    up = f"{inside} link set vxp up mtu 1450; {inside} addr add 10.55.0.{here}/24 dev vxp; "
    return f"{made}; ip link set vxp netns pod-{here}-2; {up}"


OF_NODE1 = "id 1 dev eth0 local 192.168.1.11 nolearning"
ENTRIES = "bridge fdb append $M2 dev flannel.1 dst 192.168.1.12; ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink"


# name: (what is typed on which nodes, whether an echo is answered)
JUDGED = {
    "a second tunnel, with its own MACs": (
        {
            "node1": second_tunnel(1, 2, "ip route replace 10.244.2.0/24 via 10.99.0.2 dev vx7"),
            "node2": second_tunnel(2, 1, "ip route replace 10.244.1.0/24 via 10.99.0.1 dev vx7"),
        },
        WORKS,
    ),
    "there by a second tunnel, back by the first": (
        {"node1": second_tunnel(1, 2, "ip route replace 10.244.2.0/24 via 10.99.0.2 dev vx7"), "node2": second_tunnel(2, 1, ":")},
        WORKS,
    ),
    "a forwarding entry that leads to the loopback": ({"node1": "bridge fdb replace $M2 dev flannel.1 dst 127.0.0.1"}, BROKEN),
    "settings that change nothing for a packet": (
        {"node1": remade(1, f"{OF_NODE1} ageing 60 maxaddress 9 noudpcsum l2miss l3miss") + ENTRIES},
        WORKS,
    ),
    "a mark on what goes into the tunnel, and a rule for what comes out with it": (
        {
            "node1": chain("prerouting", "ip daddr 10.244.2.0/24 meta mark set 9", priority=-150)
            + "; ip rule add fwmark 9 to 192.168.1.0/24 blackhole"
        },
        BROKEN,
    ),
}
"""What has to be judged, and rightly."""

NAMED = {
    "tunnels that were made in the nodes, and moved into Pods": (
        {
            "node1": moved(1, 2) + "ip -n pod-1-2 route add 10.244.2.2/32 dev vxp",
            "node2": moved(2, 1),
        },
        WORKS,
        "pod-1-2's vxp is a vxlan tunnel that was made in another namespace",
    ),
    "a time to live, and no fragments": (
        {"node1": remade(1, f"{OF_NODE1} ttl 1 df set") + ENTRIES},
        WORKS,
        "node1's flannel.1 is a vxlan tunnel with settings that are not followed: ttl, df",
    ),
    "the other end is told its number packet by packet": (
        {"node2": remade(2, "external") + "ip route add 10.244.1.0/24 encap ip id 1 dst 192.168.1.11 via 10.244.1.0 dev flannel.1 onlink"},
        WORKS,
        "node2's flannel.1 is a vxlan tunnel with settings that are not followed: external",
    ),
    "a forwarding entry with an interface of its own": (
        {"node1": "bridge fdb replace $M2 dev flannel.1 dst 192.168.1.12 via cni0"},
        BROKEN,
        "node1's flannel.1 has a forwarding entry with a port, a number, an interface or a group of hosts of its own",
    ),
    "a forwarding entry with a port of its own": (
        {"node1": "bridge fdb replace $M2 dev flannel.1 dst 192.168.1.12 port 4789"},
        BROKEN,
        "node1's flannel.1 has a forwarding entry with a port, a number, an interface or a group of hosts of its own",
    ),
    "the tunnel's packets are redirected to another port": (
        {"node2": chain("prerouting", "udp dport 8472 redirect to :4789", kind="nat", priority=-100)},
        BROKEN,
        "sends to port 8472 of 192.168.1.12 is rewritten, and goes to port 4789 of 192.168.1.12",
    ),
}
"""What need not be judged, and then is named."""


@pytest.fixture(scope="module")
def tunnelled():
    with Lab.open(name="tunnels-in-the-field", network="flannel") as lab:
        yield lab


@pytest.fixture
def typed(tunnelled):
    """Types what a row says, and gives what is explained, and whether an echo is answered."""
    tunnelled.goto("done")

    def type_and_try(commands):
        macs = "".join(f"M{n}={tunnelled[f'node{n}'].shell('cat /sys/class/net/flannel.1/address').strip()}; " for n in (1, 2, 3))
        for node, command in commands.items():
            tunnelled[node].shell(f"{macs}set -e; {command}")
        return tunnelled.explain(*P, probe=False), answered(tunnelled, *P)

    return type_and_try


@pytest.mark.parametrize("name", JUDGED)
def test_what_is_said_is_so(typed, name):
    commands, truth = JUDGED[name]
    said, works = typed(commands)
    assert works is truth, "the row's own truth"
    assert not said.unsure, said
    assert bool(said) is works, said


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_judged_is_named(typed, name):
    commands, truth, words = NAMED[name]
    said, works = typed(commands)
    assert works is truth, "the row's own truth"
    assert any(words in one for one in said.unsure), said


def test_a_tunnel_takes_more_than_its_mtu_and_sends_no_more(tunnelled):
    tunnelled.goto("done")
    tunnelled["node2"].shell("ip link set flannel.1 mtu 1000")
    assert tunnelled.explain(*P, size=1200, probe=False)
    assert answered(tunnelled, *P, size=1200)
    said = tunnelled.explain(*reversed(P), size=1200, probe=False)
    assert "node2 can send 1000 bytes at most through flannel.1" in str(said.cause)
    assert not answered(tunnelled, *reversed(P), size=1200)
