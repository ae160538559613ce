"""Explanations against the real kernel: random networks with random mischief; and by name what once disagreed."""

from ipaddress import IPv4Address

import pytest

from live import random_nets, random_overlays
from live.agreement import Drawing, Report, build, case, compare
from live.helpers import UPLINK, until
from live.lab_facade import agents
from podnet_lab.checks.reachability import endpoints
from podnet_lab.explain.explanation import explanation
from podnet_lab.lab.ping_pairs import try_pairs

pytestmark = pytest.mark.nft


def tried(lab, record_property, seeds, pairs) -> Report:
    """Cases with none to four things wrong in each network; how many agreed is shown at the end of the run."""
    report = Report()
    for seed in seeds:
        lab.reset()
        case(lab, seed, seed % 5, pairs, report)
    record_property("counted", str(report))
    return report


def test_what_is_explained_is_what_happens_in_a_hundred_cases(lab, record_property):
    report = tried(lab, record_property, range(50), 2)
    assert report.disagree == []
    assert report.healthy + report.broken + report.unsure == 100
    assert min(report.healthy, report.broken) > 20, "what is drawn tells nothing"
    assert report.unsure < 5


@pytest.mark.long
def test_what_is_explained_is_what_happens_in_a_thousand_cases(lab, record_property):
    report = tried(lab, record_property, range(1000, 1250), 4)
    assert report.disagree == []
    assert report.healthy + report.broken + report.unsure == 1000
    assert report.unsure < 50


OVERLAYS = Drawing(random_overlays.healthy, random_overlays.mischief, random_overlays.pair)


def tried_in_tunnels(lab, record_property, seeds, pairs) -> Report:
    """Cases with one thing changed of a tunnel, or of what is below it; nothing in every sixth network, two things in another."""
    report = Report()
    for seed in seeds:
        lab.reset()
        case(lab, seed, (1, 1, 1, 0, 1, 2)[seed % 6], pairs, report, OVERLAYS)
    record_property("counted", str(report))
    return report


def test_what_is_explained_is_what_happens_in_tunnels(lab, record_property):
    report = tried_in_tunnels(lab, record_property, range(100, 112), 2)
    assert report.disagree == []
    assert report.healthy + report.broken + report.unsure == 24
    assert min(report.healthy, report.broken) > 2, "what is drawn tells nothing"


@pytest.mark.long
def test_what_is_explained_is_what_happens_in_tunnels_in_four_hundred_cases(lab, record_property):
    report = tried_in_tunnels(lab, record_property, range(5000, 5100), 4)
    assert report.disagree == []
    assert report.healthy + report.broken + report.unsure == 400
    assert report.unsure < 60


def alarms(lab, seeds) -> list[str]:
    """What is called broken, or not judged, of what the kernel brings there and back."""
    found = []
    for seed in seeds:
        lab.reset()
        build(lab, random_nets.healthy(seed))
        known = [one for one in endpoints(lab.everyone()).values() if one.addresses and one.name != "outside"]
        pairs = [(one, other) for one in known for other in known if one != other]
        reached = [ping for ping in try_pairs(agents(lab), pairs) if ping]
        assert len(reached) > len(pairs) / 2, f"seed {seed} is no healthy network"
        everyone = lab.everyone()  # after them: a bridge's port is disabled until the kernel has told of its cable, within a second
        said = {ping: explanation(everyone, ping.source, ping.target) for ping in reached}
        found += [f"seed {seed}: {one}" for one in said.values() if not one]
    return found


def test_thirty_networks_that_work_are_not_called_broken(lab):
    assert alarms(lab, range(2000, 2030)) == []


@pytest.mark.long
def test_two_hundred_networks_that_work_are_not_called_broken(lab):
    assert alarms(lab, range(3000, 3200)) == []


NAT = "nft add table ip m; nft 'add chain ip m c { type nat hook postrouting priority 100 ; }'; nft add rule ip m c "
BRIDGES_MAC = "ip -n pod-1-2 link set veth-1-2 address $(cat /sys/class/net/v-net-0/address)"

