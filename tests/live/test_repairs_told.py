"""What a cause says is wrong is wrong there: once its commands, and those of the next, have been typed, an echo is answered."""

import pytest

from live.helpers import VMS
from live.outsiders_echo import answered
from podnet_lab import Lab

pytestmark = [pytest.mark.nft, pytest.mark.skipif(VMS, reason="what is typed names eth0 and the nodes' own addresses")]

P = ("pod-1-2", "pod-2-2")
ROUNDS = 4
"""What was typed, and what the kernel had taken away with it."""

RENUMBERED = "ip addr add 192.168.1.22/24 dev eth0; ip addr del 192.168.1.12/24 dev eth0"
"""With its first address of a subnet the kernel takes the others away, and all routes by them (net.ipv4.conf.…promote_secondaries)."""

OWN_NEIGHBOUR = (
    "M=$(ip neigh show 192.168.1.12 dev eth0 | grep -o '..:..:..:..:..:..'); "
    "ip neigh replace 192.168.1.99 lladdr $M dev eth0 nud permanent; ip route replace 10.244.2.0/24 via 192.168.1.99"
)


def sends_from(source: str, dev: str, gateway: str) -> str:
    """Pod 1-2 sends from an address that somebody else has."""
    inside = "ip -n pod-1-2"
    return f"{inside} addr add {source}/32 dev {dev}; {inside} route replace default via {gateway} src {source}; {inside} neigh flush all"


MAC_OF_1_3 = "M=$(ip -n pod-1-3 -o link show veth-1-3 | grep -o 'ether [0-9a-f:]*' | cut -d' ' -f2)"
HERE = ("pod-1-2", "pod-1-3")

