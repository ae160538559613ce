"""One packet followed through a tunnel on the real kernel: the packet itself, and the outer packet that carries it between nodes."""

import subprocess
from dataclasses import replace

import pytest
from programs import installed

from live.test_trace import back, short
from podnet_lab import Lab
from podnet_lab.networks.flannel import names
from podnet_lab.packets.trace import build

DOTTED = 'stroke-dasharray="0.1 5"'

pytestmark = pytest.mark.nft

TUNNEL = "UDP 8472, VNI 1"
PORTS = {pod: f"the port of {pod}" for pod in ("pod-1-2", "pod-2-2")}
ACROSS = [
    ("pod-1-2", "eth0", "out", 64, ""),
    ("node1", PORTS["pod-1-2"], "in", 64, ""),
    ("node1", "cni0", "in", 64, ""),
    ("node1", "flannel.1", "out", 63, "new Ethernet header"),
    ("node1", "eth0", "out", 63, f"put into {TUNNEL}"),
    ("node2", "eth0", "in", 63, ""),
    ("node2", "flannel.1", "in", 63, f"taken out of {TUNNEL}"),
    ("node2", "cni0", "out", 62, "new Ethernet header"),
    ("node2", PORTS["pod-2-2"], "out", 62, ""),
    ("pod-2-2", "eth0", "in", 62, ""),
]


@pytest.fixture(scope="module")
def tunnelled():
    with Lab.open(name="trace-flannel", network="flannel", pods=2) as lab:
        yield lab


@pytest.fixture
def lab(tunnelled):
    tunnelled.goto("done")
    return tunnelled


def shown(lab, hops):
    """Hops with the names of Pods' ports, which Flannel does not say, put in words."""
    ports = {names.port_name(pod): PORTS[pod.name] for node in lab.plan.nodes for pod in node.pods(2) if pod.name in PORTS}
    return [(place, ports.get(dev, dev), *rest) for place, dev, *rest in short(hops)]


def outer(hops):
    return [hop.record for hop in hops if hop.record["tunnel"]]


def mac(lab, node, dev):
    return lab[node].shell(f"cat /sys/class/net/{dev}/address").strip()


def test_a_packet_is_seen_at_every_interface_and_the_outer_packet_between_the_nodes(lab):
    """FL10 and FL11: UDP 8472, VNI 1, the tunnels' MACs, 148 bytes for a packet of 84, the Pods' own addresses; 62 in the end."""
    trace = lab.trace("pod-1-2", "pod-2-2", size=84)
    assert trace
    assert shown(lab, trace.way("there")) == ACROSS
    assert [one[:3] for one in shown(lab, trace.way("back"))] == back(ACROSS)
    assert {(one["source"], one["target"], one["size"]) for one in trace.records if one["way"] == "there"} == {
        ("10.244.1.2", "10.244.2.2", 84)
    }
    sent, heard = outer(trace.way("there"))
    assert (sent["node"], heard["node"], sent["outer_source_port"]) == ("node1", "node2", heard["outer_source_port"])
    for one in (sent, heard):
        assert (one["length"], one["outer_size"], one["outer_target_port"], one["vni"], one["tunnel"]) == (148, 134, 8472, 1, "VXLAN")
        assert (one["from_mac"], one["to_mac"]) == (mac(lab, "node1", "flannel.1"), mac(lab, "node2", "flannel.1"))
        assert (one["outer_from_mac"], one["outer_to_mac"]) == (mac(lab, "node1", "eth0"), mac(lab, "node2", "eth0"))
        assert (one["outer_source"], one["outer_target"], one["outer_ttl"], one["ttl"]) == ("192.168.1.11", "192.168.1.12", 64, 63)
    assert {one["length"] for one in trace.records if one["way"] == "there" and not one["tunnel"]} == {98}
    said = str(trace)
    assert f"192.168.1.11 → 192.168.1.12  ttl 64  {TUNNEL}, 148 bytes\n" in said
    assert "10.244.1.2 → 10.244.2.2  ttl 63  echo request, 98 bytes  ← put into" in said


def test_who_carries_it_is_asked_for_between_going_into_the_tunnel_and_the_wire(lab):
    for node in lab:
        node.shell("ip neigh flush dev eth0")
    trace = lab.trace("pod-1-2", "pod-2-2")
    on_nodes = [hop for hop in trace if hop.seen.namespace is None]
    steps = [(hop.seen.place, hop.seen.dev, hop.arp) for hop in on_nodes if hop.seen.dev in ("eth0", "flannel.1")]
    asked, told = "who has 192.168.1.12? tell 192.168.1.11", "192.168.1.12 is at node2 eth0"
    assert steps[:6] == [
        ("node1", "flannel.1", ""),
        ("node1", "eth0", asked),
        ("node2", "eth0", asked),
        ("node2", "eth0", told),
        ("node1", "eth0", told),
        ("node1", "eth0", ""),
    ]


def test_the_order_is_the_same_each_time(lab):
    lab.trace("pod-1-2", "pod-2-2")
    orders = {tuple((hop.seen.place, hop.seen.dev) for hop in lab.trace("pod-1-2", "pod-2-2")) for _ in range(30)}
    assert len(orders) == 1