# What was explained wrongly once, or named at a wrong place: (what was typed on node1, who asks, who is asked)
ONCE_WRONG = {
    "a Pod with its bridge's MAC does not get an answer": (BRIDGES_MAC, "pod-1-2", "pod-2-2"),
    "a Pod with its bridge's MAC, asked by a neighbour": (BRIDGES_MAC, "pod-1-3", "pod-1-2"),
    "a Pod with its bridge's MAC, asked from another node": (BRIDGES_MAC, "pod-2-2", "pod-1-2"),
    "a bridge that asks nobody sends to its own MAC, which a Pod has": (
        f"{BRIDGES_MAC}; ip link set v-net-0 arp off",
        "pod-2-2",
        "pod-1-2",
    ),
    "loose is strict where an interface has no address": (
        "sysctl -qw net.ipv4.conf.all.rp_filter=2; ip link set veth-1-2-br nomaster",
        "pod-1-2",
        "pod-2-2",
    ),
    "loose lets nothing in from where no way leads": (
        "sysctl -qw net.ipv4.conf.all.rp_filter=2; ip route del 10.244.2.0/24",
        "pod-2-2",
        "pod-1-2",
    ),
    "who has another's address answers, and its answer is lost elsewhere": (
        "ip addr add 10.244.2.2/32 dev v-net-0; ip -n pod-1-2 route add unreachable 10.244.2.2",
        "pod-3-2",
        "pod-2-2",
    ),
    "the node answers ARP at a cable that is plugged into nothing": ("ip link set veth-1-2-br nomaster", "pod-1-2", "pod-2-2"),
    "each interface forwards by itself": (
        "sysctl -qw net.ipv4.ip_forward=0; sysctl -qw net.ipv4.conf.v-net-0.forwarding=1",
        "pod-1-2",
        "pod-2-2",
    ),
    "a rule for senders is not for who has no address yet": (
        "ip rule add from 192.168.1.11 blackhole",
        "node1",
        "pod-2-2",
    ),
    "a masqueraded echo is answered to the node": (
        f"{NAT} oifname != v-net-0 masquerade",
        "pod-1-2",
        "pod-2-2",
    ),
}


WRITTEN = "ip -n pod-1-2 neigh replace 10.244.1.3 dev veth-1-2 {}"


TIMES = "ip netns exec pod-1-2 sysctl -qw net.ipv4.neigh.veth-1-2.ucast_solicit={} net.ipv4.neigh.veth-1-2.retrans_time_ms={}; "


@pytest.mark.parametrize(
    "before", ["", WRITTEN.format("lladdr 02:00:00:00:00:07 nud reachable; sleep 1.6; "), TIMES.format(0, 1000), TIMES.format(3, 1)]
)
def test_what_is_written_incomplete_is_not_asked_for(wired, before):
    """Whatever was counted of the questions before that."""
    wired["node1"].shell(f"ip -n pod-1-2 neigh flush all; {before}{WRITTEN.format('nud incomplete')}")
    for asked in ({}, {"tcp": 8080}):
        explanation = wired.explain("pod-1-2", "pod-1-3", probe=False, **asked)
        assert "does not ask for it: somebody wrote that it is INCOMPLETE" in str(explanation.cause)
    assert wired.ping("pod-1-2", "pod-1-3", expect=False)
    wired["node1"].shell(explanation.cause.hints[2].partition("# ")[2])
    assert wired.ping("pod-1-2", "pod-1-3")
    assert wired.explain("pod-1-2", "pod-1-3", probe=False)
    wired["node1"].shell(TIMES.format(3, 1000))


def test_who_is_really_asked_for_is_no_cause(wired):
    """Nobody has the address at first: the kernel asks for it while somebody gets it."""
    wired["node1"].shell("ip -n pod-1-3 addr del 10.244.1.3/24 dev veth-1-3")
    for wait in ("0", "1.1", "2.1"):
        wired["node1"].shell(
            "ip -n pod-1-2 neigh flush all; ip netns exec pod-1-2 bash -c 'echo -n x >/dev/udp/10.244.1.3/9'; "
            f"sleep {wait}; ip -n pod-1-2 neigh show 10.244.1.3 | grep INCOMPLETE"
        )
        assert [one.unasked for one in wired["node1"].snapshot().spaces["pod-1-2"].neighbours if one.state == "INCOMPLETE"] == [False]
    wired["node1"].shell("ip -n pod-1-3 addr add 10.244.1.3/24 dev veth-1-3; ip -n pod-1-3 route replace default via 10.244.1.1")


