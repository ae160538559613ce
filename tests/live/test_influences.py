"""What snapshots do not hold, and an explanation looks for on its path: programs, sockets, hairpins, cables that lead out of sight."""

from pathlib import Path
from shlex import quote

import pytest

from live.outsiders_echo import ECHO, answered
from podnet_lab import Lab, service

P = ("pod-1-2", "pod-2-2")


@pytest.mark.root
@pytest.mark.parametrize(("kind", "words"), [("xdp", "node1: eth0 has an XDP program"), ("tcx", "node1: eth0 has a tcx program")])
def test_a_program_that_drops_is_named_as_not_judged(kind, words):
    with Lab.open(name="privileged", privileged=True) as lab, open(Path(__file__).with_name("bpf_drop.py")) as program:
        lab.goto("done")
        lab["node1"].shell(f"python3 - {kind} eth0 <<'EOF'\n{program.read()}\nEOF")
        for probe in (False, True):
            said = lab.explain(*P, probe=probe)
            assert (said.cause, words in str(said)) == (None, True), said
        assert not answered(lab, *P)


SOCKETS = {
    "nobody": ("", "nobody listens on tcp port 8080 in pod-2-2"),
    "at 127.0.0.1 alone": ("127.0.0.1", "nobody listens on tcp port 8080 in pod-2-2; 127.0.0.1:8080 does"),
    "at its address": ("10.244.2.2", ""),
    "at any address": ("0.0.0.0", ""),  # noqa: S104 - in a Pod
}


@pytest.mark.parametrize("name", SOCKETS)
def test_who_listens_is_read(fresh, name):
    address, words = SOCKETS[name]
    if address:
        fresh["node2"].shell(f"(setsid ip netns exec pod-2-2 python3 -c {quote(LISTEN)} {address} &) </dev/null | head -1")
    said = fresh.explain(*P, tcp=8080)
    assert said.cause == (words or None), said
    connected = fresh["node1"].shell(f"ip netns exec pod-1-2 python3 -c {quote(CONNECT)}", may_fail=True)
    assert ("connected" in connected) is bool(said)


LISTEN = """
import socket, sys, time
s = socket.create_server((sys.argv[1], 8080))
print("listening", flush=True)
s.settimeout(20)
s.accept()[0].close()
"""
CONNECT = "import socket; socket.create_connection(('10.244.2.2', 8080), 2); print('connected')"


@pytest.mark.parametrize("pod", ["pod-1-2", "pod-2-2"])
@pytest.mark.parametrize(("name", "value"), [("tcp_notsent_lowat", "0"), ("tcp_rmem", "4096 1 6291456")])
def test_a_setting_by_which_no_data_pass_is_named(fresh, pod, name, value):
    fresh.serve("pod-2-2")
    assert fresh.ask("pod-1-2", "10.244.2.2:8080")
    fresh.stop_serving("pod-2-2")
    fresh["node1" if pod == "pod-1-2" else "node2"].shell(f"ip netns exec {pod} sysctl -qw net.ipv4.{name}='{value}'")
    fresh.serve("pod-2-2")  # a socket has what was set when it began
    assert not fresh.ask("pod-1-2", "10.244.2.2:8080", patience=0.7)
    said = fresh.explain(*P, tcp=8080)
    assert (said.cause, f"{pod}: ipv4.{name}" in str(said)) == (None, True), said
    assert fresh.explain(*P), "an echo passes"


def test_a_route_of_type_multicast_to_a_neighbour_is_named(fresh):
    """What one sends oneself goes out by it, what one passes on does not."""
    fresh["node2"].shell("ip -n pod-2-3 route add multicast 10.244.2.2 dev veth-2-3; ip route add multicast 10.244.1.3 dev eth0")
    fresh["node1"].shell("ip -n pod-1-2 route add anycast 10.244.1.3 dev veth-1-2")
    assert fresh.ping("pod-1-2", "pod-1-3")
    assert "type anycast, and who gets" in str(fresh.explain("pod-1-2", "pod-1-3", probe=False))
    for pair, arrives in ((("pod-2-2", "pod-2-3"), True), (("pod-2-2", "pod-1-3"), False)):
        assert fresh.ping(*pair, expect=arrives)
        said = fresh.explain(*pair, probe=False)
        assert not said
        assert ("type multicast, and who gets" in str(said)) is arrives, said
    assert "multicast address" in str(fresh.explain("pod-1-2", "239.1.1.1", probe=False))


