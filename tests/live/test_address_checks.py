"""The check of addresses against the kernel: a Pod with an address that nobody can be reached at does not pass, whatever was typed."""

import pytest

FLUSH = "ip -n pod-1-2 addr flush dev veth-1-2"
ADD = "ip -n pod-1-2 addr add {} dev {}"
WAY = "ip -n pod-1-2 route add default via 10.244.1.1"
SUBNET = "FAIL  pod-1-2 has an address in its bridge's subnet: it has "


def _typed(lab, *addresses, way=WAY, dev="veth-1-2"):
    lines = [FLUSH, *(ADD.format(address, dev) for address in addresses), way]
    lab["node1"].shell("\n".join(lines), may_fail=True)


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [
        (["10.244.1.255/24"], "10.244.1.255/24, the broadcast address of 10.244.1.0/24"),
        (["10.244.1.255/24", "10.244.1.2/24"], "10.244.1.255/24, the broadcast address of 10.244.1.0/24"),
        (["10.244.1.2/24 scope link"], "10.244.1.2/24 with scope link: nothing is sent from it to others"),
        (["10.244.1.2/24 scope host"], "10.244.1.2/24 with scope host: nothing is sent from it to others"),
        (["10.244.1.2/24 scope site"], "10.244.1.2/24 with scope site: nothing is sent from it to others"),
        (["10.244.1.2/16"], "10.244.1.2/16"),
        (["10.244.1.2/32"], "10.244.1.2/32"),
        (["10.244.2.9/24"], "10.244.2.9/24"),
        (["224.0.0.9/24"], "224.0.0.9/24"),
        (["169.254.1.2/24"], "169.254.1.2/24"),
    ],
)
def test_an_address_from_which_nobody_is_reached_does_not_pass(wired, addresses, problem):
    assert wired["node1"].check("addr")
    _typed(wired, *addresses)
    assert not wired.ping("pod-1-2", "pod-2-2", patience=1)
    assert str(wired["node1"].check("addr").first_failure) == SUBNET + problem


@pytest.mark.parametrize("address", ["10.244.1.3/24", "10.244.1.1/24"])
def test_somebody_elses_address_does_not_pass(wired, address):
    _typed(wired, address)
    assert "pod-1-2's address is its own" in str(wired["node1"].check("addr").first_failure)


def test_an_address_on_the_loopback_alone_does_not_pass(wired):
    _typed(wired, "10.244.1.2/24", dev="lo")
    assert not wired.ping("pod-1-2", "pod-2-2", patience=1)
    assert str(wired["node1"].check("addr").first_failure) == SUBNET + "10.244.1.2/24 on lo alone"


@pytest.mark.parametrize(
    ("addresses", "way"),
    [
        (["10.244.1.77/24"], WAY),
        (["10.244.1.2/24", "10.244.1.255/24"], WAY),
        (["10.244.1.2/24 scope link"], f"{WAY} src 10.244.1.2"),
    ],
)
def test_what_works_passes(wired, addresses, way):
    _typed(wired, *addresses, way=way)
    assert wired.ping("pod-1-2", "pod-2-2")
    assert wired["node1"].check("addr")


@pytest.mark.parametrize(
    ("address", "problem"), [("10.244.1.255/24", "the broadcast address of 10.244.1.0/24"), ("239.0.0.1/24", "a multicast address")]
)
def test_a_bridge_with_such_an_address_does_not_pass(wired, address, problem):
    wired["node1"].shell(f"ip addr flush dev v-net-0; ip addr add {address} dev v-net-0")
    assert str(wired["node1"].check("bridge").first_failure) == f"FAIL  node1's bridge has an address: v-net-0 has {address}, {problem}"