@pytest.mark.parametrize("changed", ["retrans_time_ms=1", "ucast_solicit=10"])
def test_who_is_asked_for_at_another_pace_is_no_cause(wired, changed):
    """The timers are not that quick, and a setting may be changed meanwhile."""
    wired["node1"].shell(
        "ip -n pod-1-3 addr del 10.244.1.3/24 dev veth-1-3; ip -n pod-1-2 neigh flush all; set=net.ipv4.neigh.veth-1-2; "
        'ip netns exec pod-1-2 bash -c "sysctl -qw $set.mcast_solicit=3000; echo -n x >/dev/udp/10.244.1.3/9; '
        f'sysctl -qw $set.{changed}; sleep 0.8"; ip -n pod-1-2 neigh show 10.244.1.3 | grep INCOMPLETE'
    )
    assert [one.unasked for one in wired["node1"].snapshot().spaces["pod-1-2"].neighbours if one.state == "INCOMPLETE"] == [False]
    wired["node1"].shell(f"ip netns exec pod-1-2 sysctl -qw net.ipv4.neigh.veth-1-2.mcast_solicit=3; {TIMES.format(3, 1000)}")
    wired["node1"].shell("ip -n pod-1-3 addr add 10.244.1.3/24 dev veth-1-3; ip -n pod-1-3 route replace default via 10.244.1.1")


def test_a_connection_to_the_mac_of_everybody_is_not_taken(wired):
    """An echo is (tcp_v4_rcv)."""
    wired.serve("pod-1-3")
    wired["node1"].shell(WRITTEN.format("lladdr ff:ff:ff:ff:ff:ff nud permanent"))
    assert wired.ping("pod-1-2", "pod-1-3")
    assert wired.explain("pod-1-2", "pod-1-3")
    assert not wired.ask("pod-1-2", "10.244.1.3:8080", patience=1)
    explanation = wired.explain("pod-1-2", "pod-1-3", tcp=8080)
    assert "no longer its own" in str(explanation.cause)
    wired.run(explanation.repair)
    assert wired.ask("pod-1-2", "10.244.1.3:8080")
    assert wired.explain("pod-1-2", "pod-1-3", tcp=8080)


@pytest.mark.parametrize("name", ONCE_WRONG)
@pytest.mark.parametrize("size", [None, 1300])
def test_what_once_disagreed(wired, name, size):
    command, source, target = ONCE_WRONG[name]
    wired["node1"].shell(command)
    assert compare(wired, source, target, size, Report()) == ""


def test_what_a_router_said_about_sizes_is_no_route_and_is_remembered(wired):
    big = {"size": 1400}
    before = wired.snapshot("node1")["node1"]
    assert wired.ping("pod-1-2", "pod-2-2")
    wired["node1"].shell(f"ip link set {UPLINK} mtu 1000")
    assert f"node1 can send 1000 bytes at most through {UPLINK}" in str(wired.explain("pod-1-2", "pod-2-2", **big))
    assert "fragmentation needed" in str(wired.trace("pod-1-2", "pod-2-2", **big))

    def learnt():  # the kernel does not always believe the first of these messages
        wired.trace("pod-1-2", "pod-2-2", **big, patience=0.2)
        return wired.snapshot("node1")["node1"].spaces["pod-1-2"].learnt

    assert until(learnt) == {IPv4Address("10.244.2.2"): 1000}
    wired["node1"].shell(f"ip link set {UPLINK} mtu 1500")
    assert wired.snapshot("node1")["node1"].spaces["pod-1-2"].routes == before.spaces["pod-1-2"].routes
    assert "has learnt that 1000 bytes pass" in str(wired.explain("pod-1-2", "pod-2-2", **big))
    assert "message too long" in str(wired.trace("pod-1-2", "pod-2-2", **big))
    assert wired.explain("pod-1-2", "pod-2-2")
    wired["node1"].shell("ip netns exec pod-1-2 sysctl -qw net.ipv4.route.flush=1")
    assert wired.explain("pod-1-2", "pod-2-2", **big)
    assert wired.trace("pod-1-2", "pod-2-2", **big)