def test_what_its_own_service_does_not_bring_back_to_a_pod_is_said(fresh):
    fresh.goto("services")
    fresh.services(service("web", "10.96.0.20", 80, ["10.244.2.2:8080"]))
    fresh.serve("pod-2-2", 8080)
    node2 = fresh["node2"]
    for command, works in (
        ("", True),
        ("sysctl -qw net.bridge.bridge-nf-call-iptables=1", False),
        ("bridge link set dev veth-2-2-br hairpin on", True),
    ):
        node2.shell(command)
        assert bool(fresh.ask("pod-2-2", "10.96.0.20:80", patience=0.7)) is works, command
        said = fresh.explain("pod-2-2", "10.96.0.20", tcp=80)
        assert bool(said) is works, said
        assert said.unsure == ()
    assert said.cause is None


def test_a_cable_into_a_namespace_without_a_name_leads_somewhere(fresh):
    fresh["node1"].shell(
        "unshare -n sleep 30 & ns=$!; own=$(readlink /proc/$$/ns/net)"
        "; for n in $(seq 100); do [ $(readlink /proc/$ns/ns/net) != $own ] && break; done;"
        "set -e; ip link add c0 type veth peer name c1 netns $ns; ip addr add 10.9.0.1/24 dev c0; ip link set c0 up;"
        "nsenter -t $ns -n ip addr add 10.9.0.2/24 dev c1; nsenter -t $ns -n ip link set c1 up"
    )
    assert "answered" in fresh["node1"].shell(f"python3 -c {quote(ECHO)} 10.9.0.2")
    said = fresh.explain("node1", "10.9.0.2")
    assert (said.cause, "namespace without a name" in str(said)) == (None, True)
    assert fresh.explain(*P), "the uplink's other end is out of sight, too, and leads to the other nodes"


def test_a_line_of_22_routers_is_no_loop(lab):
    lines = ["set -e"]
    names = [f"r{n}" for n in range(24)]
    for n, name in enumerate(names):
        lines += [f"ip netns add {name}; ip netns exec {name} sysctl -qw net.ipv4.ip_forward=1"]
        if n:
            lines += [f"ip -n {names[n - 1]} link add e type veth peer name w netns {name}"]
            lines += [f"ip -n {names[n - 1]} addr add 10.7.{n}.1/24 dev e; ip -n {names[n - 1]} link set e up"]
            lines += [f"ip -n {name} addr add 10.7.{n}.2/24 dev w; ip -n {name} link set w up"]
            lines += [f"ip -n {names[n - 1]} route add default via 10.7.{n}.2"] if n < 23 else []
    lines += [f"ip -n {name} route add 10.7.1.0/24 via 10.7.{n}.1" for n, name in enumerate(names) if n > 1]
    lines += ["ip -n r22 route del default 2>/dev/null || true"]
    lab["node1"].shell("\n".join(lines))
    assert lab.explain("r0", "10.7.23.2", probe=False)
    assert "answered" in lab["node1"].shell(f"ip netns exec r0 python3 -c {quote(ECHO)} 10.7.23.2")
    lab["node1"].shell("ip netns exec r0 sysctl -qw net.ipv4.ip_default_ttl=20")
    assert "time to live (20 when it was sent) is over at r20" in str(lab.explain("r0", "10.7.23.2", probe=False))


def test_an_address_that_two_have_is_whoevers_a_packet_gets_to(fresh):
    fresh["node1"].shell("ip -n pod-1-3 addr add 10.244.2.2/32 dev lo")
    assert fresh.explain("pod-1-2", "10.244.2.2")
    assert answered(fresh, *P)


def test_a_tunnel_that_leads_into_itself_is_unsure(lab):
    lab["node1"].shell(
        "set -e; ip link add vx0 type vxlan id 9 dstport 4789 remote 10.7.0.2; ip addr add 10.7.0.1/24 dev vx0; ip link set vx0 up"
    )
    lab["node2"].shell(
        "set -e; ip link add vx0 type vxlan id 9 dstport 4789 remote 10.7.0.1; ip addr add 10.7.0.2/24 dev vx0; ip link set vx0 up"
    )
    said = lab.explain("node1", "10.7.0.2", probe=False)
    assert (said.cause, "a tunnel in a tunnel" in str(said)) == (None, True), said
