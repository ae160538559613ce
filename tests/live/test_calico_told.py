"""What a student breaks in notebook 11, and what is said of it: a gateway's old MAC, a filter that was not asked again, two that wait."""

import pytest

from live.helpers import until
from podnet_lab import Lab
from podnet_lab.daemons import bird
from podnet_lab.networks.calico import names

pytestmark = [pytest.mark.nft, pytest.mark.bird]

CONF = f"{bird.folder('bird')}/bird.conf"
SOON = 5.0


@pytest.fixture(scope="module")
def opened():
    with Lab.open(name="calico-told", network="calico", nodes=2) as lab:
        yield lab


@pytest.fixture
def lab(opened):
    opened.goto("done")
    return opened


def edited(lab, node, change, then="configure"):
    lab[node].shell(f"sed -i '{change}' {CONF}; {bird.ask('configure')}; {bird.ask(*then.split())}")


def test_a_pod_that_remembers_a_mac_that_its_gateway_has_no_more(lab):
    pod = lab.plan["node1"].pods(2)[0]
    assert lab.ping("pod-1-2", "pod-2-2")
    lab["node1"].shell(f"ip link set dev {names.cali(pod)} address 02:00:00:00:00:aa")
    found = lab.explain("pod-1-2", "pod-2-2", probe=False)
    assert found.cause.place == ("node1", "pod-1-2")
    assert "has a MAC for 169.254.1.1 that is no longer its own" in found.cause


def test_what_a_filter_lets_pass_and_was_not_asked_again_is_not_announced(lab):
    block = "10.244.1.64/26"
    edited(lab, "node1", f"s|route 10.244.1.0/26 blackhole;|& route {block} blackhole;|; s|10.244.1.0/26 \\]|10.244.1.0/26, {block} ]|")
    told = lambda: {str(one) for one in lab.snapshot("node1")["node1"].bgp.sessions[0].announces}  # noqa: E731
    heard = lambda: {str(one) for one, _ in lab.snapshot("node2")["node2"].bgp.sessions[0].hears}  # noqa: E731
    lab["node1"].shell(bird.ask("reload", "out", "all"))
    until(lambda: heard() == told() == {"10.244.1.0/26", block}, SOON)
    edited(lab, "node1", f"s|10.244.1.0/26, {block} \\]|10.244.1.0/26 ]|")
    until(lambda: heard() == told(), SOON)  # whether this BIRD sees that a set has changed, or does not


def test_two_ends_that_both_wait(lab):
    edited(lab, "node2", "s/{ neighbor/{ passive on; neighbor/", "restart all")
    until(lambda: not lab.bgp(), SOON)
    until(lambda: "both wait" in (lab.explain("pod-1-2", "pod-2-2", probe=False).cause or ""), SOON)
