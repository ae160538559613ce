"""The CNI plugin on a real kernel: it wires what `lab.add_pod` wires, leaves nothing where it fails, and forgets nothing."""

import json

import pytest

from live.cni_calls import LEASES, call, first_free, leases, one
from live.helpers import everything, stable
from podnet_lab import Lab
from podnet_lab.cni.installation import BIN, PROGRAM
from podnet_lab.cni.wiring import node_end

NETWORKS = [
    "static_routes",
    pytest.param("flannel", marks=pytest.mark.nft),
    pytest.param("calico-vxlan", marks=pytest.mark.nft),
    pytest.param("calico", marks=[pytest.mark.nft, pytest.mark.bird]),
]


@pytest.fixture(scope="module", params=NETWORKS)
def any_running(request):
    with Lab.open(name=f"cni-{request.param}", network=request.param) as lab:
        yield lab


@pytest.fixture
def wired_network(any_running):
    any_running.goto("done")
    return any_running


@pytest.fixture
def runtime(small):
    return small.runtime("node1")


def test_its_pods_are_pods_of_the_lab_and_reach_all_others(wired_network):
    lab = wired_network
    before = everything(lab)
    for number, node in enumerate(lab, 1):
        added = lab.runtime(node.name).add(f"web{number}").require()
        subnet = lab.plan[node.name].subnet
        assert added.addresses == (f"{first_free(lab.plan[node.name])}/{subnet.prefixlen}",)
    matrix = lab.matrix()
    assert (matrix.reached, len(matrix)) == (72, 72), matrix
    assert {"web1", "web2", "web3"} < set(str(matrix).split())
    assert lab.explain("web1", "web2")
    assert lab.check()
    for number, node in enumerate(lab, 1):
        assert lab.runtime(node.name).check(f"web{number}").require()
        assert lab.runtime(node.name).delete(f"web{number}").require()
        lab.remove_pod(f"web{number}")
    assert everything(lab) == before
    assert leases(lab) == []


def test_a_pod_of_its_own_is_the_same_as_one_of_the_labs(wired_network):
    lab = wired_network
    added = lab.add_pod("node1", first_free(lab.plan["node1"])).pod
    by_lab, names = stable(lab.snapshot("node1")["node1"])[added.name], lab.snapshot("node1")["node1"].spaces[added.name].links
    (inside,) = set(names) - {"lo"}
    lab.remove_pod(added.name)
    lab.runtime("node1").add("web", ifname=inside).require()
    by_plugin = stable(lab.snapshot("node1")["node1"])["web"]
    for subject in ("addresses", "routes", "neighbours"):
        assert by_plugin[subject] == by_lab[subject], subject
    assert {name: link[:4] for name, link in by_plugin["links"].items()} == {name: link[:4] for name, link in by_lab["links"].items()}


def test_on_a_node_without_anything_the_first_pod_brings_what_all_need(runtime, small):
    assert runtime.add("web").require().addresses == ("10.244.1.128/24",)
    runtime.add("db").require()
    assert small.ping("web", "db")
    node = small.snapshot("node1")["node1"].own
    assert node.forwarding
    assert [str(address) for address in node.addresses_of("v-net-0")] == ["10.244.1.1/24"]
    assert leases(small) == ["10.244.1.128", "10.244.1.129"]
    assert small["node1"].shell(f"cat {LEASES}/10.244.1.129") == "db\r\neth0"


def test_a_namespace_may_have_a_path_and_no_name(runtime, small):
    runtime.install()
    node = small["node1"]
    pid = node.shell("unshare -n sleep 600 > /dev/null 2>&1 & echo $!").strip()
    netns = f"/proc/{pid}/ns/net"
    node.shell(f"until [ $(readlink {netns}) != $(readlink /proc/self/ns/net) ]; do :; done")
    said = call(small, "ADD", one(runtime), netns=netns)
    assert said["interfaces"][-1]["sandbox"] == netns
    assert "10.244.1.128/24" in node.shell(f"nsenter --net={netns} ip -br addr show dev eth0")
    assert call(small, "CHECK", one(runtime, prevResult=said), netns=netns) is None
    assert call(small, "DEL", one(runtime), netns=netns) is None
    assert "eth0" not in node.shell(f"nsenter --net={netns} ip -br link")


