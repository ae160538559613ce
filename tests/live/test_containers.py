"""containerd on three nodes: its Pods are Pods of the lab, and nothing of it is left, on the nodes or on the machine."""

import importlib.util
import json
import os
import re
import signal
from pathlib import Path
from shlex import join

import pytest
from programs import installed

from live.helpers import everything, of_lab, owner, traces, until
from podnet_lab import Lab, daemon, route
from podnet_lab.daemons import containerd
from podnet_lab.errors import BadInput, LabError, PluginFailed
from podnet_lab.lab.containers import SERVER

MISSING = [name for name in containerd.PROGRAMS if not installed(name)] + [
    package for package in ("grpc", "google.protobuf") if not importlib.util.find_spec(package.partition(".")[0])
]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"containers need {', '.join(MISSING)}")

NODES = ("node1", "node2", "node3")
CONTAINERS = re.compile("k8s|crun|containerd|[0-9a-f]{64}")
"""How containers' cgroups are called; a machine's own come and go."""

PODS = tuple(f"{name}-{node[-1]}" for node in NODES for name in ("db", "web"))


def machine():
    """What of the machine could be left changed: mounts, containers' cgroups, settings of its kernel that runtimes like to change."""
    cgroups = {str(path) for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir() and CONTAINERS.search(path.name)}
    settings = {}
    for name in ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/keys/root_maxkeys", "net/ipv4/ip_forward"):
        settings[name] = Path(f"/proc/sys/{name}").read_text()
    mounts = [line.split(maxsplit=2)[2] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return {"mounts": sorted(mounts), "cgroups": cgroups, "settings": settings}


@pytest.fixture(scope="module")
def three():
    """A lab of three nodes with a runtime each, and its routes, as they were before any Pod; then the machine is as it was."""
    before = machine()
    with Lab.open(name="containers") as lab:
        fresh = everything(lab)
        for node in NODES:
            lab.containers(node).start()
        for node in lab.plan.nodes:
            lab[node.name].run(*[route.add(str(other.subnet), via=str(other.external.ip)) for other in lab.plan.nodes if other != node])
        yield lab
        lab.reset()
        assert everything(lab) == fresh
        assert lab["node1"].shell("ls -d /run/podnet /run/netns/*", may_fail=True).count("cannot access") == 2
        namespaces, pids = of_lab(lab)
    assert traces(namespaces, pids) == []
    assert machine() == before


@pytest.fixture
def runtime(three):
    """The runtime of node1, whose Pods are taken away afterwards."""
    found = three.containers("node1")
    yield found
    for name in {pod.name for pod in found.pods()}:
        found.remove(name)


def bridge_ports(lab, node="node1"):
    return [one.name for one in lab[node].snapshot().own.links.values() if one.master]


def test_six_pods_are_the_labs_own(three):
    for name in PODS:
        made = three.containers(f"node{name[-1]}").run(name)
        assert (made.name, made.ready, made.containers) == (name, True, (name,))
        assert made.ip.startswith(f"10.244.{name[-1]}.")
    seen = three.snapshot()
    assert sorted(pod.name for node in seen.values() for pod in node.pods) == sorted(PODS)
    assert "30 of 30" in str(three.matrix())
    there = three.containers("node3").pods()[0]
    assert str(seen["node3"].spaces["db-3"].addresses_of("eth0")[0].ip) == there.ip
    assert three.ping("web-1", "db-3")
    assert "web-1" in str(three.topology())
    assert "db-3" in str(three.explain("web-1", "db-3"))

    answered = three.containers("node1").exec("web-1", "ping", "-c", "1", "-W", "2", there.ip)
    assert answered
    assert f"64 bytes from {there.ip}: seq=0 ttl=62" in answered.out
    assert three.containers("node1").exec("web-1", "hostname").out == "web-1\n"
    assert "ether" in three["node1"].shell("ip netns exec web-1 ip link show eth0"), "its name is one that `ip` knows"

    zombies = [line for line in three["node1"].shell("ps -e -o stat=,comm=").splitlines() if line.startswith("Z")]
    assert zombies == []
    for name in PODS:
        three.containers(f"node{name[-1]}").remove(name)
    assert [list(node.pods) for node in three.snapshot().values()] == [[], [], []]


def test_the_plugin_that_stays_loaded_finds_what_its_caller_alone_sees(three):
    """containerd's Pods have their networks in mounts of its own, and the daemon behind podnet-cni lives on the node."""
    three.runtime("node2").install(fast=True)  # a daemon, which the lab's reset ends
    made = three.containers("node2").run("quick")
    assert three.ping("quick", "node2")
    assert made.ip in three["node2"].shell("ls /var/lib/cni/networks/podnet")
    assert three["node2"].shell("[ -S /run/podnet/podnet-cni/socket ] && echo it answers") == "it answers\n"
    three.containers("node2").remove("quick")
    assert made.ip not in three["node2"].shell("ls /var/lib/cni/networks/podnet")


def test_removal_takes_address_namespace_and_processes_away(three, runtime):
    bare = [process.short for process in three["node1"].snapshot().processes]
    made = runtime.run("web", ["sleep", "1000"])
    assert "sleep 1000" in [process.command for process in three["node1"].snapshot().processes]
    assert made.ip in three["node1"].shell("ls /var/lib/cni/networks/podnet")
    assert three.runtime("node1").gc().calls[0].command == "GC", "what a runtime has attached is no garbage while its Pod is there"
    assert three.ping("web", made.ip.rsplit(".", 1)[0] + ".1")
    runtime.remove("web")
    assert made.ip not in three["node1"].shell("ls /var/lib/cni/networks/podnet")
    assert bridge_ports(three) == []
    assert [process.short for process in three["node1"].snapshot().processes] == bare
    assert three["node1"].shell("ls /run/netns /var/lib/cni/results").split() == ["/run/netns:", "/var/lib/cni/results:"]
    assert runtime.run("web").ready, "and its name is free"


def test_what_can_not_be_made_is_told_and_leaves_nothing(three, runtime):
    before = everything(three)
    with pytest.raises(BadInput, match="command is a sequence of text"):
        runtime.run("web", "sleep inf")
    with pytest.raises(LabError, match=r'CreateContainer: .*"localhost/none:1".*not found'):
        runtime.run("web", image="localhost/none:1")
    with pytest.raises(LabError, match="no-such-program"):
        runtime.run("web", ["no-such-program"])
    with pytest.raises(BadInput, match="no Pod is called 'web'; there are none in node1's containerd"):
        runtime.exec("web", "true")
    assert everything(three)["node1"].keys() == before["node1"].keys()
    runtime.run("web")
    with pytest.raises(BadInput, match="node1 has a Pod web already"):
        runtime.run("web")
    assert runtime.exec("web", "sh", "-c", "echo no >&2; exit 3").status == 3
    assert "web" in repr(runtime)


def test_a_plugins_refusal_is_shown_and_leaves_no_name(three, runtime):
    node = three["node1"]
    node.shell("cd /run/cni/net.d; cp 10-podnet.conflist /run/kept")
    broken = {
        **json.loads(node.shell("cat /run/kept")),
        "plugins": [{"type": "podnet-cni", "network": "none-of-these", "ipam": {"subnet": "10.244.1.0/24"}}],
    }
    try:
        runtime.start(broken)
        until(lambda: "none-of-these" in _refused(runtime), what="the new configuration")
        assert node.snapshot().spaces.keys() == {None}
    finally:
        node.shell("cat /run/kept > /run/cni/net.d/10-podnet.conflist")  # of a file that is moved there containerd 1.6 takes no notice
        until(lambda: _made(runtime), what="the old configuration")


def test_nonsense_is_no_conflist_and_ours_goes_with_reset():
    with Lab.open(nodes=1, pods=0, name="conflists") as lab:
        runtime, there = lab.containers("node1"), "ls /run/cni/net.d 2> /dev/null; true"
        for nonsense in ("x", "{}", {"cniVersion": "1.0.0", "name": "net", "plugins": []}, {"name": {1}}):
            with pytest.raises(BadInput):
                runtime.start(nonsense)
        assert lab["node1"].shell(there) == ""
        runtime.start({"cniVersion": "1.0.0", "name": "net", "type": "podnet-cni", "ipam": {"subnet": "10.244.1.0/24"}})
        assert runtime.run("web").ip == "10.244.1.2"
        lab.reset()
        assert lab["node1"].shell(there) == ""
        lab["node1"].shell("echo mine > /run/cni/net.d/20-mine.conflist")
        lab.reset()
        assert lab["node1"].shell(there) == "20-mine.conflist\n"


def _refused(runtime):
    with pytest.raises(PluginFailed, match='plugin type="podnet-cni"') as refused:
        runtime.run("web")
    return str(refused.value)


def _made(runtime):
    try:
        return runtime.run("web").ready
    except PluginFailed:  # it reads its configuration a moment after it was written
        return False


def test_it_stops_with_all_its_pods_and_starts_again(three, runtime):
    runtime.run("web")
    assert "ended on node1" in str(runtime.stop())
    assert three["node1"].snapshot().processes == ()
    assert three["node1"].snapshot().spaces.keys() == {None}
    assert runtime.stop()
    with pytest.raises(LabError, match=r"containerd does not run on node1: lab.containers\('node1'\).start\(\)"):
        runtime.run("web")
    runtime.start()
    assert runtime.pods() == ()
    assert "yes" in runtime.status()["NetworkReady"]
    assert daemon.start(SERVER).contradiction(three["node1"].snapshot()) is None


def test_what_runs_beside_it_has_its_mounts_and_the_node_has_not(three):
    look = ["stat", "-f", "-c", "%T", "/sys/fs/cgroup"]
    assert three["node2"].shell(join(look)) == "sysfs\n"
    assert three["node2"].shell(join(containerd.beside(look))) == "tmpfs\n"


def test_missing_programs_are_named(three, monkeypatch):
    monkeypatch.setattr(containerd, "PROGRAMS", {"crun-none": "crun", "containerd": "containerd"})
    with pytest.raises(LabError, match="crun-none, which node1 does not have: sudo apt install --no-install-recommends crun"):
        three.containers("node1").start()
    with pytest.raises(BadInput, match="outside is not in the cluster"):
        three.containers("outside")


PODMAN = r"""
mkdir -p /run/podman/net.d /run/podman/tmp
cat > /run/podman/containers.conf <<'EOF'
[containers]
cgroups = "disabled"
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "/run/podnet/containerd/crun"
tmp_dir = "/run/podman/tmp"
[network]
network_backend = "cni"
cni_plugin_dirs = ["/run/cni/bin"]
network_config_dir = "/run/podman/net.d"
EOF
cat > /run/podman/net.d/podnet.conflist <<'EOF'
{"cniVersion": "1.0.0", "name": "podnet", "plugins": [
  {"type": "podnet-cni", "ipam": {"subnet": "10.244.1.0/24", "rangeStart": "10.244.1.128"}}, {"type": "loopback"}]}
EOF
export CONTAINERS_CONF=/run/podman/containers.conf TMPDIR=/run/podman/tmp XDG_RUNTIME_DIR=/run/podman
[ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ] || mount -t tmpfs cgroup /sys/fs/cgroup
podman() { command podman --root /run/podman/root --runroot /run/podman/run --storage-driver vfs "$@"; }
set -e
"""


@pytest.mark.skipif(not installed("podman"), reason="podman is not installed here: sudo apt install podman")
def test_podman_uses_the_same_plugin_as_docs_tell(three, runtime):
    docs = (Path(__file__).parents[2] / "docs/containers.md").read_text()
    assert PODMAN.strip().removesuffix("set -e").strip() in docs
    node, locks = three["node1"], sorted(os.listdir("/dev/shm"))
    node.shell(f"{PODMAN}\nctr -n k8s.io images export - localhost/busybox:1 | podman load -q")
    try:
        node.shell(f"{PODMAN}\npodman run -d --name shop --network podnet localhost/busybox:1")
        assert node.snapshot().spaces.keys() == {None, "shop"}
        made = runtime.run("web")
        assert "2 of 2" in str(three.matrix())
        assert "seq=0 ttl=64" in node.shell(f"{PODMAN}\npodman exec shop ping -c 1 -W 2 {made.ip}")
    finally:
        node.shell(f"{PODMAN}\npodman rm -f -t 0 shop")
    assert node.snapshot().spaces.keys() == {None, "web"}
    assert sorted(os.listdir("/dev/shm")) == locks


KILLED = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from live.helpers import of_lab
from podnet_lab import Lab
lab = Lab.open(nodes=1, pods=0, name="doomed-containers")
runtime = lab.containers("node1")
runtime.start()
runtime.run("web")
print(json.dumps(of_lab(lab)), flush=True)
time.sleep(60)
"""


def test_nothing_is_left_when_the_owner_is_killed():
    before = machine()
    process = owner(KILLED, str(Path(__file__).parents[1]))
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        namespaces, pids = json.loads(line)
        assert len(pids) > 7, "the lab's own, containerd, a shim, and two containers"
        process.send_signal(signal.SIGKILL)
        until(lambda: not traces(namespaces, pids), 5, "the end of all")
        assert machine() == before
    finally:
        process.kill()
        process.communicate()
