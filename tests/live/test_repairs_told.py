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


# name: (network, what is typed on which nodes, what the cause says)
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
    network, typed, words = CASES[name]
    lab = opened(network)
    assert answered(lab, *P), "before anything is typed"
    for node, commands in typed.items():
        lab[node].shell(f"set -e; {commands}")
    assert not answered(lab, *P), "the row's own truth"
    said, told = lab.explain(*P, probe=False), []
    assert words in str(said.cause)
    while not said and len(told) < ROUNDS:
        node, _, command = said.cause.hints[2].partition("# ")
        lab[node].shell(f"set -e; {command}")
        told.append(command)
        said = lab.explain(*P, probe=False)
    assert answered(lab, *P), told
