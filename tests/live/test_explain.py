"""What is explained from snapshots, held against what a trace of the real kernel shows; and the repair, run."""

import pytest

from live.helpers import UPLINK
from podnet_lab import service

# (what is done by hand, where it is stopped, at which layer)
FAULTS = {
    "bridge down": ("node1", "ip link set v-net-0 down", "node1", "cable"),
    "cable's end on the node down": ("node1", "ip link set veth-1-2-br down", "node1", "cable"),
    "cable's end in the Pod down": ("node1", "ip -n pod-1-2 link set veth-1-2 down", "pod-1-2", "cable"),
    "unplugged": ("node1", "ip link set veth-1-2-br nomaster", "node1", "cable"),
    "no default route": ("node1", "ip -n pod-1-2 route del default", "pod-1-2", "route"),
    "not forwarding": ("node1", "sysctl -qw net.ipv4.ip_forward=0", "node1", "forwarding"),
    "not forwarding there": ("node2", "sysctl -qw net.ipv4.ip_forward=0", "node2", "forwarding"),
    "no route": ("node1", "ip route del 10.244.2.0/24", "node1", "route"),
    "blackhole": ("node1", "ip route replace blackhole 10.244.2.0/24", "node1", "route"),
    "no way back": ("node2", "ip route del 10.244.1.0/24", "node2", "route"),
    "no default route there": ("node2", "ip -n pod-2-2 route del default", "pod-2-2", "route"),
    "strict filter": ("node2", "sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route del 10.244.1.0/24", "node2", "forwarding"),
    "a wrong neighbour for good": (
        "node1",
        "ip -n pod-1-2 neigh replace 10.244.1.1 lladdr 02:00:00:00:00:99 dev veth-1-2 nud permanent",
        "pod-1-2",
        "neighbour",
    ),
    "a firewall in forward": (
        "node2",
        "nft add table ip f; nft 'add chain ip f c { type filter hook forward priority 0 ; policy drop ; }'",
        "node2",
        "firewall",
    ),
    "a firewall against ping": (
        "node1",
        "nft add table ip f; nft 'add chain ip f c { type filter hook forward priority 0 ; }'; nft add rule ip f c meta l4proto icmp drop",
        "node1",
        "firewall",
    ),
    "uplink down": ("node2", f"ip link set {UPLINK} down", "node2", "cable"),
}


EACH = [pytest.param(name, marks=[pytest.mark.nft] if "nft" in row[1] else []) for name, row in FAULTS.items()]


@pytest.mark.parametrize("name", EACH)
def test_what_is_explained_is_what_happens(wired, name):
    node, command, place, layer = FAULTS[name]
    assert wired.explain("pod-1-2", "pod-2-2")
    wired[node].shell(command)
    found = wired.explain("pod-1-2", "pod-2-2")
    assert (found.obstacle.place[1] or found.obstacle.place[0], found.obstacle.layer) == (place, layer), str(found)
    assert not wired.trace("pod-1-2", "pod-2-2"), "explained, but it arrives"
    if layer == "firewall":
        return
    for _ in range(3):  # what went along with the fault may be next
        if not found.repair:
            break
        wired.run(found.repair)
        found = wired.explain("pod-1-2", "pod-2-2")
    # A bridge that loses and gets a port has another MAC: who has learnt the old one asks again in some seconds.
    assert found or "no longer its own" in found.obstacle, str(found)
    assert wired.ping("pod-1-2", "pod-2-2", patience=12)
    assert wired.explain("pod-1-2", "pod-2-2")


def test_a_network_that_works_is_not_called_broken(wired):
    everyone = ["pod-1-2", "pod-1-3", "pod-2-2", "pod-3-3", "node1", "node3"]
    for source in everyone:
        for target in everyone:
            if source != target:
                assert wired.explain(source, target), str(wired.explain(source, target))


@pytest.mark.nft
def test_services_are_no_obstacle_and_are_judged(wired):
    wired.services(service("web", "10.96.0.20", 80, ["10.244.1.2:8080"], node_port=30080))
    found = wired.explain("pod-1-2", "pod-2-2")
    assert found, str(found)
