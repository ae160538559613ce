"""A Kubernetes with the lab's plugin: its Pods are the lab's Pods, its Services are served and explained, and it ends."""

import json

import pytest
from live.helpers import podnet

from kubernetes.manifests import eventually, pod_manifest
from podnet_lab.errors import BadInput, LabError, ShellFailed, StepConflict

PODS = 7


def daemons(lab):
    return {node: sorted({one.daemon for one in seen.processes if one.daemon}) for node, seen in lab.snapshot().items()}


def one(cluster, prefix):
    return next(pod for pod in cluster.status().pods if pod.name.startswith(prefix))


def address_of(cluster, service):
    return cluster.kubectl("get", "service", service, "-o", "jsonpath={.spec.clusterIP}")


def test_its_programs_are_daemons_of_the_nodes(lab, working):
    each = ["containerd", "kube-proxy", "kubelet", "podnet-cni"]
    control_plane = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    assert daemons(lab) == {"node1": sorted(each + control_plane), "node2": each, "node3": each}


def test_what_runs_stays(lab, working):
    before = {node: {(one.pid, one.daemon) for one in seen.processes} for node, seen in lab.snapshot().items()}
    assert working.up(plugin=True)
    assert {node: {(one.pid, one.daemon) for one in seen.processes} for node, seen in lab.snapshot().items()} == before


def test_all_pairs_are_reached_by_kubernetes_names(lab, working):
    matrix = lab.matrix()
    assert matrix
    assert len(list(matrix)) == PODS * (PODS - 1)
    names = [pod["metadata"]["name"] for pod in json.loads(working.kubectl("get", "pods", "-o", "json"))["items"]]
    assert len(names) == PODS
    assert sorted(pod.name for seen in lab.snapshot().values() for pod in seen.pods) == sorted(names)
    by_address = {pod.name: pod.ip for pod in working.status().pods}
    seen = {pod.name: pod.addresses for node in lab.snapshot().values() for pod in node.pods}
    assert {name: [str(one.interface.ip) for one in found if one.dev == "eth0"] for name, found in seen.items()} == {
        name: [address] for name, address in by_address.items()
    }


def test_a_service_is_served_by_the_real_kube_proxy_and_explained(lab, working):
    client, address = one(working, "client").name, address_of(working, "web")
    answers = {working.kubectl("exec", client, "--", "wget", "-qO-", f"http://{address}/").strip() for _ in range(12)}
    servers = {pod.name: pod.ip for pod in working.status().pods if pod.name.startswith("web")}
    assert len(answers) > 1  # one of three answers all of twelve once in 177,147 times
    assert answers <= set(servers)
    explained = lab.explain(client, address, tcp=80)
    assert explained
    assert explained.arrives in servers.values()


def test_a_service_without_endpoints_is_explained_as_it_is(lab, working):
    client = one(working, "client").name
    working.kubectl("create", "service", "clusterip", "nobody", "--tcp=80:80")
    address = address_of(working, "nobody")
    rules = "iptables-save | grep -c 'default/nobody.* has no endpoints'"
    assert eventually(lambda: int(lab[one(working, "client").node].shell(rules, may_fail=True) or 0))
    assert not lab.explain(client, address, tcp=80)
    with pytest.raises(ShellFailed):
        working.kubectl("exec", client, "--", "timeout", "3", "wget", "-qO-", f"http://{address}/")
    working.kubectl("delete", "service", "nobody")


def test_what_a_kubelet_mounts_is_seen_by_the_container(working):
    """A Secret is a file system in memory, mounted by the kubelet, which lives in a mount namespace of its own."""
    working.kubectl("create", "secret", "generic", "word", "--from-literal=said=xyzzy")
    volume = {"name": "word", "secret": {"secretName": "word"}}
    mounted = {"volumeMounts": [{"name": "word", "mountPath": "/word"}]}
    working.kubectl("apply", "-f", "-", given=pod_manifest("reader", "node2", container=mounted, volumes=[volume]))
    assert eventually(lambda: working.status()["reader"].running), working.status()
    assert working.kubectl("exec", "reader", "--", "cat", "/word/said") == "xyzzy"
    working.kubectl("delete", "pod", "reader")


