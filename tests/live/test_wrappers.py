"""What scripts type that a lab would refuse, or that would not be there: sudo, tcpdump, modprobe, sysctl --system."""

import shutil
import time

import pytest
from programs import installed

from live.helpers import VMS, podnet

pytestmark = pytest.mark.skipif(VMS, reason="a VM has programs of its own")

SEND = 'python3 -c \'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", 9))\''


def needs(program):
    """Skip where a program is not installed."""
    return pytest.mark.skipif(not installed(program), reason=f"there is no {program}")


@needs("tcpdump")
@pytest.mark.parametrize("where", ["", "ip netns exec pod-1-2 "])
@pytest.mark.parametrize("dev", ["lo", "any"])
def test_tcpdump_captures_as_it_is_typed(wired, where, dev):
    script = f"""
        {where}timeout 20 tcpdump -nn -c 1 -i {dev} udp port 9 2>/dev/null > /run/seen &
        for try in $(seq 100); do {where}{SEND}; kill -0 $! 2>/dev/null || break; sleep 0.1; done
        wait $!
        cat /run/seen"""
    assert "127.0.0.1.9: UDP, length 5" in wired["node1"].shell(script)


@needs("tcpdump")
def test_tcpdump_writes_a_file_and_ends_by_the_number_that_the_shell_has(wired):
    script = f"""
        tcpdump -U -w /run/written.pcap -i lo --immediate-mode udp port 9 2>/dev/null &
        for try in $(seq 100); do {SEND}; [ "$(stat -c %s /run/written.pcap 2>/dev/null || echo 0)" -gt 24 ] && break; sleep 0.1; done
        kill $!; wait $!
        tcpdump -nn -r /run/written.pcap 2>/dev/null | head -1"""
    assert "127.0.0.1.9: UDP, length 5" in wired["node1"].shell(script)
    assert wired["node1"].shell("pgrep -x tcpdump", may_fail=True) == ""


@needs("tcpdump")
def test_tcpdump_that_is_to_become_somebody_is_told_what_works(lab):
    said = lab["node1"].shell("timeout 5 tcpdump -Z nobody -c 1 -i lo", may_fail=True)
    assert "leave out -Z" in said
    assert "Couldn't change" in said


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sudo id -u", "0\n"),
        ("sudo -E -n A=5 sh -c 'echo $A'", "5\n"),
        ("echo 1 | sudo tee /proc/sys/net/ipv4/ip_forward", "1\n"),
        ("sudo -nu root id -u", "0\n"),
        ("sudo --user=root -- id -u", "0\n"),
        ("sudo -i echo a b", "a b\n"),
        ("sudo -D /run pwd", "/run\n"),
        ("sudo sudo echo twice", "twice\n"),
        ("sudo ip netns add p && sudo ip netns exec p sudo ip -br link show lo | cut -c1-2; ip netns delete p", "lo\n"),
        ("sudo sh -c 'exit 3'; echo $?", "3\n"),
        ("sudo -v && echo yes", "yes\n"),
    ],
)
def test_sudo_runs_what_it_is_given(lab, typed, said):
    assert lab["node1"].shell(typed) == said


def test_sudo_in_a_cell_says_once_that_it_is_not_needed_and_never_among_what_a_script_reads(lab):
    lab["node1"].shell("rm -f /run/podnet-node/told-of-sudo; sudo true | cat")
    printed = []
    for typed in ("x=$(sudo id -u 2>&1); echo $x", "sudo id -u", "sudo id -u"):
        assert lab.shell("node1", typed, lambda number, data: printed.append((number, data))) == 0
    assert b"".join(data for number, data in printed if number == 1) == b"0\n0\n0\n"
    said = b"".join(data for number, data in printed if number == 2)
    assert said == b"(you are root here: leave out sudo, which only runs what it is given)\n"


def test_a_terminal_on_a_node_has_them_too(lab):
    done = podnet("shell", "node1", "--", "sudo", "sh", "-c", "id -u; command -v sudo")
    assert (done.returncode, done.stdout) == (0, "0\n/run/podnet-node/bin/sudo\n")


