"""What Kubernetes says of itself, as values: which nodes are ready, which Pods run, and of what does not, why. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WRAPPED = re.compile(r"^(Failed to create pod sandbox: )?(rpc error: code = \w+ desc = )?")
"""What stands before the words of whoever failed."""

NO_PLUGIN = re.compile(r"cni (plugin|config) .*(not initialized|uninitialized)|no network config found", re.IGNORECASE)
CONFLIST_HELP = "no conflist is in /run/cni/net.d there: lab.runtime(NODE).conflist(version='1.0.0') is one for this lab's network"


@dataclass(frozen=True)
class NodeState:
    """One node as Kubernetes sees it; *why* it is not *ready*, in the kubelet's words."""

    name: str
    ready: bool
    why: str = ""
    pod_cidr: str = ""
    version: str = ""

    def __str__(self) -> str:
        if self.ready:
            return f"ok    {self.name}: Ready, {self.pod_cidr}, {self.version}"
        return f"FAIL  {self.name}: NotReady: {self.why or 'its kubelet has said nothing yet'}"


@dataclass(frozen=True)
class PodState:
    """One Pod as Kubernetes sees it; *why* it does not run, in the last words of an event or of its container."""

    name: str
    space: str
    node: str
    ip: str
    running: bool
    why: str = ""

    @property
    def lab_name(self) -> str:
        """What the lab calls it, as the namespace on its node: its own name, and that of its Kubernetes namespace if it is not default."""
        return self.name if self.space == "default" else f"{self.name}.{self.space}"

    def __str__(self) -> str:
        where = f"on {self.node}" if self.node else "on no node"
        if self.running:
            return f"ok    {self.lab_name}: Running {where}, {self.ip}"
        return f"FAIL  {self.lab_name}: does not run, {where}: {self.why or 'nobody has said why yet'}"


@dataclass(frozen=True)
class KubernetesStatus:
    """Nodes and Pods as Kubernetes has them, and *notes* for whoever works there; true if all are ready and run."""

    nodes: tuple[NodeState, ...]
    pods: tuple[PodState, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.nodes) and all(node.ready for node in self.nodes) and all(pod.running for pod in self.pods)

    def __getitem__(self, pod: str) -> PodState:
        return next(one for one in self.pods if pod in (one.lab_name, one.name))

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.nodes, *self.pods, *self.notes)))

    __repr__ = __str__

    @property
    def record(self) -> dict[str, Any]:
        """The same as plain data."""
        nodes = [vars(node) for node in self.nodes]
        pods = [{**vars(pod), "lab_name": pod.lab_name} for pod in self.pods]
        return {"ok": bool(self), "nodes": nodes, "pods": pods, "notes": list(self.notes)}


def read(listed: str, notes: tuple[str, ...] = ()) -> KubernetesStatus:
    """The status of what ``kubectl get nodes,pods,events --all-namespaces -o json`` printed."""
    items: list[dict] = json.loads(listed)["items"]
    of = {kind: [one for one in items if one["kind"] == kind] for kind in ("Node", "Pod", "Event")}
    words = _last_words(of["Event"])
    nodes = tuple(sorted(map(_node, of["Node"]), key=lambda node: node.name))
    pods = tuple(sorted((_pod(one, words) for one in of["Pod"]), key=lambda pod: (pod.space, pod.name)))
    help_ = (CONFLIST_HELP,) if any(NO_PLUGIN.search(one.why) for one in (*nodes, *pods)) else ()
    return KubernetesStatus(nodes, pods, (*notes, *help_))


def _node(one: Mapping[str, Any]) -> NodeState:
    ready = next((found for found in one["status"].get("conditions", ()) if found["type"] == "Ready"), {})
    version = one["status"].get("nodeInfo", {}).get("kubeletVersion", "")
    is_ready = ready.get("status") == "True"
    why = "" if is_ready else ready.get("message", "")
    return NodeState(one["metadata"]["name"], is_ready, why, one["spec"].get("podCIDR", ""), version)


def _pod(one: Mapping[str, Any], words: Mapping[str, str]) -> PodState:
    status, name = one["status"], one["metadata"]["name"]
    containers = status.get("containerStatuses", ())
    running = status.get("phase") == "Succeeded" or (status.get("phase") == "Running" and all(each.get("ready") for each in containers))
    waits = [each["state"]["waiting"] for each in containers if each.get("state", {}).get("waiting")]
    told = next((f"{wait.get('reason')}: {wait['message']}" for wait in waits if wait.get("message")), "")
    scheduled = next((found for found in status.get("conditions", ()) if found.get("type") == "PodScheduled"), {})
    why = (
        ""
        if running
        else words.get(one["metadata"].get("uid", ""), "") or told or scheduled.get("message", "") or status.get("message", "")
    )
    return PodState(
        name, one["metadata"].get("namespace", "default"), one["spec"].get("nodeName", ""), status.get("podIP", ""), running, why
    )


def _last_words(events: list[dict]) -> dict[str, str]:
    """What the last warning about each object says, by the object's uid."""
    found: dict[str, str] = {}
    for event in sorted(events, key=lambda one: one.get("lastTimestamp") or one.get("eventTime") or ""):
        if event.get("type") == "Warning":
            found[event["involvedObject"].get("uid", "")] = f"{event.get('reason', '')}: {WRAPPED.sub('', event.get('message', ''))}"
    return found
