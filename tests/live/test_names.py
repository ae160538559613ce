"""Names of Services: a DNS server in a Pod, and Pods that ask it."""

import os

import pytest

from live.helpers import VMS
from podnet_lab import service
from podnet_lab.errors import BadInput, LabError

WEB = service("web", "10.96.0.20", 80, ["10.244.1.2:8080"])
DNS = [service("dns", "10.96.0.10", 53, ["10.244.3.2:53"], protocol=protocol) for protocol in ("udp", "tcp")]


@pytest.fixture
def named(wired):
    """A Service, and a DNS server that knows it."""
    wired.serve("pod-1-2")
    wired.services(WEB, *DNS)
    wired.serve_names("pod-3-2", WEB, *DNS)
    return wired


def test_a_name_is_found_in_every_way_that_kubernetes_has(named):
    assert named.resolve("pod-1-2", "web") != "10.96.0.20"
    assert named.use_names() == "6 Pods ask 10.96.0.10 for names"
    for pod in ("pod-1-2", "pod-2-3", "pod-3-2"):
        for name in ("web", "web.default", "web.default.svc", "web.default.svc.cluster.local", "web.default.svc.cluster.local."):
            assert named.resolve(pod, name) == "10.96.0.20"
        assert named.resolve(pod, "nobody") is None
    python = "import socket; print(socket.gethostbyname('web'))"
    assert named["node2"].shell(f'ip netns exec pod-2-2 python3 -c "{python}"') == "10.96.0.20\n"


@pytest.mark.skipif(VMS, reason="a VM's /etc is the lab's")
def test_the_hosts_own_etc_is_untouched(named):
    before = os.stat("/etc").st_mtime_ns, sorted(os.listdir("/etc"))
    named.use_names()
    assert (os.stat("/etc").st_mtime_ns, sorted(os.listdir("/etc"))) == before
    assert "ndots:5" in named["node1"].shell("cat /etc/netns/pod-1-2/resolv.conf")
    assert "10.96.0.10" not in named["node1"].shell("cat /etc/resolv.conf")


def test_a_server_is_told_anew_and_ends_with_its_pod(named):
    named.use_names()
    assert named.serve_names("pod-3-2", *DNS) == "pod-3-2 answers now for dns.default.svc.cluster.local"
    assert named.resolve("pod-1-2", "web") is None
    assert named.resolve("pod-1-2", "dns") == "10.96.0.10"
    named.remove_pod("pod-3-2")
    assert named.resolve("pod-1-2", "dns") is None
    assert "veth-3-2-br" not in named["node3"].snapshot().own.links


def test_goto_takes_it_all_away(named):
    named.use_names()
    named.goto("services")
    assert named.resolve("pod-1-2", "web") is None
    assert named["node1"].shell("ls /etc/netns 2>/dev/null", may_fail=True) == ""
    assert named["node3"].shell("pgrep -x dnsmasq", may_fail=True) == ""


def test_nodes_run_no_server_and_foreign_files_stay(named):
    with pytest.raises(BadInput, match="node1 is no Pod"):
        named.serve_names("node1", WEB)
    named.use_names()
    named["node1"].shell("echo 'nameserver 192.0.2.1' > /etc/netns/pod-1-2/resolv.conf")
    named.goto("services")
    assert named["node1"].shell("cat /etc/netns/pod-1-2/resolv.conf") == "nameserver 192.0.2.1\n"
    named["node1"].shell("rm -r /etc/netns/pod-1-2")


def test_a_port_that_somebody_else_has_is_named(wired):
    wired.serve("pod-3-2", 53, "udp")
    with pytest.raises(LabError, match=r"pod-3-2 can't answer for names: .*Address already in use"):
        wired.serve_names("pod-3-2", WEB)
    wired.stop_serving("pod-3-2")
    assert wired.serve_names("pod-3-2", WEB)


def test_a_pipe_in_place_of_a_pods_file_keeps_nobody_waiting(named):
    """Whoever works on a node may have made it; nobody will ever write into it, or read from it."""
    named["node1"].shell("mkdir -p /etc/netns/pod-1-2 /etc/netns/gone && mkfifo /etc/netns/pod-1-2/resolv.conf /etc/netns/gone/resolv.conf")
    named.use_names()
    assert "10.96.0.10" in named["node1"].shell("cat /etc/netns/pod-1-2/resolv.conf")
    assert named.resolve("pod-1-2", "web") == "10.96.0.20"
    named.goto("veth")
    assert named["node1"].shell("test -p /etc/netns/gone/resolv.conf && echo still theirs") == "still theirs\n"
