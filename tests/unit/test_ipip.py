"""IPIP without a kernel: settings, packets in packets, a file for Wireshark, what an explanation makes of ends, and checks."""

import struct
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
import world
from built_frames import A, echo, ethernet, ipv4
from hypothesis import given
from hypothesis import strategies as st

from podnet_lab.daemons import ipip_forwarder
from podnet_lab.devices.ip_tunnel import TUNL0, stands_in
from podnet_lab.devices.ipip import codec as ipip_codec
from podnet_lab.devices.nlattr import attribute
from podnet_lab.devices.registry import wires
from podnet_lab.devices.tun import codec as tun_codec
from podnet_lab.explain.flow import Flow
from podnet_lab.explain.path import PathWalk
from podnet_lab.model import Process
from podnet_lab.model.route import BIRD
from podnet_lab.networks import registry
from podnet_lab.networks.calico import bird_config, ipip_checks
from podnet_lab.packets.encapsulations import Opener
from podnet_lab.packets.frames import frame, packet
from podnet_lab.packets.pcapng import pcapng
from podnet_lab.recipes.reconcile_links import is_fallback, surplus
from podnet_lab.steps import route
from podnet_lab.steps.base import Step

NETWORK, STAND_IN = registry.find("calico-ipip"), registry.find("calico-ipip-tun")
PLAN = NETWORK.plan(3, 2)
PLAIN = echo(ttl=63)
OUTER = ethernet(A, "02:00:00:00:00:09") + ipv4("192.168.1.11", "192.168.1.12", 4, PLAIN[14:])


def wired(network, **missing):
    """The nodes as the network's stages leave them, with the routes that BIRD would make."""
    cluster = {}
    for node in PLAN.nodes:
        others = [other for other in PLAN.nodes if other.name != node.name]
        steps = [step for step in network.node(node, PLAN) if not hasattr(step, "daemon")]
        steps += [route.blackhole(str(node.subnet), protocol=BIRD)]
        steps += [route.add(str(one.subnet), via=str(one.external.ip), dev=TUNL0, onlink=True, protocol=BIRD) for one in others]
        has = world.follow(world.bare(node.name, str(node.external)), *steps)
        held = world.with_link(has, None, TUNL0, carrier=True)
        cluster[node.name] = replace(held, processes=(Process("python3 forward_ipip.py tunl0", daemon=ipip_forwarder.NAME),))
    return cluster


def test_the_settings_of_the_kernels_own_end_are_none_and_those_of_another_come_back():
    fallback = b"".join(attribute(kind, bytes(4)) for kind in (1, 2, 3)) + attribute(4, b"\0") + attribute(9, b"\4") + attribute(10, b"\1")
    assert ipip_codec.decode(fallback, {}) == {}
    given = {"local": "192.168.1.11", "remote": "192.168.1.12", "other": attribute(4, b"\x40").hex()}
    assert ipip_codec.decode(ipip_codec.encode(given, None), {}) == given


def test_a_tun_devices_settings_are_words():
    data = attribute(3, b"\1") + attribute(6, b"\1")
    assert tun_codec.decode(data, {}) == {"mode": "tun", "persists": True}
    assert tun_codec.decode(attribute(3, b"\2") + attribute(1, bytes(4)) + attribute(7, b"\1"), {}) == {
        "mode": "tap",
        "persists": False,
        "other": "multi_queue user",
    }


def test_a_packet_in_a_packet_has_two_headers_and_twenty_bytes_more():
    outer, inner = Opener({}).open(frame(OUTER)).layers
    assert (str(outer.source), str(outer.target), outer.tunnel.name) == ("192.168.1.11", "192.168.1.12", "IPIP")
    assert (inner.kind, inner.ttl, inner.source_mac) == ("echo request", 63, "")
    assert (outer.size - inner.size, len(OUTER) - len(PLAIN)) == (20, 20)
    assert packet(PLAIN[14:]) == inner


