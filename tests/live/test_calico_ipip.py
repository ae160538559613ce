"""Calico's IPIP mode on a real kernel: the kernel's own tunl0, or a TUN device and a program that stand in for it (CA1 to CA7)."""

import os
import re
import subprocess
import time

import pytest
from programs import installed

from live.fault_cases import PLACES
from live.helpers import UPLINK, VMS, everything, until
from live.lab_facade import inject
from live.test_calico import CONVERGED, cali, lines, wired_stage_after_stage_and_undone
from live.test_trace import back, short
from podnet_lab import Lab
from podnet_lab.daemons import ipip_forwarder
from podnet_lab.errors import CannotRun
from podnet_lab.explain.fault_places import fault_places
from podnet_lab.networks.calico.ipip_faults import FORWARDER, TUNNEL

NATIVE = VMS or os.path.exists("/sys/class/net/tunl0")
"""Whether the kernel has the module, and so an interface of that name in each namespace."""

MAY = NATIVE or os.access("/dev/net/tun", os.R_OK | os.W_OK)
NODES = {1: "node1", 2: "node2", 3: "node3"}
IPIP = "IP in IP (protocol 4)"
QUICK = 0.3

pytestmark = [pytest.mark.nft, pytest.mark.bird]
needs_tunnel = pytest.mark.skipif(not MAY, reason="no module ipip, and /dev/net/tun is closed to this user")


@pytest.fixture(scope="module")
def opened():
    privileged = not VMS and not NATIVE and os.geteuid() == 0
    with Lab.open(name="calico-ipip", network="calico-ipip", pods=3, privileged=privileged) as lab:
        lab.reset()  # VMs may have another network still
        yield lab
        for node in lab if VMS else ():
            node.shell("ip addr flush dev tunl0; modprobe -r ipip")  # it is loaded when a lab of this network is opened


@pytest.fixture
def lab(opened):
    if not opened.check():
        opened.goto("done")
    return opened


@needs_tunnel
def test_its_name_says_whether_the_kernel_does_it(opened):
    assert opened.network.name == ("calico-ipip" if NATIVE else "calico-ipip-tun")
    told = " ".join(opened.network.facts.stands_in)
    assert ("TUN device" in told, "in user space" in told) == (not NATIVE, not NATIVE)
    if not VMS:
        assert Lab.open(name="calico-ipip", network="calico-ipip") is opened


@needs_tunnel
def test_every_pod_reaches_every_other_one_stage_after_stage_and_undo_brings_each_back(lab):
    wired_stage_after_stage_and_undone(lab)


@needs_tunnel
def test_ca6_and_ca7_the_tunnel_and_the_routes_that_lead_into_it(lab):
    for n, name in NODES.items():
        said = lab[name].shell("ip -d link show dev tunl0")
        assert " mtu 1480 " in said
        assert re.search(r"ipip (any )?remote any local any" if NATIVE else r"\btun type tun\b", said), said
        assert [row[3] for row in lines(lab[name], "ip -o -4 addr show dev tunl0")] == [f"10.244.{n}.0/32"]
        routes = {" ".join(row) for row in lines(lab[name], "ip route") if "/26" in row[0] or row[0] == "blackhole"}
        others = {f"10.244.{other}.0/26 via 192.168.1.1{other} dev tunl0 proto bird onlink" for other in set(NODES) - {n}}
        assert routes == {f"blackhole 10.244.{n}.0/26 proto bird", *others}
        assert [row[3] for row in lines(lab[name], f"ip -o -4 addr show dev {cali(f'pod-{n}-2')}")] == []
        assert "mtu 1480" in lab[name].shell(f"ip -n pod-{n}-2 link show dev eth0")


PORTS = {pod: cali(pod) for pod in ("pod-1-2", "pod-2-2")}
ACROSS = [
    ("pod-1-2", "eth0", "out", 64, ""),
    ("node1", PORTS["pod-1-2"], "in", 64, ""),
    ("node1", "tunl0", "out", 63, ""),
    ("node1", UPLINK, "out", 63, f"put into {IPIP}"),
    ("node2", UPLINK, "in", 63, ""),
    ("node2", "tunl0", "in", 63, f"taken out of {IPIP}"),
    ("node2", PORTS["pod-2-2"], "out", 62, ""),
    ("pod-2-2", "eth0", "in", 62, ""),
]