def test_a_pod_that_is_deleted_leaves_no_network_behind(lab, working):
    working.kubectl("apply", "-f", "-", given=pod_manifest("short", "node2"))
    assert eventually(lambda: working.status()["short"].running), working.status()
    address = working.status()["short"].ip
    node = lab["node2"]
    assert address in node.shell("ls /var/lib/cni/networks/podnet")
    before = set(node.snapshot().own.links)
    working.kubectl("delete", "pod", "short")
    assert eventually(lambda: "short" not in node.snapshot().spaces)
    ended = eventually(lambda: before - set(node.snapshot().own.links))
    assert all(name.startswith("pod") for name in ended)
    assert set(node.snapshot().own.links) <= before
    assert eventually(lambda: address not in node.shell("ls /var/lib/cni/networks/podnet").split())
    orphans = "ps -eo stat=,ppid=,comm= | awk '$1 ~ /^Z/ && $2 == 1'"  # what a container's own first process leaves is its own
    assert eventually(lambda: node.shell(orphans) == "")


def test_a_pod_of_another_kubernetes_namespace_says_so(lab, working):
    working.kubectl("create", "namespace", "shop")
    working.kubectl("apply", "-n", "shop", "-f", "-", given=pod_manifest("till", "node1"))
    assert eventually(lambda: working.status()["till.shop"].running), working.status()
    assert lab.ping("till.shop", one(working, "web").name)
    working.kubectl("delete", "namespace", "shop")
    assert eventually(lambda: "till.shop" not in lab["node1"].snapshot().spaces)


def test_other_programs_under_it_are_refused(lab, working, binaries, tmp_path):
    for path in binaries.folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    tmp_path.chmod(0o755)
    with pytest.raises((StepConflict, BadInput), match=r"runs already|can't be reached"):
        working.up(binaries=str(tmp_path))


def test_a_shell_on_any_node_has_kubectl_set_up(lab, working):
    for node in ("node1", "node3"):
        assert lab[node].shell("kubectl get nodes --no-headers").count(" Ready") == 3


def test_a_terminal_sees_the_same(lab, working):
    status = podnet("kubernetes", "status", "--lab", "kubernetes-tests", "--json")
    assert status.returncode == 0, status.stderr
    told = json.loads(status.stdout)
    assert told["ok"]
    assert len(told["status"]["pods"]) == PODS


def test_the_end_leaves_nodes_without_a_trace_of_it(lab, working):
    ended = working.down()
    assert "kube-apiserver" in ended
    assert "kubelet" in ended
    assert daemons(lab) == {node: ["podnet-cni"] for node in ("node1", "node2", "node3")}, "the plugin stays, as its conflist does"
    for node in lab.nodes:
        assert list(node.snapshot().spaces) == [None]
        left = "iptables-save | grep KUBE; ls -A /run/netns /run/containerd /run/podnet; ls -d /run/podnet-added"
        assert node.shell(f"{{ {left}; }} 2> /dev/null", may_fail=True).split() == ["/run/netns:", "/run/podnet:", "podnet-cni"]
        assert not [name for name in node.snapshot().own.links if name.startswith("pod")]
        mounts = "grep -E ' (/run/containerd|/run/podnet/|/var/log)' /proc/self/mountinfo; stat -f -c %T /sys/fs/cgroup"
        assert node.shell(mounts, may_fail=True).split() == ["sysfs"]
    with pytest.raises(LabError, match=r"no Kubernetes runs in this lab: lab.kubernetes.up\(\)"):
        working.status()


def test_it_starts_again_and_finds_the_conflist(lab, working):
    working.up()
    assert eventually(lambda: all(node.ready for node in working.status().nodes)), working.status()
    assert lab.reset()
    assert daemons(lab) == {"node1": [], "node2": [], "node3": []}