@pytest.mark.parametrize("inside", [b"", b"\x45", b"\x60" + bytes(60), bytes(40)])
def test_what_is_no_packet_of_ipv4_inside_is_not_opened(inside):
    data = ethernet(A, "02:00:00:00:00:09") + ipv4("192.168.1.11", "192.168.1.12", 4, inside)
    assert Opener({}).open(frame(data)).inside is None


@given(st.integers(0, len(OUTER)), st.binary(max_size=40))
def test_it_may_be_cut_anywhere_and_end_in_garbage(length, tail):
    found = frame(OUTER[:length] + tail)
    assert found is None or str(Opener({}).open(found).innermost.words)


def test_an_interface_without_ethernet_is_so_in_a_file_for_wireshark():
    data = pcapng([("node1:tunl0", 1, PLAIN[14:], 84, ""), ("node1:eth0", 2, OUTER, len(OUTER), "")], {"node1:tunl0"})
    kinds, at = [], 0
    while at < len(data):
        block, length = struct.unpack_from("<II", data, at)
        kinds += [struct.unpack_from("<H", data, at + 8)[0]] if block == 1 else []
        at += length
    assert kinds == [101, 1]


def test_bird_is_told_three_things_of_a_route_and_of_its_own_mode_nothing():
    node = PLAN.nodes[0]
    plain, tunnelled = bird_config.config(node, PLAN), bird_config.config(node, PLAN, tunnel=TUNL0)
    assert 'ifname = "tunl0"; onlink = true; gw = bgp_next_hop;' in tunnelled
    assert "tunl0" not in plain
    assert plain == "".join(line for line in tunnelled.splitlines(keepends=True) if line in plain.splitlines(keepends=True))


@pytest.mark.parametrize("network", [NETWORK, STAND_IN], ids=lambda network: network.name)
def test_each_node_is_judged_by_what_it_has_and_what_is_wrong_is_said(network):
    cluster = wired(network)
    for node in cluster.values():
        assert ipip_checks.tunnel(node).require()
        assert ipip_checks.by_bgp(node, cluster).require()
    wrong = {
        "tunl0 is down": world.with_link(cluster["node1"], None, TUNL0, up=False),
        "tunl0 has 1500": world.with_link(cluster["node1"], None, TUNL0, mtu=1500),
        "tunl0 has none": world.with_space(
            cluster["node1"], None, addresses=tuple(one for one in cluster["node1"].own.addresses if one.dev != TUNL0)
        ),
        "it has no ipip interface": world.with_space(
            cluster["node1"], None, links={name: link for name, link in cluster["node1"].own.links.items() if name != TUNL0}
        ),
    }
    if network is STAND_IN:
        wrong["no ipip-forwarder runs"] = replace(cluster["node1"], processes=())
    for said, node in wrong.items():
        assert said in str(ipip_checks.tunnel(node)), said
    routes = [replace(one, dev="eth0", onlink=False) if one.dev == TUNL0 and one.via else one for one in cluster["node1"].own.routes]
    bare = world.with_space(cluster["node1"], None, routes=tuple(routes))
    assert "it has 10.244.2.0/26 via 192.168.1.12 dev eth0" in str(ipip_checks.by_bgp(bare, {**cluster, "node1": bare}))


@pytest.mark.parametrize("network", [NETWORK, STAND_IN], ids=lambda network: network.name)
def test_a_tunnels_ends_are_those_that_its_routes_name(network):
    cluster = wired(network)
    link = cluster["node1"].own.links[TUNL0]
    ends = list(wires(cluster).transmit("node1", None, link))
    assert [(end.node, end.link.name, str(end.tunnel)) for end in ends] == [
        ("node2", TUNL0, "192.168.1.12"),
        ("node3", TUNL0, "192.168.1.13"),
    ]


def walk(cluster, size=64):
    pod = ("node1", "pod-1-2")
    found = PathWalk(cluster, Flow(IPv4Address("10.244.1.2"), IPv4Address("10.244.2.2"), size=size))
    return found.follow(pod, ("node2", "pod-2-2")), found


