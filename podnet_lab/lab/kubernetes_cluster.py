"""A real Kubernetes in the lab: its programs as daemons of the nodes, whose Pods are the lab's Pods."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from shlex import join, quote
from typing import Any

from podnet_lab.containers import images
from podnet_lab.daemons import containerd
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.base import Daemon
from podnet_lab.errors import CannotRun, LabError, PodnetError
from podnet_lab.kernel import written_conflists
from podnet_lab.kernel.shell import ADDED
from podnet_lab.kubernetes import addresses, control_plane, kubectl, node_programs, status, versions
from podnet_lab.kubernetes.binaries import Binaries
from podnet_lab.kubernetes.texts import text
from podnet_lab.lab.cni_runtime import Runtimes
from podnet_lab.lab.containers import SERVER
from podnet_lab.lab.core import LabCore
from podnet_lab.lab.kubernetes_end import end, running
from podnet_lab.lab.kubernetes_programs import found_for, on_each_node
from podnet_lab.lab.kubernetes_requirements import require, shell
from podnet_lab.lab.skipping import skip_the_rest
from podnet_lab.plan import Node
from podnet_lab.typed_arguments import checked

PATIENCE = 180
"""Seconds in which nodes get ready and Pods run, on a slow machine."""

NOT_UP = "no Kubernetes runs in this lab: lab.kubernetes.up(), or `podnet kubernetes up`, starts one"

CONFLIST = f"{containerd.CONFLISTS}/10-podnet.conflist"

Tell = Callable[[str], Any]


def _in_turn(method: Callable) -> Callable:
    """A call that takes its turn with others of the lab, and says what its arguments are."""
    does = checked(method)

    @wraps(method)
    def call(cluster: Kubernetes, *arguments: Any, **options: Any) -> Any:
        with cluster.core.turn:
            cluster.core.require_alive()
            return does(cluster, *arguments, **options)

    return call


class Kubernetes:
    """
    The lab's Kubernetes: `up` starts it, `status` says how it is, `kubectl` asks it, `down` ends it.

    Its control plane is on the first node, a kubelet and a containerd on each. Nodes are NotReady until a conflist is in
    /run/cni/net.d: the student's, or by `install_plugin` the lab's own network.
    """

    def __init__(self, core: LabCore, runtimes: Runtimes) -> None:
        self.core, self._runtimes = core, runtimes

    @property
    def _first(self) -> Node:
        return self.core.plan.nodes[0]

    @property
    def _patience(self) -> int:
        return PATIENCE * self.core.backend.pace

    @property
    def kubeconfig(self) -> str:
        """The path of the kubeconfig on the first node; on the others it is in the kubelet's folder."""
        return f"{addresses.API_SERVER}/{addresses.KUBECONFIG}"

    # Up and down

    @_in_turn
    def or_skip(self, binaries: str | None = None) -> None:
        """
        Say what is missing for `up`, and what helps; then the cells of a notebook after this one do nothing.

        With all there they do what they say, and it tells which version will run. Outside of a notebook CannotRun says the same.
        """
        why, said = "", ""
        try:
            found = found_for(self.core, binaries)
            require(self.core, found)
            said = f"all there: Kubernetes {found.version}"
        except PodnetError as error:
            why = f"Kubernetes does not run here: {error}."
        if not skip_the_rest(why) and why:
            raise CannotRun(why)
        if said:
            print(said)

    @_in_turn
    def up(self, plugin: bool = False, binaries: str | None = None, tell: Tell | None = None) -> status.KubernetesStatus:
        """
        Start Kubernetes, and return how it is: nodes are NotReady, unless a conflist is there already.

        With *plugin* go on: `install_plugin`, wait until all nodes are Ready, and run the `workload`. *binaries* is a folder with
        Kubernetes' programs; else they are the cache's. *tell* is called with a line for each part. What runs already stays.
        """
        tell = tell or (lambda text: None)
        found = found_for(self.core, binaries)
        where = require(self.core, found)
        on_each = on_each_node(self.core, found, tell)
        tell(f"starting {found}: etcd and the API server on {self._first.name}, containerd on each node")
        self._start_servers(found, where)
        tell("starting scheduler, controller manager, and on each node kubelet and kube-proxy")
        self._start_clients(found, on_each)
        if plugin:
            tell("putting the plugin on each node, with a conflist and routes")
            self.install_plugin()
            tell("running a DaemonSet, a Deployment of four and a Service")
            self.workload()
        notes = () if found.version.tried else (f"Kubernetes {found.version} {versions.UNTRIED}",)
        return self._status(notes)

    def _start_servers(self, found: Binaries, kubectl_path: str) -> None:
        pace = self.core.backend.pace
        servers = [control_plane.store(self._first, pace), control_plane.api_server(self._first, found, pace)]
        self._start({node.name: [*(servers if node == self._first else []), SERVER] for node in self.core.plan.nodes})
        for node in self.core.plan.nodes:
            package = self.core.agent(node.name).call("package")
            self.core.shell_text(node.name, f"{images.import_busybox(package)}\n{_install(kubectl_path)}")
        waits = f"for i in $(seq {self._patience}); do {ADDED}/kubectl get --raw /readyz > /dev/null 2>&1 && exit; sleep 1; done; exit 1"
        if shell(self.core, self._first.name, waits)[0]:
            raise LabError(
                f"the API server is not ready after {self._patience} s; its last words are in {addresses.API_SERVER}/log on node1"
            )

    def _start_clients(self, found: Binaries, on_each: dict[str, Binaries]) -> None:
        objects = {"apiVersion": "v1", "kind": "List", "items": [node_programs.node_object(node) for node in self.core.plan.nodes]}
        self.kubectl("apply", "-f", "-", given=json.dumps(objects))
        pace = self.core.backend.pace
        recipe = {
            node.name: [make(node, self._first, on_each[node.name], pace=pace) for make in (node_programs.kubelet, node_programs.proxy)]
            for node in self.core.plan.nodes
        }
        recipe[self._first.name] += control_plane.controllers(self._first, found, pace)
        for node in recipe:  # what a bridge passes on is to meet kube-proxy's rules, or an answer of the same node comes past them
            self.core.shell_text(node, "f=/proc/sys/net/bridge/bridge-nf-call-iptables; if [ -e $f ]; then echo 1 > $f; fi")
        self._start(recipe)

    def _start(self, recipe: dict[str, list[Daemon]]) -> None:
        self.core.run({node: [daemon.start(one) for one in daemons] for node, daemons in recipe.items()})

    @_in_turn
    def down(self) -> str:
        """End Kubernetes: its Pods, its programs, kube-proxy's rules. Conflists, their plugin and routes stay: they are the student's."""
        ended = end(self.core, self.kubectl)
        return f"ended: {', '.join(ended)}" if ended else NOT_UP

    # The network

    @_in_turn
    def install_plugin(self) -> status.KubernetesStatus:
        """Put podnet-cni, a conflist of the lab's network, and routes to the other nodes' Pods on each node; wait until all are Ready."""
        planned = self.core.plan
        bare = replace(planned, pods_per_node=0)
        for node in planned.nodes:
            on = self._runtimes.runtime(node.name)
            on.install(fast=True)
            listed = json.dumps(on.conflist(version="1.0.0"), indent=1)
            write = f"cat > {CONFLIST}.new <<'EOF'\n{listed}\nEOF\nmv {CONFLIST}.new {CONFLIST}; {written_conflists.noted(CONFLIST)}"
            self.core.shell_text(node.name, f"mkdir -p {containerd.CONFLISTS}; {write}")
        self.core.run(self.core.network.cluster(bare))
        self._wait("wait", "--for=condition=Ready", "nodes", "--all")
        return self._status()

    # To work with

    @_in_turn
    def workload(self) -> status.KubernetesStatus:
        """Run what is in podnet_lab/kubernetes/workload.yaml, and wait until its Pods run: a DaemonSet, a Deployment of four, a Service."""
        self.kubectl("apply", "-f", "-", given=text("workload.yaml"))
        for name in ("daemonset/web", "deployment/client"):
            self._wait("rollout", "status", name)
        return self._status()

    def _wait(self, *words: str) -> None:
        """Wait as kubectl does; what keeps it is told by a status, not by an error."""
        self.kubectl(*words, f"--timeout={self._patience}s", may_fail=True)

    @_in_turn
    def kubectl(self, *words: str, given: str | None = None, may_fail: bool = False) -> str:
        """
        Run kubectl on the first node, like ``lab.kubernetes.kubectl("get", "nodes")``, and return what it printed.

        *given* is its standard input, for ``apply -f -``. ShellFailed, with its own words, if it fails and not *may_fail*.
        """
        mark = "EOF_OF_PODNET"
        stdin = f" <<'{mark}'\n{given}\n{mark}" if given is not None else ""
        program = f"{ADDED}/{kubectl.PROGRAM}"
        script = f"[ -e {self.kubeconfig} ] || {{ echo {quote(NOT_UP)}; exit 3; }}\n{join((program, *words))}{stdin}"
        return self.core.shell_text(self._first.name, script, may_fail)

    @_in_turn
    def status(self) -> status.KubernetesStatus:
        """How Kubernetes is: nodes, Pods, and of what is not ready or does not run, why; LabError if none runs."""
        return self._status()

    def why_absent(self, pod: str) -> str:
        """Of a Pod that Kubernetes has and no node: why it does not run, in words; "" where no Kubernetes runs or knows it."""
        if "kube-apiserver" not in running(self.core)[self._first.name]:
            return ""
        try:
            found = self._status()[pod]
        except (LabError, StopIteration):
            return ""
        return "" if found.running else f"Kubernetes says: {str(found).removeprefix('FAIL').strip()}"

    def _status(self, notes: tuple[str, ...] = ()) -> status.KubernetesStatus:
        first = self._first.name
        how = f"kubectl is set up on each node (KUBECONFIG={self.kubeconfig} on {first}): podnet shell {first} kubectl get pods"
        asks = f"[ -e {self.kubeconfig} ] || exit 3; {ADDED}/kubectl get nodes,pods,events -A -o json"
        code, printed = shell(self.core, first, asks)
        if code:
            raise LabError(NOT_UP if code == 3 else f"Kubernetes does not answer: {printed.strip()}")
        return status.read(printed, (*notes, how))

    def __repr__(self) -> str:
        return f"<Kubernetes of {self.core.name!r}: .up(), .status(), .kubectl('get', 'pods'), .down()>"


def _install(real: str) -> str:
    target = f"{ADDED}/{kubectl.PROGRAM}"
    return f"mkdir -p {ADDED}; cat > {target}.new <<'EOF'\n{kubectl.wrapper(real)}EOF\nchmod 755 {target}.new; mv {target}.new {target}"
