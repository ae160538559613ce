"""The plugin under cnitool, the small program of those who wrote the specification: ADD, CHECK and DEL as libcni 1.1.2 calls them."""

import json
import shutil
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory

import pytest

from live.cnitool_build import CannotBuild, cached
from podnet_lab import Lab
from podnet_lab.cni.installation import BIN, BY_HAND, PATH, PROGRAM

PORTS = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
CHAINED = ({"type": "tuning", "mtu": 1400}, {"type": "bandwidth", "ingressRate": 8000000, "ingressBurst": 80000})
PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}}


@pytest.fixture(scope="module")
def cnitool():
    """The program, where a node's root, who is nobody on the host, can read it."""
    try:
        program = cached()
    except CannotBuild as missing:
        pytest.skip(f"cnitool can't be built here: {missing}")
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield shutil.copy(program, folder)


@pytest.fixture(scope="module")
def two_running():
    with Lab.open(nodes=2, pods=1, name="cnitool") as lab:
        yield lab


@pytest.fixture
def small(two_running):
    two_running.reset()
    two_running["node1"].shell("rm -rf /var/lib/cni/results /etc/cni/net.d; mkdir -p /etc/cni/net.d; ip netns add web; ip netns add db")
    return two_running


@pytest.fixture
def runtime(small):
    return small.runtime("node1")


@pytest.fixture
def ask(cnitool, small):
    """What cnitool prints for a verb and a Pod; its exit status is the last line."""

    def call(verb, pod="web", **capabilities):
        asked = f"CAP_ARGS={quote(json.dumps(capabilities))}" if capabilities else ""
        variables = f"CNI_PATH={':'.join(PATH)} NETCONFPATH=/etc/cni/net.d {asked}"
        printed = small["node1"].shell(f'{variables} {cnitool} {verb} podnet /run/netns/{pod} 2>&1; echo "\n$?"')
        said, _, status = printed.strip().rpartition("\n")
        return int(status), said.strip()

    return call


def configured(lab, listed):
    """Put a conflist where cnitool looks for it."""
    lab["node1"].shell(f"cat > /etc/cni/net.d/10-podnet.conflist <<'EOF'\n{json.dumps(listed)}\nEOF")


def left(lab):
    """What is on node1 of Pods: addresses that are given out, results that are kept, and cables."""
    listed = lab["node1"].shell("cd /var/lib/cni; ls networks/podnet results 2> /dev/null | grep -E '^[0-9]+[.]|^podnet-'; true")
    return listed.split(), [link.name for link in lab.snapshot("node1")["node1"].own.links.values() if link.kind == "veth" and link.master]


def spoken(listed):
    """The list with all versions that the plugin speaks: libcni 1.1.2 takes 1.0.0, a later one 1.1.0."""
    return {**listed, "cniVersion": "1.0.0", "cniVersions": ["0.4.0", "1.0.0", "1.1.0"]}


@pytest.mark.parametrize("form", ["the daemon", "Python alone", "one file"])
def test_add_check_and_delete(ask, small, runtime, form):
    runtime.install(fast=form == "the daemon")
    plugin = BY_HAND if form == "one file" else PROGRAM
    configured(small, spoken(runtime.conflist(plugin=plugin)))
    addresses = []
    for pod in ("web", "db"):
        status, said = ask("add", pod)
        assert status == 0, said
        result = json.loads(said)
        assert (result["cniVersion"], result["interfaces"][-1]["name"]) == ("1.0.0", "eth0")
        addresses.append(result["ips"][0]["address"])
        assert addresses[-1] in small["node1"].shell(f"ip -n {pod} -br addr show eth0")
    assert len(set(addresses)) == 2
    assert small.ping("web", "db")
    assert ask("check") == (0, "")
    assert ask("add") != (0, ""), "DEL comes between two ADDs"
    assert ask("check") == (0, ""), "and the second took nothing of the first"
    small["node1"].shell(f"ip -n web addr del {addresses[0]} dev eth0")
    status, said = ask("check")
    assert status == 1
    assert "has no address" in said or f"does not have {addresses[0]}" in said
    assert [ask("del"), ask("del"), ask("del", "db")] == [(0, "")] * 3
    assert left(small) == ([], [])


def test_what_cnitool_keeps_is_what_the_runtime_to_play_with_reads(ask, small, runtime):
    runtime.install()
    listed = spoken(runtime.conflist())
    configured(small, listed)
    status, said = ask("add")
    assert status == 0, said
    (kept,) = runtime.attachments()
    assert kept["containerId"].startswith("cnitool-")
    assert (kept["ifName"], kept["networkName"]) == ("eth0", "podnet")
    assert kept["result"]["ips"] == json.loads(said)["ips"]
    assert runtime.gc({**listed, "cniVersions": ["1.1.0"], "cniVersion": "1.1.0"}, valid=[]).require()
    assert left(small) == ([], [])


@pytest.mark.cni_plugins
@pytest.mark.parametrize("fast", [True, False], ids=["the daemon", "Python alone"])
def test_it_is_first_of_a_chain(ask, small, runtime, fast):
    runtime.install(fast)
    configured(small, spoken(runtime.conflist(*CHAINED)))
    status, said = ask("add")
    assert status == 0, said
    assert "mtu 1400" in small["node1"].shell("ip -n web link show eth0")
    assert ask("check") == (0, "")
    small["node1"].shell("ip -n web link set eth0 mtu 1500")
    assert ask("check")[0] == 1, "the second of the chain is asked, too"
    assert ask("del") == (0, "")
    assert left(small) == ([], [])


@pytest.mark.cni_plugins
def test_a_port_of_the_node_leads_to_a_pod_that_cnitool_made(ask, small, runtime):
    runtime.install(fast=True)
    configured(small, spoken(runtime.conflist(PORTMAP)))
    status, said = ask("add", **PORTS)
    assert status == 0, said
    small.serve("web", 80)
    assert small.ask("outside", "192.168.1.11:8080")
    assert ask("del", **PORTS) == (0, "")
    assert "10.244.1.128" not in small["node1"].shell("iptables-save")


def test_an_error_of_the_plugin_is_told_in_its_words(ask, small, runtime):
    runtime.install()
    listed = spoken(runtime.conflist())
    listed["plugins"][0]["vlan"] = 5
    configured(small, listed)
    status, said = ask("add")
    assert (status, left(small)) == (1, ([], []))
    assert "unsupported field vlan: 5" in said


def test_a_plugin_that_is_not_there_is_told_by_its_name(ask, small, runtime):
    runtime.install()
    listed = spoken(runtime.conflist())
    configured(small, listed)
    small["node1"].shell(f"rm {BIN}/{PROGRAM}")
    status, said = ask("add")
    assert status == 1
    assert f'failed to find plugin "{PROGRAM}" in path' in said
