"""What can decide a packet's fate is known by name: judged, named as not judged, or of no consequence. None is unknown."""

import os
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import world

from podnet_lab.explain import inventory, settings
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.explanation import explanation
from podnet_lab.explain.xfrm import blocking_policy
from podnet_lab.model.close_look import CloseLook, DeviceLook, XfrmPolicy
from podnet_lab.plan import plan
from podnet_lab.steps import route

WIRED = world.wired(plan(3, 3))
WHO = world.endpoints(WIRED)
A, C = WHO["pod-1-2"], WHO["pod-2-2"]
SYSCTLS = Path("/proc/sys/net")


@pytest.mark.skipif(not SYSCTLS.is_dir(), reason="this system has no /proc/sys/net")
def test_every_ipv4_setting_of_this_kernel_is_sorted():
    paths = [os.path.relpath(os.path.join(folder, name), SYSCTLS) for folder, _, names in os.walk(SYSCTLS) for name in names]
    known = ("ipv4", "bridge", "netfilter", "unix", "mptcp")
    assert [path for path in paths if path.split("/")[0] in known and not settings.kind(path)] == []
    assert len(paths) > 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("ipv4/conf/eth0/rp_filter", "judged"),
        ("ipv4/conf/all/arp_ignore", "judged"),
        ("ipv4/conf/eth0.5/accept_local", "routing"),
        ("ipv4/fib_multipath_hash_fields", "routing"),
        ("ipv4/conf/eth0/proxy_arp_pvlan", "named"),
        ("ipv4/neigh/eth0/mcast_solicit", "judged"),
        ("ipv4/neigh/eth0/gc_stale_time", "harmless"),
        ("ipv4/tcp_sack", "harmless"),
        ("ipv4/a_setting_of_the_year_2040", ""),
    ],
)
def test_a_setting_is_of_a_kind(path, kind):
    assert settings.kind(path) == kind


def test_what_is_asked_for_is_of_a_kind_that_is_told():
    asked = settings.asked(["eth0", "all"])
    assert "ipv4/conf/eth0/arp_ignore" in asked
    assert len(asked) == len(set(asked))
    assert {settings.kind(path) for path in asked} == {"judged", "named"}


@pytest.mark.parametrize(
    ("path", "value", "protocol", "said"),
    [
        ("ipv4/fwmark_reflect", "0", "icmp", []),
        ("ipv4/fwmark_reflect", "1", "icmp", ["ipv4.fwmark_reflect = 1"]),
        ("ipv4/tcp_notsent_lowat", "0", "tcp", ["ipv4.tcp_notsent_lowat = 0"]),
        ("ipv4/tcp_notsent_lowat", "0", "icmp", []),
        ("ipv4/tcp_notsent_lowat", "1", "tcp", []),
        ("ipv4/tcp_rmem", "4096\t1\t6291456", "tcp", ["ipv4.tcp_rmem = 4096\t1\t6291456"]),
        ("ipv4/tcp_rmem", "1\t131072\t1", "tcp", []),
        ("ipv4/tcp_abort_on_overflow", "1", "icmp", []),
        ("ipv4/tcp_abort_on_overflow", "1", "tcp", ["ipv4.tcp_abort_on_overflow = 1"]),
        ("ipv4/conf/eth0/proxy_arp_pvlan", "1", "icmp", ["ipv4.conf.eth0.proxy_arp_pvlan = 1"]),
        ("netfilter/nf_conntrack_icmp_timeout", "30", "icmp", []),
        ("netfilter/nf_conntrack_icmp_timeout", "0", "icmp", ["netfilter.nf_conntrack_icmp_timeout = 0"]),
        ("ipv4/neigh/eth0/proxy_delay", "0", "icmp", []),
        ("ipv4/neigh/eth0/proxy_delay", "100000", "icmp", ["ipv4.neigh.eth0.proxy_delay = 100000"]),
        ("ipv4/neigh/eth0/app_solicit", "100", "icmp", ["ipv4.neigh.eth0.app_solicit = 100"]),
        ("ipv4/ip_local_reserved_ports", "", "tcp", []),
        ("ipv4/ip_local_reserved_ports", "1024-65535", "tcp", ["ipv4.ip_local_reserved_ports = 1024-65535"]),
        ("ipv4/conf/eth0/arp_ignore", "8", "icmp", []),  # judged: the walk says what comes of it
    ],
)
def test_a_setting_that_may_decide_is_named_unless_it_is_the_default(path, value, protocol, said):
    assert list(settings.unusual({path: value}, protocol)) == said


