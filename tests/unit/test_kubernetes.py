"""What Kubernetes' programs are started with on a lab's nodes, and what is read off Kubernetes' answers."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from podnet_lab.containers.images import BUSYBOX
from podnet_lab.daemons import containerd
from podnet_lab.daemons.base import Daemon
from podnet_lab.kubernetes import addresses, binaries, control_plane, kubectl, node_programs, status
from podnet_lab.kubernetes.texts import text
from podnet_lab.kubernetes.versions import Version
from podnet_lab.plan import plan

FIRST, SECOND, _ = plan().nodes
OLD, NEW = Version(1, 20, 2), Version(1, 34, 1)


# What is started


def every_daemon(version):
    found = binaries.Binaries(Path("/opt/k"), version)
    servers = (control_plane.api_server(FIRST, found), *control_plane.controllers(FIRST, found), control_plane.store(FIRST))
    on_each = (node_programs.kubelet(SECOND, FIRST, found), node_programs.proxy(SECOND, FIRST, found))
    return (*servers, *on_each, containerd.server(["/run/cni/bin"], BUSYBOX))


@pytest.mark.parametrize("version", [OLD, NEW])
def test_daemons_survive_their_way_to_a_node_and_back(version):
    for daemon in every_daemon(version):
        assert Daemon.of(json.dumps(daemon.spec)) == daemon
    names = [daemon.name for daemon in every_daemon(version)]
    assert len(set(names)) == len(names) == 7


def test_everybody_asks_the_first_nodes_api_server():
    with_config = [dict(daemon.files) for daemon in every_daemon(OLD) if addresses.KUBECONFIG in dict(daemon.files)]
    assert len(with_config) == 5
    for files in with_config:
        (cluster,) = json.loads(files[addresses.KUBECONFIG])["clusters"]
        assert cluster["cluster"]["server"] == "https://192.168.1.11:6443"


def test_a_kubelet_is_told_to_leave_the_machine_alone():
    kubelet = node_programs.kubelet(SECOND, FIRST, binaries.Binaries(Path("/opt/k"), NEW), "p:1")
    config = json.loads(dict(kubelet.files)["config.json"])
    assert (config["cgroupsPerQOS"], config["enforceNodeAllocatable"], config["protectKernelDefaults"]) == (False, [], True)
    assert config["makeIPTablesUtilChains"] is False
    assert config["containerRuntimeEndpoint"] == f"unix://{containerd.SOCKET}"
    assert kubelet.command == containerd.beside(shlex.split(kubelet.command[-1].partition(" --mount ")[2]))
    assert " sh /run/podnet/kubelet/start /run/podnet/kubelet /opt/k/kubelet " in kubelet.command[-1]
    assert "--node-ip=192.168.1.12" in kubelet.command[-1]
    for setting in ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"):
        assert f"say {setting} " in dict(kubelet.files)["start"]


def test_where_programs_are_slow_they_may_take_longer_and_are_heard_of_less_often():
    """A node is missed after so many of its words as elsewhere."""
    found = binaries.Binaries(Path("/opt/k"), OLD)
    kubelets = [node_programs.kubelet(SECOND, FIRST, found, pace=pace) for pace in (1, 5)]
    configs = [json.loads(dict(one.files)["config.json"]) for one in kubelets]
    assert [one["nodeStatusUpdateFrequency"] for one in configs] == ["2s", "10s"]
    managers = [control_plane.controllers(FIRST, found, pace)[1] for pace in (1, 5)]
    assert ["--node-monitor-grace-period=40s" in managers[0].command, "--node-monitor-grace-period=200s" in managers[1].command] == [
        True,
        True,
    ]
    assert kubelets[1].patience == 5 * kubelets[0].patience == managers[1].patience


def test_a_node_has_its_subnet_of_the_plan():
    node = node_programs.node_object(SECOND)
    assert (node["metadata"]["name"], node["spec"]["podCIDR"]) == ("node2", "10.244.2.0/24")
    assert node["status"]["capacity"]


@pytest.mark.parametrize("name", ["start-kubelet.sh"])
def test_scripts_are_shells(name):
    done = subprocess.run(["sh", "-n"], input=text(name), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_kubectl_stands_before_the_real_one(tmp_path):
    real = tmp_path / "real"
    real.write_text('#!/bin/sh\necho "$KUBECONFIG" "$@"\n')
    real.chmod(0o755)
    script = tmp_path / "kubectl"
    script.write_text(kubectl.wrapper(str(real)))
    ran = subprocess.run(["sh", script, "get", "a b"], env={"KUBECONFIG": "/mine"}, capture_output=True, text=True, check=True)
    assert ran.stdout == f"/mine --cache-dir={kubectl.CACHE} get a b\n"


def test_the_workload_is_seven_pods_and_a_service_of_the_image_that_is_there():
    objects = {one["kind"]: one for one in yaml.safe_load_all(text("workload.yaml"))}
    assert objects.keys() == {"DaemonSet", "Deployment", "Service"}
    assert objects["Deployment"]["spec"]["replicas"] == 4
    for kind in ("DaemonSet", "Deployment"):
        (container,) = objects[kind]["spec"]["template"]["spec"]["containers"]
        assert (container["image"], container["imagePullPolicy"]) == (BUSYBOX, "Never")


# What it answers


def node(name, ready, message="", **more):
    condition = {"type": "Ready", "status": "True" if ready else "False", "message": message}
    return {"kind": "Node", "metadata": {"name": name}, "spec": {"podCIDR": "10.244.1.0/24"}, "status": {"conditions": [condition], **more}}


def pod(name, phase, ready=None, space="default", waiting=None, **more):
    containers = [] if ready is None else [{"ready": ready, "state": {"waiting": waiting} if waiting else {}}]
    about = {"name": name, "namespace": space, "uid": name}
    return {
        "kind": "Pod",
        "metadata": about,
        "spec": {"nodeName": "node1"},
        "status": {"phase": phase, "containerStatuses": containers, **more},
    }


def event(of, message, when, reason="FailedCreatePodSandBox", kind="Warning"):
    return {"kind": "Event", "involvedObject": {"uid": of}, "message": message, "lastTimestamp": when, "reason": reason, "type": kind}


def read(*items):
    return status.read(json.dumps({"items": items}))


def test_all_is_well():
    found = read(node("node1", True), pod("web", "Running", True, podIP="10.244.1.2"), pod("job", "Succeeded"))
    assert found
    assert found["web"].ip == "10.244.1.2"
    assert found.record["ok"] is True
    assert "ok    web: Running on node1, 10.244.1.2" in str(found)


def test_what_does_not_run_has_its_last_words():
    wrapped = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to find plugin"
    found = read(
        node("node1", True),
        pod("web", "Pending", False),
        event("web", "older", "2026-01-01T00:00:00Z"),
        event("web", wrapped, "2026-01-01T00:00:02Z"),
        event("web", "Scheduled", "2026-01-01T00:00:03Z", "Scheduled", "Normal"),
        event("other", "not mine", "2026-01-01T00:00:09Z"),
    )
    assert not found
    assert found["web"].why == "FailedCreatePodSandBox: failed to find plugin"
    assert str(found["web"]) == "FAIL  web: does not run, on node1: FailedCreatePodSandBox: failed to find plugin"


def test_a_container_that_waits_and_a_pod_that_nobody_takes_say_why():
    waits = pod("a", "Pending", False, waiting={"reason": "ErrImageNeverPull", "message": "no such image"})
    nobody = pod("b", "Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}])
    found = read(node("node1", True), waits, nobody, pod("c", "Pending"))
    assert [one.why for one in found.pods] == ["ErrImageNeverPull: no such image", "0/3 nodes are available", ""]
    assert "nobody has said why yet" in str(found["c"])


def test_a_node_without_a_conflist_says_what_helps():
    found = read(node("node1", False, "Network plugin returns error: cni plugin not initialized"), node("node2", True))
    assert not found
    assert "FAIL  node1: NotReady" in str(found)
    assert found.notes[-1] == status.CONFLIST_HELP
    assert status.CONFLIST_HELP not in read(node("node1", False, "container runtime is down")).notes
    assert not read()


def test_a_pods_name_in_the_lab():
    assert read(pod("till", "Running", True, "shop")).pods[0].lab_name == "till.shop"
    assert read(pod("till", "Running", True, "shop"))["till.shop"].name == "till"
