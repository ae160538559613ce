"""The CNI plugin on a real kernel: what it mends, what its CHECK says, and that its daemon and one file do the same."""

import pytest

from live.cni_calls import LEASES, call, leases, one
from live.helpers import everything
from podnet_lab import daemon
from podnet_lab.cni.installation import BY_HAND, PROGRAM
from podnet_lab.errors import BadInput


@pytest.fixture
def runtime(small):
    return small.runtime("node1")


SHARED = {
    "forwarding": "sysctl -qw net.ipv4.ip_forward=0",
    "the gateway": "ip addr del 10.244.1.1/24 dev v-net-0",
    "the bridge is down": "ip link set v-net-0 down",
    "the bridge": "ip link del v-net-0",
}


@pytest.mark.parametrize("what", SHARED)
def test_what_all_pods_of_a_node_share_is_mended_by_the_next_add(runtime, small, what):
    runtime.add("db").require()
    right = everything(small)["node1"]
    small["node1"].shell(SHARED[what])
    assert everything(small)["node1"] != right
    runtime.add("web").require()
    runtime.check("web").require()
    node = small.snapshot("node1")["node1"].own
    assert node.forwarding
    assert len(node.ports_of("v-net-0")) == (1 if what == "the bridge" else 2)
    runtime.delete("web").require()
    if what != "the bridge":
        small["node1"].shell("ip netns del web")
        assert everything(small)["node1"] == right


BREAKS = {
    "its address": ("ip -n web addr del 10.244.1.128/24 dev eth0", "eth0 in web has no address"),
    "its cable": ("ip link set podf92296c170d3 nomaster", "podf92296c170d3 is not plugged into"),
    "its default route": ("ip -n web route del default", "route"),
    "its MAC": ("ip -n web link set eth0 address 02:00:00:00:00:99", "eth0 in web has the MAC 02:00:00:00:00:99, not "),
    "its interface is down": ("ip -n web link set eth0 down", "eth0 in web is down"),
    "forwarding": ("sysctl -qw net.ipv4.ip_forward=0", "forward"),
    "the gateway": ("ip addr del 10.244.1.1/24 dev v-net-0", "v-net-0 has no address"),
    "whose the address is": (f"rm {LEASES}/10.244.1.128", "10.244.1.128 is not given out to web"),
    "its namespace": ("ip netns del web", "does not exist"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_check_says_what_is_not_as_it_was(runtime, small, what):
    runtime.add("web").require()
    assert runtime.check("web").require()
    broken, words = BREAKS[what]
    small["node1"].shell(broken)
    checked = runtime.check("web")
    assert not checked
    assert checked.calls[0].answer["code"] in (101, 3)
    assert words in str(checked)


def test_the_address_that_a_runtime_asks_for_is_given(runtime):
    assert runtime.add("web", args={"IgnoreUnknown": "1", "IP": "10.244.1.177"}).require().addresses == ("10.244.1.177/24",)
    config = runtime.conflist()
    config["plugins"][0]["capabilities"] = {"ips": True}
    assert runtime.add("db", config, capabilities={"ips": ["10.244.1.178"]}).require().addresses == ("10.244.1.178/24",)
    assert "given out already" in str(runtime.add("x", args={"IP": "10.244.1.177"}))


def test_the_daemon_says_what_the_program_alone_says_and_is_not_missed(runtime, small):
    node = small["node1"]
    runtime.install(fast=True)
    assert "podnet-cni" in [process.daemon for process in small.snapshot("node1")["node1"].processes]
    node.shell("ip netns add web")
    refused = one(runtime, vlan=5)
    for command, config in (("VERSION", {}), ("STATUS", one(runtime)), ("ADD", refused), ("CHECK", one(runtime)), ("DEL", one(runtime))):
        assert call(small, command, config) == call(small, command, config, program=f"{PROGRAM}-python"), command
    assert call(small, "ADD", one(runtime))["ips"][0]["address"] == "10.244.1.128/24"
    assert call(small, "ADD", one(runtime), program=f"{PROGRAM}-python")["code"] == 100, "they have the same files"
    (running,) = [process for process in small.snapshot("node1")["node1"].processes if process.daemon == PROGRAM]
    small.run({"node1": [daemon.stop(daemon.Daemon.of(running.spec))]})
    assert call(small, "DEL", one(runtime)) is None, "without its daemon it is slow, and works"
    assert leases(small) == []
    runtime.install(fast=True)
    small.reset()
    assert PROGRAM not in [process.daemon for process in small.snapshot("node1")["node1"].processes]


def test_one_file_in_a_students_hands_does_the_same(runtime, small):
    config = runtime.conflist(plugin=BY_HAND)
    config["plugins"][0]["ipam"] = {"subnet": "10.244.1.0/29"}
    assert runtime.version(BY_HAND).require()
    assert runtime.status(config).require()
    for number, pod in enumerate(("web", "db", "c", "d", "e"), 2):
        assert runtime.add(pod, config).require().addresses == (f"10.244.1.{number}/29",)
    assert small.ping("web", "db")
    assert [runtime.add("f", config).calls[0].answer["code"], runtime.status(config).calls[0].answer["code"]] == [11, 50]
    assert runtime.add("web", config).calls[0].answer["code"] in (11, 100)
    assert runtime.check("web", config).require()
    assert runtime.check("db", config).require()
    small["node1"].shell("ip -n web addr flush dev eth0; ip link set $(ip -br link show master v-net-0 | head -1 | cut -d@ -f1) nomaster")
    assert runtime.check("web", config).calls[0].answer["code"] == 101
    assert runtime.delete("web", config).require()
    assert runtime.delete("web", config).require()
    assert leases(small) == [f"10.244.1.{number}" for number in (3, 4, 5, 6)]
    assert runtime.gc(config, valid=["db"]).require()
    assert leases(small) == ["10.244.1.3"]
    small["node1"].shell("ip netns add g; ip -n g rule add pref 1 prohibit")
    before = everything(small)
    assert runtime.add("g", config).calls[0].answer["msg"] == "ip route add default via 10.244.1.1"
    assert leases(small) == ["10.244.1.3"]
    assert everything(small)["node1"][""] == before["node1"][""]


def test_what_can_not_be_kept_or_be_valid_is_told_before_anything_is_done(runtime, small):
    plain = {"cniVersion": "1.1.0", "type": "none"}
    for network in ("{", {**plain, "name": "n" * 300}, {**plain, "name": "n" * 250}, {**plain, "name": "net", "disableCheck": "maybe"}):
        for call_it in (runtime.add, runtime.delete, runtime.check):
            with pytest.raises(BadInput):
                call_it("web", network)
    for valid in ([("a", "b", "c")], [("a",)], [("a", "x/y")], [""], [("a b", "eth0")], [[]]):
        with pytest.raises(BadInput, match="valid are Pods"):
            runtime.gc(valid=valid)
    assert small.snapshot("node1")["node1"].spaces.keys() == {None}
    assert runtime.gc(valid=[["web", "eth0"], "db"]).require()