DEVICES = [
    (DeviceLook(), True, []),
    (DeviceLook((("noqueue", False),)), True, []),
    (DeviceLook((("clsact", True),)), True, []),
    (DeviceLook((("clsact", True),), filters=1), False, ["v has tc filters"]),
    (DeviceLook((("pfifo_fast", False),)), True, []),
    (DeviceLook((("tbf", True),)), True, ["v has a queueing discipline tbf"]),
    (DeviceLook((("tbf", True),)), False, []),
    (DeviceLook(xdp=1), False, ["v has an XDP program"]),
    (DeviceLook(xdp=1), True, []),
    (DeviceLook(tcx={"ingress": 1, "egress": 0}), True, []),
    (DeviceLook(tcx={"ingress": 1, "egress": 0}), False, ["v has a tcx program"]),
]


@pytest.mark.parametrize(("device", "egress", "said"), DEVICES)
def test_what_hangs_on_an_interface_is_named_where_it_can_decide(device, egress, said):
    assert list(inventory.unjudged_device(CloseLook({"v": device}), "v", egress)) == said


def policy(action="block", priority=0, source="0.0.0.0/0", **more):
    return XfrmPolicy("fwd", action, priority, IPv4Network(source), IPv4Network("10.244.2.0/24"), **more)


POLICIES = {
    "none": ([], "", ""),
    "one that blocks": ([policy()], "block", ""),
    "of others": ([policy(source="10.9.0.0/16")], "", ""),
    "another protocol's": ([policy(protocol=6)], "", ""),
    "the lower number holds": ([policy(priority=10), policy("allow", 5)], "", ""),
    "the lower number blocks": ([policy(priority=5), policy("allow", 10)], "block", ""),
    "one that transforms": ([policy("allow", transforms=1)], "", "transforms"),
    "one that asks for a port": ([policy(other=True)], "", "not judged"),
    "an interface's": ([policy(dev="eth1")], "", "not judged"),
    "two of one priority": ([policy(), policy("allow")], "", "not judged"),
    "two of one priority that say the same": ([policy(), policy()], "block", ""),
}


@pytest.mark.parametrize("name", POLICIES)
def test_an_ipsec_policy_blocks_what_its_selector_fits(name):
    policies, blocks, unsure = POLICIES[name]
    look = CloseLook(policies=tuple(policies))
    said = blocking_policy(look, "fwd", IPv4Address("10.244.1.2"), IPv4Address("10.244.2.2"), "icmp", "eth0")
    assert [(words in said[n], bool(said[n])) for n, words in enumerate((blocks, unsure))] == [(True, bool(blocks)), (True, bool(unsure))]


def test_where_no_policy_fits_the_default_may_block():
    ends = (IPv4Address("10.244.1.2"), IPv4Address("10.244.2.2"), "icmp", "eth0")
    look = CloseLook(xfrm_default={"fwd": "block", "in": "accept"})
    assert blocking_policy(look, "fwd", *ends)[0]
    assert blocking_policy(look, "in", *ends) == ("", "")


class Looked(Evidence):
    """Evidence that a node has been looked at, and what was seen there."""

    def __init__(self, place, look):
        super().__init__(asks=False)
        self.seen = (place, look)

    def look(self, place, *devices):
        return self.seen[1] if place == self.seen[0] else None


NODE1 = ("node1", None)
FILTERED = Looked(NODE1, CloseLook({"eth0": DeviceLook(filters=1), "v-net-0": DeviceLook(promiscuous=True)}))


def test_what_may_decide_makes_a_network_that_works_unsure():
    said = explanation(WIRED, A, C, evidence=FILTERED)
    assert (said.cause, said.suspect, bool(said)) == (None, None, False)
    assert said.unsure[0] == "node1: eth0 has tc filters, which is not judged"
    assert "could not be judged" in str(said)
    assert "look for yourself" in said.hint(3)


def test_after_something_unjudged_nothing_is_certain():
    broken = world.change(WIRED, "node2", route.remove("10.244.1.0/24"))
    said = explanation(broken, A, C, evidence=FILTERED)
    assert said.cause is None
    assert "node2 has no route to 10.244.1.2" in said.suspect
    assert said.repair == {}
    assert "if it gets past that: stopped at node2" in str(said)


def test_before_something_unjudged_everything_is_certain():
    broken = world.change(WIRED, "node1", route.remove("default", namespace="pod-1-2"))
    said = explanation(broken, A, C, evidence=FILTERED)
    assert said.cause == "pod-1-2 has no route to 10.244.2.2"
    assert said.unsure == ()


def test_docs_have_the_whole_inventory():
    table = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
    missing = [one for one in inventory.INVENTORY if f"| {one.name} | {one.where} | {one.reads} | {one.state} |" not in table]
    assert missing == []