@pytest.mark.parametrize("ahead", [-(10**12), 10**12])
def test_the_order_is_the_same_where_clocks_differ(lab, ahead):
    trace = lab.trace("pod-1-2", "pod-2-2")
    skewed = [replace(hop.seen, time=hop.seen.time + (ahead if hop.seen.node == "node2" else 0)) for hop in trace]
    ways = {way: [seen for hop, seen in zip(trace, skewed, strict=True) if hop.way == way] for way in ("there", "error", "back")}
    by_path = build(trace.cluster, sorted(skewed, key=lambda seen: seen.time), ways, "node1")
    for way in ("there", "back"):
        assert short(hop for hop in by_path if hop.way == way) == short(trace.way(way))


def test_the_picture_joins_the_tunnels_ends_and_shows_the_packet_in_between(tunnelled):
    tunnelled.goto("peers")
    assert DOTTED not in tunnelled.topology().svg, "none of them knows of another"
    tunnelled.run({node.name: tunnelled.network.steps("peers", tunnelled.plan[node.name], tunnelled.plan) for node in tunnelled})
    assert tunnelled.topology().svg.count(DOTTED) == 1 + 3
    tunnelled.goto("done")
    across, within = (
        tunnelled.topology(tunnelled.trace("pod-1-2", target)).svg.count("stroke-opacity") for target in ("pod-2-2", "pod-1-3")
    )
    assert (across, within) == (6, 0), "in and out of a node's tunnel, and on the wire, both ways"


def test_a_tcp_connection_through_a_tunnel(lab):
    lab.serve("pod-2-2", 8080)
    trace = lab.trace("pod-1-2", "pod-2-2", tcp=8080)
    assert trace
    assert shown(lab, trace.way("there")) == ACROSS
    assert {one["kind"] for one in outer(trace)} == {"TCP"}


DROP = "nft add table ip x; nft 'add chain ip x i { type filter hook input priority 0 ; }'; nft add rule ip x i udp dport 8472 "
LOST = {
    "the other node drops it": ("node2", f"{DROP} drop", 6, f"node2, eth0, going in, inside {TUNNEL}"),
    "nothing leaves": ("node1", "bridge fdb flush dev flannel.1", 4, "node1, flannel.1, going out"),
    "nobody is at the other end": ("node2", "ip link set flannel.1 down", 6, f"node2, eth0, going in, inside {TUNNEL}"),
    "no neighbour in the tunnel": ("node1", "ip neigh del 10.244.2.0 dev flannel.1", 3, "node1, cni0, going in"),
}


@pytest.mark.parametrize("what", LOST)
def test_a_packet_that_is_lost_says_where_it_was_seen_last(lab, what):
    node, command, hops, last = LOST[what]
    lab[node].shell(command)
    trace = lab.trace("pod-1-2", "pod-2-2", patience=0.3)
    assert not trace
    assert shown(lab, trace.way("there")) == ACROSS[:hops]
    assert str(trace).splitlines()[-1] == f"seen last: {last}"
    errors = {(hop.seen.place, str(hop.seen.frame.source), hop.seen.frame.words) for hop in trace.way("error")}
    refused = {(place, "192.168.1.12", f"port unreachable about a packet in {TUNNEL}") for place in ("node2", "node1")}
    assert errors == (refused if what == "nobody is at the other end" else set())


def test_on_one_node_there_is_no_tunnel(lab):
    trace = lab.trace("pod-1-2", "pod-1-3")
    assert trace
    assert outer(trace) == []
    assert TUNNEL not in str(trace)


def test_an_outer_packet_that_does_not_fit_is_cut_and_each_piece_is_seen(lab):
    """Linux sends it without DF (FL: the tunnel's own packet may be cut), so the packet inside arrives whole."""
    lab["node1"].shell("ip route add 192.168.1.12 dev eth0 mtu lock 1000")
    trace = lab.trace("pod-1-2", "pod-2-2", size=1400)
    assert trace
    on_wire = [(hop.seen.node, hop.seen.length) for hop in trace.way("there") if hop.seen.outer]
    assert on_wire == [("node1", 1010), ("node1", 488), ("node2", 1010), ("node2", 488)]
    assert "UDP 8472, VNI 1, its rest from byte 976 on, 488 bytes" in str(trace)
    assert [one for one in shown(lab, trace.way("there")) if one[1] != "eth0"] == [one for one in ACROSS if one[1] != "eth0"]


def test_a_tunnel_at_another_port(lab):
    for number, node in enumerate(("node1", "node2"), 1):
        lab[node].shell(f"ip link add odd type vxlan id 77 local 192.168.1.1{number} remote 192.168.1.1{3 - number} dstport 5555")
        lab[node].shell(f"ip addr add 10.9.9.{number}/24 dev odd; ip link set odd up")
    first = outer(lab.trace("node1", "10.9.9.2"))[0]
    assert (first["vni"], first["outer_target_port"]) == (77, 5555)


@pytest.mark.skipif(installed("tshark") is None, reason="no tshark")
def test_wireshark_sees_the_packet_inside(lab, tmp_path):
    path = tmp_path / "trace.pcapng"
    said = lab.trace("pod-1-2", "pod-2-2", size=84).save(str(path))
    option = said.partition("wireshark ")[2].split()[:2]
    assert option == ["-d", "udp.port==8472,vxlan"]
    fields = ["frame.len", "vxlan.vni", "udp.dstport", "ip.ttl"]
    asked = ["tshark", *option, "-r", str(path), "-Y", "vxlan && icmp.type == 8", "-T", "fields", *(f"-e{name}" for name in fields)]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert [line.split() for line in found.splitlines()] == [["148", "1", "8472", "64,63"]] * 2