@needs_tunnel
def test_a_packet_of_84_bytes_is_118_on_the_wire_and_both_headers_are_seen(lab):
    trace = lab.trace("pod-1-2", "pod-2-2", size=84)
    assert trace
    assert short(trace.way("there")) == ACROSS
    assert [one[:3] for one in short(trace.way("back"))] == back(ACROSS)
    on_wire = [one for one in trace.records if one["way"] == "there" and one["tunnel"]]
    assert [one["node"] for one in on_wire] == ["node1", "node2"]
    for one in on_wire:
        assert (one["length"], one["outer_size"], one["size"], one["tunnel"], one["vni"]) == (118, 104, 84, "IPIP", None)
        assert (one["outer_source"], one["outer_target"]) == ("192.168.1.11", "192.168.1.12")
        assert (one["outer_ttl"], one["ttl"]) == (63, 63), "the packet outside gets the time to live of the one inside"
        assert (one["source"], one["target"]) == ("10.244.1.2", "10.244.2.2")
    assert {one["length"] for one in trace.records if one["interface"] == "tunl0"} == {84}, "no Ethernet header"


@needs_tunnel
def test_its_facts_are_what_is_measured(lab):
    facts = lab.network.facts
    assert (facts.mtu, facts.overhead, facts.ttl) == (1480, 20, 62)
    for size in (facts.mtu, facts.mtu + 1):
        assert bool(lab.trace("pod-1-2", "pod-2-2", size=size, patience=QUICK)) == (size == facts.mtu)
        assert bool(lab.explain("pod-1-2", "pod-2-2", size=size, probe=False)) == (size == facts.mtu)
    assert lab.ping("node1", "pod-2-2")
    assert str(lab.ping("node1", "pod-2-2")).endswith("saw 10.244.1.0"), "what the node sends comes from the tunnel's address"


@needs_tunnel
def test_a_tcp_connection_is_carried_whole(lab):
    lab.serve("pod-2-2", 8080)
    assert str(lab.ask("pod-1-2", "10.244.2.2:8080")).endswith("saw 10.244.1.2")
    assert lab.explain("pod-1-2", "pod-2-2", tcp=8080)


@needs_tunnel
@pytest.mark.skipif(installed("tshark") is None, reason="no tshark")
def test_wireshark_reads_both_headers_and_interfaces_without_ethernet(lab, tmp_path):
    path = tmp_path / "trace.pcapng"
    said = lab.trace("pod-1-2", "pod-2-2", size=84).save(str(path))
    assert " -d " not in said, "it knows protocol 4 unasked"
    fields = [*("-e", "frame.len"), *("-e", "ip.proto"), *("-e", "ip.dst")]
    asked = ["tshark", "-r", str(path), "-Y", "icmp.type == 8", "-T", "fields", *fields]
    found = [line.split() for line in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()]
    assert found.count(["118", "4,1", "192.168.1.12,10.244.2.2"]) == 2
    assert found.count(["84", "1", "10.244.2.2"]) == 2, "tunl0, out and in"


FAULTS = (*TUNNEL, *(() if NATIVE else FORWARDER))


@needs_tunnel
@pytest.mark.parametrize("place", [*PLACES[:2], *(pytest.param(place, marks=pytest.mark.long) for place in PLACES[2:])])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_named_at_its_place_and_mended(lab, fault, place):
    before = everything(lab)
    places = fault_places(lab.everyone(), *place)
    pair, size = fault.pair(places), {"size": fault.size}
    assert lab.explain(*pair, **size)
    inject(lab, fault, places)
    found = lab.explain(*pair, **size)
    assert found.cause is not None, found
    assert (found.cause.layer, found.cause.place) == (fault.layer, (fault.place(places), None)), found
    assert lab.hint().endswith("?")
    assert not lab.trace(*pair, **size, patience=QUICK), "explained, but it arrives"
    assert lab.give_up().startswith(fault.name)
    until(lambda: everything(lab) == before, CONVERGED)
    until(lab.check, CONVERGED)


BY_STEP = [fault for fault in FAULTS if fault.layer == "cable"]


@needs_tunnel
@pytest.mark.parametrize("fault", BY_STEP, ids=lambda fault: fault.name)
def test_its_repair_mends_it(lab, fault):
    places = fault_places(lab.everyone(), *PLACES[0])
    inject(lab, fault, places)
    found = lab.explain(*fault.pair(places), size=fault.size)
    assert found.repair
    lab.run(found.repair)
    until(lambda: lab.explain(*fault.pair(places), size=fault.size) and lab.check(), CONVERGED)
    assert all(lab.check(stage) for stage in lab.network.stage_names)
    lab.give_up()
    until(lab.check, CONVERGED)


SEEN = {
    "its MTU is another": ("ip link set tunl0 mtu 1500", "ipip", "an MTU of 1480: tunl0 has 1500"),
    "it has no address": ("ip addr flush dev tunl0", "ipip", "tunl0 has none"),
    "routes do not lead into it": (
        "sed -i 's/onlink = true; //' /run/podnet/bird/bird.conf; birdc -s /run/podnet/bird/bird.ctl configure",
        "bgp",
        f"dev {UPLINK} proto bird",
    ),
}


