"""What is wrong in a network like Flannel's, by hand and on purpose: checks, explanations and their repairs say what, and where."""

import pytest

from live.helpers import UPLINK, VMS
from podnet_lab import Lab
from podnet_lab.errors import LabError
from podnet_lab.networks.flannel import names

pytestmark = pytest.mark.nft


@pytest.fixture(scope="module")
def tunnelled():
    with Lab.open(name="flannel-broken", network="flannel", pods=3) as lab:
        yield lab


@pytest.fixture
def lab(tunnelled):
    tunnelled.goto("done")
    return tunnelled


WRONG = {
    "vxlan": ("ip link set flannel.1 down", "node2's tunnel is up"),
    "peers": (
        "ip neigh replace 10.244.1.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent",
        "node2 knows the tunnel of node1: the MAC of 10.244.1.0",
    ),
    "veth": (
        "for one in $(ls /sys/class/net/cni0/brif); do ip link set $one type bridge_slave hairpin off; done",
        "pod-2-2's port is a hairpin",
    ),
    "bridge": ("ip link set cni0 mtu 1500", "node2's bridge has an MTU of 1450"),
    "way-out": ("ip -n pod-2-3 route del 10.244.0.0/16", "pod-2-3 has a route to 10.244.0.0/16 to its bridge"),
    "rules": ("nft flush chain ip flannel-ipv4 forward", "node2 has Flannel's rules"),
}


@pytest.mark.parametrize("stage", WRONG)
def test_a_check_says_what_is_wrong(lab, stage):
    command, claim = WRONG[stage]
    assert lab.check(stage)
    lab["node2"].shell(command)
    assert lab.check(stage).first_failure.claim == claim


IN_THE_TUNNEL = {
    "no forwarding entry": (
        "node1",
        "bridge fdb del $(cat /run/mac2) dev flannel.1 dst 192.168.1.12 self",
        "node1",
        "and has no entry for that",
    ),
    "a forwarding entry for another node": (
        "node1",
        "bridge fdb replace $(cat /run/mac2) dev flannel.1 dst 192.168.1.13 self permanent",
        "node1",
        "and sends it to 192.168.1.13",
    ),
    "no neighbour": ("node1", "ip neigh del 10.244.2.0 dev flannel.1", "node1", "has no neighbour entry for 10.244.2.0"),
    "a wrong neighbour": (
        "node1",
        "ip neigh replace 10.244.2.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent",
        "node1",
        "has a MAC for 10.244.2.0 that is no longer its own",
    ),
    "the other end is down": ("node2", "ip link set flannel.1 down", "node2", "flannel.1 in node2 is down"),
    "another number": (
        "node2",
        "mac=$(cat /sys/class/net/flannel.1/address); ip link del flannel.1; ip link add flannel.1 address $mac type vxlan id 2 "
        f"local 192.168.1.12 dev {UPLINK} dstport 8472 nolearning; ip link set flannel.1 up; ip addr add 10.244.2.0/32 dev flannel.1",
        "node2",
        "node1's tunnel flannel.1 has the vni 1, and node2's flannel.1 the vni 2",
    ),
    "its packets are dropped": (
        "node2",
        "nft add table ip x; nft 'add chain ip x i { type filter hook input priority 0 ; }'; nft add rule ip x i udp dport 8472 drop",
        "node2",
        "firewall drops it",
    ),
    "an address that is not its own": (
        "node1",
        "ip link set flannel.1 type vxlan local 192.0.2.77",
        "node1",
        "is to send from 192.0.2.77, which node1 does not have",
    ),
    "no route": ("node1", "ip route del 10.244.2.0/24", "node1", "10.244.2"),
}


BY_HAND = {"its packets are dropped", "an address that is not its own"}
"""What no step mends."""


@pytest.mark.parametrize("what", IN_THE_TUNNEL)
def test_what_is_wrong_in_the_tunnel_is_told(lab, what):
    node, command, place, words = IN_THE_TUNNEL[what]
    lab["node1"].shell(f"echo {names.tunnel_mac(lab.plan['node2'])} > /run/mac2")
    lab[node].shell(command)
    assert not lab.ping("pod-1-2", "pod-2-2", patience=0.3)
    found = lab.explain("pod-1-2", "pod-2-2", probe=False)
    assert found.cause, found
    assert words in found.cause
    assert found.cause.place == (place, None)
    for _ in range(5):  # what was made anew has to be told of the others
        if not found.repair:
            break
        lab.run(found.repair)
        found = lab.explain("pod-1-2", "pod-2-2")
    assert bool(found) is (what not in BY_HAND), found
    assert bool(lab.ping("pod-1-2", "pod-2-2")) is (what not in BY_HAND)


def test_what_is_broken_on_purpose_cuts_somebody_off_here_too(lab):
    with pytest.raises(
        LabError, match="'the default route is missing' can't be made here: it would keep nobody from anybody in this network"
    ):
        lab.break_something(fault="the default route is missing")
    assert lab.broken is None
    assert lab.check()
    lab.break_something(fault="the node's MTU is too small")
    source, target = lab.broken.pair
    found = lab.explain(source, target, size=1400)
    if VMS:  # a card may take what is longer than its MTU, and a VM's does; a cable's end does not
        assert found.unsure
    else:
        assert "has an MTU of 1000" in str(found.cause)
        assert not lab.trace(source, target, size=1400)
    assert lab.give_up()
    assert lab.trace(source, target, size=1400)