@pytest.mark.parametrize("network", [NETWORK, STAND_IN], ids=lambda network: network.name)
def test_a_walk_goes_through_it_and_stops_where_something_is_wrong(network):
    cluster = wired(network)
    cause, found = walk(cluster)
    assert (cause, found.unsure, found.path) == (None, [], ["pod-1-2", "node1", "node2", "pod-2-2"])
    down = {**cluster, "node2": world.with_link(cluster["node2"], None, TUNL0, up=False)}
    assert walk(down)[0] == "tunl0 in node2 is down"
    gone = world.with_space(
        cluster["node2"], None, links={name: link for name, link in cluster["node2"].own.links.items() if name != TUNL0}
    )
    assert "node2 has no tunnel" in walk({**cluster, "node2": gone})[0]
    routes = [replace(one, via=None) if one.dev == TUNL0 and one.via else one for one in cluster["node1"].own.routes]
    assert "without a gateway" in walk({**cluster, "node1": world.with_space(cluster["node1"], None, routes=tuple(routes))})[0]


def test_a_tun_device_that_nobody_holds_is_told_and_one_whose_program_is_not_known_makes_unsure():
    cluster = wired(STAND_IN)
    for name in ("node1", "node2"):
        alone = replace(world.with_link(cluster[name], None, TUNL0, carrier=False), processes=())
        cause, _ = walk({**cluster, name: alone})
        assert (cause.layer, cause.place) == ("cable", (name, None))
        assert "no program forwards" in cause
        assert isinstance(cause.repair[0], Step)
        assert cause.hints[2].startswith(f"{name}# nohup python3")
        cause, found = walk({**cluster, name: replace(cluster[name], processes=())})
        assert cause is None
        assert "which program holds it is not known" in found.unsure[0]


def test_a_program_that_asks_for_a_route_knows_not_who_sends():
    cluster = wired(STAND_IN)
    own = cluster["node1"].own
    by_sender = replace(own.policy[1], priority=100, source=PLAN.nodes[0].subnet)
    node = world.with_space(cluster["node1"], None, policy=(own.policy[0], by_sender, *own.policy[1:]))
    cause, found = walk({**cluster, "node1": node})
    assert cause is None
    assert "asks by that alone" in found.unsure[0]
    native = {**wired(NETWORK), "node1": world.with_space(wired(NETWORK)["node1"], None, policy=node.own.policy)}
    assert walk(native)[1].unsure == []


def test_whether_it_answers_arp_is_nothing_to_it():
    cluster = wired(NETWORK)
    assert walk({**cluster, "node1": world.with_link(cluster["node1"], None, TUNL0, arp=True)})[0] is None


def test_the_kernels_own_tunl0_stays_and_a_tun_device_of_that_name_goes():
    bare = world.bare()
    native, stand_in = wired(NETWORK)["node1"], wired(STAND_IN)["node1"]
    assert is_fallback(native.own.links[TUNL0])
    assert not is_fallback(stand_in.own.links[TUNL0])
    assert stands_in(stand_in.own.links[TUNL0])
    assert (None, TUNL0) not in surplus(native, bare)
    assert (None, TUNL0) in surplus(stand_in, bare)


def test_the_program_is_short_and_asks_nobody_but_the_kernel():
    assert ipip_forwarder.source().count("\n") < 100
    assert all(str(node.external.ip) not in ipip_forwarder.source() for node in PLAN.nodes)


def test_facts_say_what_stands_in_and_one_network_alone_is_opened_instead():
    assert NETWORK.stand_in is STAND_IN
    assert (NETWORK.facts.mtu, NETWORK.facts.overhead, NETWORK.facts.ttl) == (1480, 20, 62)
    assert not any("TUN" in one for one in NETWORK.facts.stands_in)
    assert sum("TUN" in one for one in STAND_IN.facts.stands_in) == 1
    assert [registry.find(name).stand_in for name in registry.names() if name != "calico-ipip"] == [None] * (len(registry.names()) - 1)
