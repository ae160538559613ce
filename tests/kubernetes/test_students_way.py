"""Nodes are NotReady until the student's conflist is there; with the lesson's routes the Pods of all nodes reach each other."""

import json

import pytest

from kubernetes.manifests import eventually, pod_manifest
from podnet_lab import forwarding, route
from podnet_lab.errors import BadInput

NODES = ("node1", "node2", "node3")
CONFLIST = "/run/cni/net.d/10-student.conflist"


def write_conflist(lab, node, conflist):
    lab[node].shell(f"cat > {CONFLIST} <<'EOF'\n{json.dumps(conflist)}\nEOF")


def test_nodes_are_not_ready_and_say_why(lab, cluster):
    status = cluster.status()
    assert [(node.name, node.ready, node.pod_cidr) for node in status.nodes] == [
        (name, False, str(lab.plan[name].subnet)) for name in NODES
    ]
    assert all("cni plugin not initialized" in node.why for node in status.nodes)
    assert not status
    assert "no conflist is in /run/cni/net.d" in str(status)


def test_a_pod_waits_for_a_node_that_is_ready(cluster):
    cluster.kubectl("create", "deployment", "early", "--image=localhost/busybox:1")
    pod = eventually(lambda: next((pod for pod in cluster.status().pods if pod.why), None))
    assert pod.name.startswith("early-")
    assert not pod.running
    assert "node.kubernetes.io/not-ready" in pod.why or "nodes are available" in pod.why
    cluster.kubectl("delete", "deployment", "early")


def test_the_students_conflist_makes_them_ready(lab, cluster):
    for node in NODES:
        runtime = lab.runtime(node)
        runtime.install()
        write_conflist(lab, node, runtime.conflist(version="1.0.0"))
    ready = eventually(lambda: all(node.ready for node in cluster.status().nodes))
    assert ready, cluster.status()


def test_with_the_lessons_routes_pods_of_two_nodes_reach_each_other(lab, cluster):
    for node in ("node1", "node2"):
        cluster.kubectl("apply", "-f", "-", given=pod_manifest(f"on-{node}", node))
    assert eventually(lambda: len(cluster.status().pods) == 2 and all(pod.running for pod in cluster.status().pods)), cluster.status()
    assert sorted(pod.name for seen in lab.snapshot().values() for pod in seen.pods) == ["on-node1", "on-node2"]
    refused = lab.explain("on-node1", "on-node2")
    assert not refused
    assert "no route" in str(refused)
    for node in NODES:
        others = [other for other in lab.plan.nodes if other.name != node]
        lab[node].run(forwarding.on(), *(route.add(other.subnet, via=other.external.ip) for other in others))
    assert lab.ping("on-node1", "on-node2")
    assert lab.explain("on-node1", "on-node2")


def test_a_plugin_that_is_not_there_is_named(lab, cluster):
    write_conflist(lab, "node3", {"cniVersion": "1.0.0", "name": "student", "plugins": [{"type": "nowhere-to-be-found"}]})
    cluster.kubectl("apply", "-f", "-", given=pod_manifest("broken", "node3"))
    pod = eventually(lambda: cluster.status()["broken"] if "nowhere" in cluster.status()["broken"].why else None)
    assert pod, cluster.status()
    assert "FailedCreatePodSandBox" in pod.why
    assert 'failed to find plugin "nowhere-to-be-found" in path [/run/cni/bin]' in pod.why
    assert "FAIL  broken: does not run, on node3" in str(cluster.status())
    with pytest.raises(BadInput, match=r"broken.*Kubernetes says: broken: does not run, on node3: .*nowhere-to-be-found"):
        lab.explain("on-node1", "broken")


def test_the_plugins_own_words_are_shown(lab, cluster):
    """A pool of one address, which is taken: the plugin's error, as the specification has it, is in the event."""
    conflist = lab.runtime("node3").conflist(version="1.0.0")
    conflist["plugins"][0]["ipam"] |= {"rangeStart": "10.244.3.2", "rangeEnd": "10.244.3.2"}
    write_conflist(lab, "node3", conflist)
    cluster.kubectl("apply", "-f", "-", given=pod_manifest("second", "node3"))
    why = eventually(lambda: next((pod.why for pod in cluster.status().pods if "no address is left" in pod.why or "full" in pod.why), None))
    assert why, cluster.status()
    assert 'plugin type="podnet-cni" failed (add)' in why


def test_without_a_conflist_the_next_pod_fails(lab, cluster):
    lab["node3"].shell(f"rm {CONFLIST}")
    cluster.kubectl("apply", "-f", "-", given=pod_manifest("third", "node3"))
    pod = eventually(lambda: cluster.status()["third"] if cluster.status()["third"].why else None)
    assert "cni plugin not initialized" in pod.why
    assert eventually(lambda: not next(node for node in cluster.status().nodes if node.name == "node3").ready)
    assert "no conflist is in /run/cni/net.d" in str(cluster.status())
