"""
A real Kubernetes in the VMs: its programs come with `vagrant reload`, and from node1 to the others.

They are those that tests/vagrant/run finds (`make kubernetes`). Emulated, all of it takes some five times as long as on one machine.
"""

import os

import pytest

from vagrant.vms import NODES

PROGRAMS = os.environ.get("PODNET_TEST_KUBERNETES", "")

pytestmark = pytest.mark.skipif(not PROGRAMS, reason="Kubernetes' programs are not there: make kubernetes")

PODS = 7


@pytest.fixture(scope="module")
def kubernetes(vms):
    """The VMs with its programs and the memory that they take; Kubernetes is up, by the lab's own plugin."""
    assert "there are no programs of Kubernetes" in vms.student("podnet kubernetes up", ok=False)
    vms.vagrant("reload", "--provision", PODNET_KUBERNETES=PROGRAMS)
    vms.forget_addresses()
    vms.student("podnet reset --take-over")
    vms.said = vms.student("podnet kubernetes up --plugin", seconds=1200)
    yield vms
    vms.student("podnet kubernetes down; podnet reset --take-over", seconds=600)


def test_nodes_are_ready_pods_run_and_all_pairs_are_reached(kubernetes):
    assert f"{PODS * (PODS - 1)} of {PODS * (PODS - 1)}" in kubernetes.said
    lines = kubernetes.student("podnet shell node2 'kubectl get nodes --no-headers'").splitlines()
    assert [line.split()[:2] for line in lines] == [[node, "Ready"] for node in NODES]


def test_each_node_runs_what_is_its(kubernetes):
    answer = kubernetes.python("""
lab = Lab.join()
answer = {node: sorted({one.daemon for one in seen.processes if one.daemon}) for node, seen in lab.snapshot().items()}
""")
    each = ["containerd", "kube-proxy", "kubelet", "podnet-cni"]
    control_plane = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    assert answer == {"node1": sorted(each + control_plane), "node2": each, "node3": each}


def test_a_service_is_served_by_the_real_kube_proxy_and_explained(kubernetes):
    client, answers, arrives, served = kubernetes.python("""
lab = Lab.join()
cluster = lab.kubernetes
pods = {pod.name: pod.ip for pod in cluster.status().pods}
client = next(name for name in pods if name.startswith("client"))
address = cluster.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
answers = sorted({cluster.kubectl("exec", client, "--", "wget", "-qO-", f"http://{address}/").strip() for _ in range(12)})
explained = lab.explain(client, address, tcp=80)
answer = [client, answers, bool(explained) and explained.arrives, {name: ip for name, ip in pods.items() if name.startswith("web")}]
""")
    assert len(answers) > 1  # one of three answers all of twelve once in 177,147 times
    assert set(answers) <= set(served)
    assert arrives in served.values()
    assert client not in served


def test_a_second_up_brings_nothing_and_changes_nothing(kubernetes):
    said = kubernetes.student("podnet kubernetes up")
    assert "bringing" not in said
    assert said.count("Ready") >= len(NODES)


def test_down_and_reset_leave_nothing(kubernetes):
    assert "kube-apiserver" in kubernetes.student("podnet kubernetes down")
    kubernetes.student("podnet reset --take-over")
    for node in NODES:
        assert (
            kubernetes.on(node, "ip netns list; ls /run/podnet 2> /dev/null; ps -eo comm= | grep -E 'kube|etcd|containerd|crun'; true")
            == ""
        )
        assert kubernetes.on(node, "sudo iptables-save | grep -c KUBE; true").strip() == "0"
    assert kubernetes.student("podnet reset") == "nothing to do: the lab is as it was opened\n"