# name: (network, what is typed on which nodes, what the cause says; who asks whom, how large, if it is not the usual)
CASES = {
    "a tunnel's end has no address": (
        "flannel",
        {"node2": "ip addr del 10.244.2.0/32 dev flannel.1"},
        "the answer has no way back: node2 has no route to 10.244.1.2",
    ),
    "a tunnel's node has another address": (
        "flannel",
        {"node2": RENUMBERED},
        "to 192.168.1.12, which nobody has: node2's end of the tunnel",
    ),
    "a neighbour written by hand, and no way back": (
        "static_routes",
        {"node1": OWN_NEIGHBOUR, "node2": "ip route del 10.244.1.0/24"},
        "the answer has no way back: node2 has no route to 10.244.1.2",
    ),
    "a neighbour written by hand that does not forward": (
        "static_routes",
        {"node1": OWN_NEIGHBOUR, "node2": "sysctl -qw net.ipv4.ip_forward=0"},
        "node2 does not forward",
    ),
    "a Pod sends from its node's address": (
        "static_routes",
        {"node1": sends_from("192.168.1.11", "veth-1-2", "10.244.1.1")},
        "node1 does not answer 192.168.1.11, who asks for 10.244.1.1: it has 192.168.1.11 itself",
    ),
    "a Pod sends from another node's address": (
        "static_routes",
        {"node1": sends_from("192.168.1.12", "veth-1-2", "10.244.1.1")},
        "node2 drops what comes from 192.168.1.12: it has that address itself",
    ),
    "a node takes a Pod's address": (
        "static_routes",
        {"node2": "ip addr add 10.244.1.2/32 dev lo"},
        "node2 drops what comes from 10.244.1.2: it has that address itself",
    ),
    "the Pod's own node takes its address": (
        "static_routes",
        {"node1": "ip addr add 10.244.1.2/32 dev lo; ip -n pod-1-2 neigh flush all"},
        "it has 10.244.1.2 itself",
    ),
    "a locked port, and no entry that lets a Pod in": (
        "static_routes",
        {"node1": "bridge link set dev veth-1-2-br locked on; bridge fdb flush dev veth-1-2-br master dynamic"},
        "veth-1-2-br in node1 is a port that is locked",
    ),
    "the same, for what the node asks": (
        "static_routes",
        {"node1": "bridge link set dev veth-1-2-br locked on; bridge fdb flush dev veth-1-2-br master dynamic"},
        "the answer has no way back: veth-1-2-br in node1 is a port that is locked",
        ("node1", "pod-1-2"),
    ),
    "a bridge's entry for a Pod's MAC as its own": (
        "static_routes",
        {"node1": f"{MAC_OF_1_3}; bridge fdb replace $M dev v-net-0 self local"},
        "node1's bridge takes what is for pod-1-3 for its own",
        HERE,
    ),
    "the same address twice, once with a wide prefix": (
        "static_routes",
        {"node1": "ip -n pod-1-2 addr add 10.244.1.2/16 dev veth-1-2"},
        "as 10.244.1.2/16 on veth-1-2 says",
    ),
    "a route that ends the search in its table": ("static_routes", {"node1": "ip route add throw 10.244.2.2/32"}, "is throw"),
    "a next hop of its own that is a blackhole": (
        "static_routes",
        {"node1": "ip nexthop add id 8 blackhole; ip route replace 10.244.2.0/24 nhid 8"},
        "node1's route to 10.244.2.2 is blackhole",
    ),
    "the main table asked for long prefixes alone": (
        "static_routes",
        {"node1": "ip rule add pref 10 lookup main suppress_prefixlength 24; ip rule del pref 32766"},
        "node1 has no policy rule that asks its main table",
    ),
    "no rule asks the table local": (
        "static_routes",
        {"node2": "ip rule del pref 0"},
        "no policy rule asks its table local",
        ("pod-1-2", "node2"),
    ),
    "no route in the table local": (
        "static_routes",
        {"node2": "ip route del local 192.168.1.12 table local"},
        "its table local has no route to 192.168.1.12",
        ("pod-1-2", "node2"),
    ),
    **{
        f"a rule for one protocol that says {kind}": (
            "static_routes",
            {"node1": f"ip rule add pref 100 ipproto icmp {kind}"},
            f"node1's policy rule 100 says {kind}",
        )
        for kind in ("unreachable", "prohibit", "blackhole")
    },
    "a rule for one user": ("static_routes", {"node1": "ip rule add pref 100 uidrange 0-0 unreachable"}, "node1's policy rule 100 says"),
    "a rule that jumps past the main table": (
        "static_routes",
        {"node1": "ip rule add pref 10 goto 32767"},
        "node1's policy rule 10 says goto",
    ),
    "a route's mtu": (
        "static_routes",
        {"node1": "ip -n pod-1-2 route replace default via 10.244.1.1 mtu 1300"},
        "pod-1-2's route to default has an mtu of 1300, and the packet has 1400 bytes",
        P,
        1400,
    ),
    "a route's hoplimit": (
        "static_routes",
        {"node1": "ip -n pod-1-2 route replace default via 10.244.1.1 hoplimit 1"},
        "the packet's time to live (1 when it was sent) is over at node1",
    ),
    "a Pod's time to live": (
        "static_routes",
        {"node2": "ip netns exec pod-2-2 sysctl -qw net.ipv4.ip_default_ttl=2"},
        "the packet's time to live (2 when it was sent) is over at node1",
    ),
    "a routed Pod sends from its node's address": (
        "calico",
        {"node1": sends_from("192.168.1.11", "eth0", "169.254.1.1")},
        "node1 does not answer 192.168.1.11, who asks for 169.254.1.1: it has 192.168.1.11 itself",
    ),
}


@pytest.fixture(scope="module")
def opened():
    """Opens a lab of a network, one at a time."""
    held = {}

    def of(network):
        if network not in held:
            for other in held.values():
                other.close()
            held.clear()
            held[network] = Lab.open(name="repairs-told", network=network)
        held[network].goto("done")
        return held[network]

    yield of
    for lab in held.values():
        lab.close()


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.bird if row[0] == "calico" else ()) for name, row in CASES.items()])
def test_what_is_said_to_help_helps(opened, name):
    network, typed, words, *more = CASES[name]
    pair, size = [*more, *(P, 84)[len(more) :]]
    lab = opened(network)
    assert answered(lab, *pair, size=size), "before anything is typed"
    for node, commands in typed.items():
        lab[node].shell(f"set -e; {commands}")
    assert not answered(lab, *pair, size=size), "the row's own truth"
    said, told = lab.explain(*pair, size=size, probe=False), []
    assert words in str(said.cause)
    while not said and len(told) < ROUNDS:
        node, _, command = said.cause.hints[2].partition("# ")
        lab[node].shell(f"set -e; {command}")
        told.append(command)
        said = lab.explain(*pair, size=size, probe=False)
    assert answered(lab, *pair, size=size), told