@needs_tunnel
@pytest.mark.parametrize("what", SEEN)
def test_what_cuts_nobody_off_a_check_sees(lab, what):
    """A gateway that is not said to be on tunl0's link is found on the nodes' own network: packets go there bare."""
    command, stage, said = SEEN[what]
    lab["node1"].shell(command)
    until(lambda: said in str(lab.check(stage)), CONVERGED)
    until(lambda: lab.ping("pod-1-2", "pod-2-2", patience=QUICK), CONVERGED)  # with the last address of an interface its routes go
    assert lab.explain("pod-1-2", "pod-2-2", probe=False)
    lab.goto("done")
    assert lab.check(stage)


@needs_tunnel
def test_a_route_into_it_without_a_gateway_and_one_to_a_host_without_it(lab):
    lab["node1"].shell("ip route add 10.244.2.2 dev tunl0")
    assert not lab.ping("pod-1-2", "pod-2-2", patience=QUICK)
    found = lab.explain("pod-1-2", "pod-2-2", probe=False)
    assert "without a gateway" in str(found.cause)
    lab["node1"].shell("ip route replace 10.244.2.2 via 192.168.1.99 dev tunl0 onlink")
    assert not lab.ping("pod-1-2", "pod-2-2", patience=QUICK)
    found = lab.explain("pod-1-2", "pod-2-2", probe=False)
    assert found.cause is not None or found.unsure
    lab["node1"].shell("ip route del 10.244.2.2")


@needs_tunnel
def test_a_packet_that_is_lost_says_where_it_was_seen_last(lab):
    lab["node2"].shell(
        "nft add table ip x; nft 'add chain ip x i { type filter hook input priority 0 ; }'; nft add rule ip x i ip protocol 4 drop"
    )
    trace = lab.trace("pod-1-2", "pod-2-2", patience=QUICK)
    assert not trace
    assert str(trace).splitlines()[-1] == f"seen last: node2, {UPLINK}, going in, inside {IPIP}"
    lab["node2"].shell("nft delete table ip x")


@needs_tunnel
def test_one_more_pod_and_its_script(lab):
    made = lab.add_pod("node2").pod
    assert lab.ping(made.name, "pod-3-2")
    lab.remove_pod(made.name)
    wanted = everything(lab)
    lab.reset()
    for node in lab:
        node.shell(f"bash -e -s {node.name} <<'END OF PROGRAM'\n{lab.script()}\nEND OF PROGRAM")
    until(lambda: everything(lab) == wanted, CONVERGED)
    assert lab.check()


@needs_tunnel
@pytest.mark.skipif(NATIVE, reason="nobody makes it there")
def test_a_tun_device_by_hand_is_the_command_that_made_it(lab):
    lab.goto("done")  # daemons that a script has started are nobody's to by_hand
    assert lab.check()
    before = lab.snapshot()
    assert str(lab.by_hand(before)) == str(lab.by_hand(lab.snapshot()))
    lab["node1"].shell("ip tuntap add dev tun5 mode tun; ip link set tun5 up")
    said = str(lab.by_hand(before))
    assert "node1# ip tuntap add dev tun5 mode tun" in said
    assert "what no step says" not in said
    lab["node1"].shell("ip link del tun5")


@needs_tunnel
def test_the_picture_joins_the_ends(lab):
    svg = lab.topology().svg
    assert svg.count('stroke-dasharray="0.1 5"') == 1 + 3 + 1, "the tunnel, its ends, and BGP"
    assert "10.244.1.0/32" in svg


@needs_tunnel
@pytest.mark.skipif(NATIVE, reason="the kernel forwards")
def test_its_program_ends_with_reset_and_the_device_goes(lab):
    assert all(ipip_forwarder.runs(node) for node in lab.snapshot().values())
    lab.reset()
    assert not any(ipip_forwarder.runs(node) for node in lab.snapshot().values())
    assert "tunl0" not in lab["node1"].shell("ip link")


@pytest.mark.skipif(NATIVE, reason="the kernel has it")
def test_who_may_not_have_a_tun_device_is_told_before_anything_is_made():
    begun = time.monotonic()
    if os.geteuid() and MAY:
        pytest.skip("/dev/net/tun is open to everybody here")
    with pytest.raises(CannotRun) as refused, Lab.open(name="no-tun", network="calico-ipip"):
        pass
    assert "/dev/net/tun, which node1 may not open" in str(refused.value)
    assert "modprobe ipip" in str(refused.value)
    assert time.monotonic() - begun < 20