def test_sudo_to_somebody_who_does_not_exist_says_so(lab):
    said = lab["node1"].shell("sudo -u nobody-of-that-name id; echo $?", may_fail=True)
    assert "can't become nobody-of-that-name" in said
    assert said.endswith("1\n")


def test_sudo_of_a_program_that_is_not_installed_says_so(lab):
    assert lab["node1"].shell("sudo no-such-program; echo $?", may_fail=True) == "sudo: no-such-program: command not found\n127\n"


@needs("sysctl")
def test_what_kubernetes_asks_for_before_it_is_installed_runs_as_it_is(lab):
    script = """
        set -e
        sudo modprobe veth
        cat <<EOF | sudo tee /etc/modules-load.d/k8s.conf
veth
EOF
        cat <<EOF | sudo tee /etc/sysctl.d/k8s.conf
net.ipv4.ip_forward = 1
EOF
        sudo sysctl --system
        sudo ip netns add netns0
        sudo nsenter --net=/var/run/netns/netns0 ip link set lo up
        echo 200 isp2 | sudo tee -a /etc/iproute2/rt_tables
        sudo ip rule add from 10.9.0.0/16 lookup isp2
        sudo ip rule del from 10.9.0.0/16 lookup isp2
        sysctl -n net.ipv4.ip_forward"""
    assert lab["node1"].shell("mkdir -p /etc/iproute2\n" + script).splitlines()[-1] == "1"
    assert "isp2" not in lab["node2"].shell("cat /etc/iproute2/rt_tables", may_fail=True)
    lab["node1"].shell("rm /etc/sysctl.d/k8s.conf /etc/modules-load.d/k8s.conf; sed -i /isp2/d /etc/iproute2/rt_tables")


@needs("su")
def test_su_runs_a_command(lab):
    assert lab["node1"].shell("su -c 'id -u'") == "0\n"


def test_modprobe_knows_what_the_kernel_has(lab):
    script = "ip link add name x type {0} 2>/dev/null && ip link delete x; modprobe {0} && echo yes"
    assert lab["node1"].shell(script.format("veth")) == "yes\n"
    said = lab["node1"].shell("modprobe no_such_module; echo $?", may_fail=True)
    assert "does not show no_such_module; outside of the lab: sudo modprobe no_such_module" in said
    assert said.endswith("1\n")


@needs("sysctl")
def test_sysctl_system_sets_the_nodes_network_and_nothing_of_the_machine(lab):
    with open("/proc/sys/vm/swappiness") as file:
        as_it_is = file.read().strip()
    try:
        lab["node1"].shell(f"printf 'net.ipv4.ip_forward = 1\\nvm.swappiness = {as_it_is}\\n' > /etc/sysctl.d/99-k8s.conf")
        said = lab["node1"].shell("sysctl --system")
        assert "net.ipv4.ip_forward = 1" in said
        assert "vm.swappiness" not in said
        assert lab["node1"].shell("sysctl -n net.ipv4.ip_forward") == "1\n"
    finally:
        lab["node1"].shell("rm -f /etc/sysctl.d/99-k8s.conf")


@needs("dnsmasq")
def test_dnsmasq_starts_as_it_is_typed(wired):
    node = wired["node1"]
    node.shell("ip netns exec pod-1-2 dnsmasq --port=5353 --no-resolv --no-hosts --conf-file=/dev/null --address=/api/192.0.2.7")
    deadline = time.monotonic() + 5
    while not (found := node.shell("pgrep -x dnsmasq", may_fail=True)) and time.monotonic() < deadline:
        pass
    assert found
    node.shell(f"kill {found}")


def test_programs_that_are_not_installed_are_not_pretended(lab):
    said = lab["node1"].shell("ls /run/podnet-node/bin").split()
    for name in ("tcpdump", "dnsmasq", "su", "sysctl"):
        assert name not in said or shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin"), name