REFUSALS = {
    "an interface of that name": ("ip -n web link add eth0 type veth peer name x", 100, "has an interface eth0 already"),
    "a cable of that name": ("ip link add podf92296c170d3 type veth peer name x", 100, "podf92296c170d3 is the end of another cable"),
    "a bridge that is none": ("ip link add v-net-0 type veth peer name x", 100, "v-net-0 is a veth interface"),
    "a route that the kernel refuses": ("ip -n web rule add pref 1 prohibit", 102, "ip -n web route add default via 10.244.1.1"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_an_add_that_fails_leaves_nothing(runtime, small, what):
    runtime.install()
    made, code, words = REFUSALS[what]
    runtime.add("db").require() if "bridge" not in what else None
    small["node1"].shell(f"ip netns add web; {made}")
    before, given_out = everything(small), leases(small)
    said = call(small, "ADD", one(runtime))
    assert said["code"] == code, said
    assert words in f"{said['msg']}: {said['details']}"
    assert (everything(small), leases(small)) == (before, given_out)


@pytest.mark.parametrize("subnet", ["127.0.0.0/24", "0.0.0.0/16", "240.0.0.0/24", "169.254.3.0/24", "224.0.0.0/24"])
@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_a_subnet_that_can_be_no_pods_is_refused_whoever_gives_it_out(runtime, small, subnet, whose):
    runtime.install()
    start = subnet.rpartition(".")[0]
    ipam = {"subnet": subnet}
    if whose != "its own":
        said = {"cniVersion": "1.1.0", "ips": [{"address": f"{start}.2/24", "gateway": f"{start}.1"}]}
        runtime.put("gives", f"#!/bin/sh\necho $CNI_COMMAND >> /run/asked\necho '{json.dumps(said)}'")
        ipam = {"type": "gives"}
    small["node1"].shell("ip netns add web; rm -f /run/asked")
    before = everything(small)
    said = call(small, "ADD", one(runtime, ipam=ipam))
    assert (said["code"], "is no subnet for Pods" in said["details"]) == (7, True), said
    assert everything(small) == before
    assert leases(small) == []
    if whose != "its own":
        assert small["node1"].shell("cat /run/asked").split() == ["ADD", "DEL"], "what it gave is given back"


def test_no_pod_is_given_the_gateways_own_address(runtime, small):
    said = {"cniVersion": "1.1.0", "ips": [{"address": "10.244.1.1/24"}]}
    runtime.install()
    runtime.put("gives", f"#!/bin/sh\necho '{json.dumps(said)}'")
    small["node1"].shell("ip netns add web")
    before = everything(small)
    said = call(small, "ADD", one(runtime, ipam={"type": "gives"}))
    assert (said["code"], said["msg"]) == (7, "10.244.1.1 is the gateway of all Pods")
    assert everything(small) == before


def test_an_add_that_fails_takes_back_the_address_that_it_gave_the_bridge(runtime, small):
    runtime.install()
    node, shows = small["node1"], "ip -4 -br addr show dev v-net-0"
    node.shell("ip netns add web; ip -n web rule add pref 1 prohibit")
    assert call(small, "ADD", one(runtime))["code"] == 102
    assert "10.244" not in node.shell(shows)
    assert leases(small) == []
    runtime.add("db").require()
    assert call(small, "ADD", one(runtime))["code"] == 102
    assert "10.244.1.1/24" in node.shell(shows), "an address that it found there is others'"
    assert runtime.check("db").require()


def test_a_second_add_is_refused_and_takes_nothing_of_the_first(runtime, small):
    runtime.add("web").require()
    before = everything(small)
    assert runtime.add("web").calls[0].answer["code"] == 100
    small["node1"].shell("ip netns del web; ip netns add web")  # it lost its cable, and nobody has said DEL
    said = runtime.add("web").calls[0].answer
    assert (said["code"], said["details"]) == (100, "DEL comes between two ADDs")
    runtime.delete("web").require()
    runtime.add("web").require()
    assert stable(small.snapshot("node1")["node1"])["web"]["kinds"] == before["node1"]["web"]["kinds"]


@pytest.mark.parametrize("fast", [True, False], ids=["the daemon", "Python alone"])
def test_twelve_at_once_get_different_addresses(runtime, small, fast):
    runtime.install(fast)
    names = " ".join(f"p{number}" for number in range(12))
    small["node1"].shell(
        f"cat > /run/conf <<'EOF'\n{json.dumps(one(runtime))}\nEOF\n"
        f"export CNI_COMMAND=ADD CNI_IFNAME=eth0 CNI_PATH={BIN}; for p in {names}; do ip netns add $p; done\n"
        f"for p in {names}; do CNI_CONTAINERID=$p CNI_NETNS=/run/netns/$p {BIN}/{PROGRAM} < /run/conf > /run/$p.said & done; wait"
    )
    said = [json.loads(small["node1"].shell(f"cat /run/{name}.said; rm /run/{name}.said")) for name in names.split()]
    assert len({answer["ips"][0]["address"] for answer in said}) == 12, said
    assert len(leases(small)) == 12
    ports = small.snapshot("node1")["node1"].own.ports_of("v-net-0")
    assert len(ports) == 12
    assert small.ping("p0", "p11")
    assert runtime.gc(valid=["p3"]).require()
    assert len(leases(small)) == len(small.snapshot("node1")["node1"].own.ports_of("v-net-0")) == 1
    assert runtime.check("p3", {**one(runtime), "prevResult": None}) or "is kept" in str(runtime.check("p3"))


def test_delete_and_garbage_collection_need_neither_namespace_nor_memory(runtime, small):
    for pod in ("web", "db", "left"):
        runtime.add(pod).require()
    small["node1"].shell("ip netns del web; rm -r /var/lib/cni/results")
    assert runtime.delete("web").require()
    assert runtime.delete("web").require(), "twice is fine"
    assert leases(small) == ["10.244.1.129", "10.244.1.130"]
    small["node1"].shell("ip netns del left")
    assert runtime.gc(valid=["db"]).require()
    assert leases(small) == ["10.244.1.129"]
    assert small.ping("node1", "db")


def test_a_full_pool_is_told_and_comes_back(runtime, small):
    config = runtime.conflist()
    config["plugins"][0]["ipam"] |= {"rangeStart": "10.244.1.200", "rangeEnd": "10.244.1.201"}
    assert runtime.status(config).require()
    runtime.add("a", config).require()
    runtime.add("b", config).require()
    before = everything(small)["node1"]
    full = runtime.add("c", config).calls[0].answer
    assert (full["code"], full["msg"]) == (11, "no address is left in 10.244.1.0/24")
    assert runtime.status(config).calls[0].answer["code"] == 50
    assert {name: space for name, space in everything(small)["node1"].items() if name != "c"} == before
    runtime.delete("a", config).require()
    assert runtime.status(config)
    assert runtime.add("c", config).require().addresses == ("10.244.1.200/24",)


@pytest.mark.parametrize("kind", ["bridge", "veth peer name x"])
@pytest.mark.parametrize("ready", [True, False], ids=["on a ready node", "on a fresh one"])
def test_what_has_the_cables_name_is_left_as_it_is_by_add_and_by_the_del_behind_it(any_running, kind, ready):
    any_running.reset()
    runtime, node = any_running.runtime("node1"), any_running["node1"]
    runtime.install()
    if ready:
        runtime.add("db").require()
    end = node_end(any_running.network.cable_prefix, "web", "eth0")
    node.shell(f"ip netns add web; ip link add {end} type {kind}; ip link set {end} mtu 1400")
    before = node.shell(f"ip -d -o link show dev {end}")
    assert call(any_running, "ADD", one(runtime))["code"] == 100
    assert node.shell(f"ip -d -o link show dev {end}") == before
    assert call(any_running, "DEL", one(runtime)) is None
    if kind == "bridge":  # a cable of that name is a cable of that container's
        assert node.shell(f"ip -d -o link show dev {end}") == before


@pytest.mark.parametrize("ipam", [None, {"subnet": "nonsense"}, {"type": 5}])
def test_a_configuration_that_lost_its_addresses_keeps_nobody(runtime, small, ipam):
    runtime.add("web").require()
    assert call(small, "DEL", one(runtime, ipam=ipam)) is None
    assert leases(small) == []
    assert "eth0" not in small["node1"].shell("ip -n web -br link")


@pytest.mark.parametrize("program", [PROGRAM, f"{PROGRAM}-python"])
def test_bytes_that_are_no_text_are_told_of_and_a_long_id_leaks_nothing(runtime, small, program):
    runtime.install(fast=True)
    node = small["node1"]
    node.shell(f"ip netns add web; cat > /run/conf <<'EOF'\n{json.dumps(one(runtime))}\nEOF")
    names = f"CNI_NETNS=/run/netns/web CNI_PATH={BIN}"
    said = json.loads(node.shell(f"CNI_COMMAND=ADD CNI_CONTAINERID=web CNI_IFNAME=$'\\xff\\xfe' {names} {BIN}/{program} < /run/conf; true"))
    assert (said["code"], said["msg"]) == (4, "CNI_IFNAME can't be that")
    said = json.loads(node.shell(f"printf '{{\\xff' | CNI_COMMAND=STATUS {names} {BIN}/{program}; true"))
    assert said["code"] == 6
    long = f"CNI_CONTAINERID=$(printf %05000d 0) CNI_IFNAME=eth0 {names} {BIN}/{program} < /run/conf"
    assert "10.244.1.128" in node.shell(f"CNI_COMMAND=ADD {long}")
    assert leases(small) == ["10.244.1.128"]
    assert node.shell(f"CNI_COMMAND=DEL {long}") == ""
    assert leases(small) == []


def test_a_network_that_is_none_of_ours_keeps_nobody(runtime, small):
    runtime.add("web").require()
    assert call(small, "DEL", one(runtime, network="none-of-these")) is None
    assert leases(small) == []
    assert "eth0" not in small["node1"].shell("ip -n web -br link")


def test_a_del_waits_for_the_add_that_nobody_waits_for_any_more(runtime, small):
    runtime.install(fast=True)
    runtime.add("db").require()
    node, config = small["node1"], json.dumps(one(runtime))
    node.shell(
        f"ip netns add web; export CNI_CONTAINERID=web CNI_NETNS=/run/netns/web CNI_IFNAME=eth0 CNI_PATH={BIN}\n"
        f"flock {LEASES}/lock sleep 0.7 & sleep 0.2\n"
        f"CNI_COMMAND=ADD {BIN}/{PROGRAM} <<< '{config}' & add=$!; sleep 0.2; kill -9 $add\n"
        f"CNI_COMMAND=DEL {BIN}/{PROGRAM} <<< '{config}'; wait"
    )
    assert "eth0" not in node.shell("ip -n web -br link")
    assert leases(small) == ["10.244.1.128"]
