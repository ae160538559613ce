"""The end of a lab's Kubernetes: its Pods as a kubelet takes them away, then its programs, then what they leave on a node."""

from __future__ import annotations

import os
from collections.abc import Callable
from shlex import quote

from podnet_lab.daemons import containerd
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon
from podnet_lab.kernel.shell import ADDED
from podnet_lab.kubernetes import addresses, kubectl, status
from podnet_lab.lab.core import LabCore

BEFORE_PODS = ("kube-proxy", "kubelet")
AFTER_PODS = ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd", containerd.NAME)
"""The daemons of a Kubernetes in the order in which they are stopped: first who would make Pods again."""

WORKLOADS = "daemonsets,deployments,replicasets,statefulsets,jobs,pods"

FAREWELL = 'for i in $(seq 40); do [ -z "$(ctr -n k8s.io tasks ls -q)" ] && exit; sleep 0.5; done'
"""Wait until the kubelet has taken a node's Pods away, which calls the plugin's DEL."""

END_PODS = f"""[ -S {containerd.SOCKET} ] || exit 0
for c in $(ctr -n k8s.io tasks ls -q); do ctr -n k8s.io tasks rm -f $c; ctr -n k8s.io containers rm $c; done > /dev/null 2>&1"""
"""End what is left of them: whoever has broken the plugin has Pods that it does not let go."""

END_RULES = """for f in iptables ip6tables; do
  if $f-save 2> /dev/null | grep -q KUBE-; then $f-save | grep -v KUBE- | $f-restore -w; fi
done"""
"""Take kube-proxy's chains away, and what leads to them; its own cleaning up leaves some. What others have written stays."""

TIDY = f"""rm -f {ADDED}/{kubectl.PROGRAM}
rm -rf {kubectl.CACHE} {containerd.STATE} {addresses.KUBELET}-root
rmdir {os.path.dirname(addresses.KUBELET)} {ADDED} {os.path.dirname(ADDED)} 2> /dev/null"""
"""Remove what is no daemon's own; the folder of all daemons, unless others live there."""

Running = dict[str, dict[str, Daemon]]


def running(core: LabCore) -> Running:
    """The daemons of a Kubernetes that run, by node and name."""
    found: Running = {}
    for node, snapshot in core.snapshot().items():
        daemons = [(process.daemon, Daemon.of(process.spec)) for process in snapshot.processes]
        found[node] = {name: each for name, each in daemons if name in (*BEFORE_PODS, *AFTER_PODS) and each is not None}
    return found


def end(core: LabCore, ask: Callable[..., str]) -> list[str]:
    """End all of it, with *ask*, which runs kubectl; returns the names of what ran."""
    there, pods = running(core), ()
    if {"kube-apiserver", "kubelet"} <= there[core.plan.nodes[0].name].keys():
        pods = status.read(ask("get", "pods", "-A", "-o", "json")).pods
        ask("delete", WORKLOADS, "--all", "-A", "--wait=false", may_fail=True)
        _everywhere(core, FAREWELL)
    _stop(core, there, BEFORE_PODS)
    _everywhere(core, END_PODS)
    _stop(core, there, AFTER_PODS)
    names = " ".join(quote(f"/run/netns/{pod.lab_name}") for pod in pods)
    left = f"for n in {names or '/nowhere'}; do [ ! -e $n ] || {{ umount -l $n; rm -f $n; }}; done"
    _everywhere(core, f"{END_RULES}\n{left}\n{TIDY}")
    return sorted({name for daemons in there.values() for name in daemons})


def _stop(core: LabCore, there: Running, names: tuple[str, ...]) -> None:
    core.run({node: [daemon.stop(daemons[name]) for name in names if name in daemons] for node, daemons in there.items()})


def _everywhere(core: LabCore, script: str) -> None:
    for node in core.plan.nodes:
        core.shell_text(node.name, script, may_fail=True)
