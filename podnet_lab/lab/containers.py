"""Real containers on a lab's nodes: containerd, asked for Pods as a kubelet asks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import wraps
from shlex import quote
from typing import Any
from uuid import uuid4

from podnet_lab.cni import installation
from podnet_lab.cni.conflist import NetworkList
from podnet_lab.containers import cri, images
from podnet_lab.containers.pods import DEFAULT, ContainerPod, Ran, lab_name
from podnet_lab.daemons import containerd
from podnet_lab.daemons import steps as daemon
from podnet_lab.daemons.running import running
from podnet_lab.errors import BadInput, LabError, PodnetError
from podnet_lab.kernel import written_conflists
from podnet_lab.lab.cni_node import RuntimeNode
from podnet_lab.lab.cni_runtime import Runtime
from podnet_lab.lab.core import OUTSIDE_NAME, LabCore
from podnet_lab.name_suggestions import no_such
from podnet_lab.recipes.results import Result
from podnet_lab.typed_arguments import checked
from podnet_lab.valid_names import namespace_name

CONFLIST = f"{containerd.CONFLISTS}/10-podnet.conflist"
VERSION = "1.0.0"
"""Of the CNI specification: the newest that the libcni in Debian 12's containerd reads."""

SERVER = containerd.server(installation.PATH, images.BUSYBOX)

LOGS = f"{containerd.folder(containerd.NAME)}/logs"


def _in_turn(method: Callable) -> Callable:
    """A call that takes its turn with others of the lab, and says what its arguments are."""
    does = checked(method)

    @wraps(method)
    def call(containers: Containers, *arguments: Any, **options: Any) -> Any:
        with containers.core.turn:
            containers.core.require_alive()
            try:
                return does(containers, *arguments, **options)
            except cri.NotRunning as error:
                raise LabError(f"containerd does not run on {containers.node}: lab.containers({containers.node!r}).start()") from error
            finally:
                containers.hang_up()

    return call


class Containers:
    """
    The container runtime of one node: containerd and crun, asked over its CRI, as a kubelet does.

    Its Pods are wired by a CNI plugin, the lab's own unless another one is configured, and are Pods of the lab: in snapshots,
    `ping`, `matrix`, `explain` under their own names. It runs as a daemon does: seen, undone, ended by reset and with the lab.
    """

    def __init__(self, core: LabCore, node: str) -> None:
        self.core, self.node = core, node
        self._client: cri.Cri | None = None
        self._way = ExitStack()

    # The runtime

    @_in_turn
    def start(self, network: str | Mapping[str, Any] | None = None) -> Result:
        """
        Start containerd on the node, and give it an image of busybox, which it makes on the spot; a second time changes nothing.

        *network* is a conflist, for /run/cni/net.d: without one the lab's own Pod network (`lab.runtime(node).conflist()`), unless
        there is one already; reset and goto take it away, unless somebody has changed it. BadInput if it is none;
        LabError, which says what installs it, if a program is not there.
        """
        given = network if network is not None else Runtime(self.core, self.node, ()).conflist(version=VERSION)
        listed = NetworkList.read(given if isinstance(given, str) else _pretty(given))
        self._require_programs()
        plugins = RuntimeNode(self.core, self.node, ())
        plugins.install_once()
        self._configure(listed, network is not None)
        result = self.core.run({self.node: [daemon.start(SERVER)]}, f"containerd runs on {self.node}")
        self.core.shell_text(self.node, images.import_busybox(self.core.agent(self.node).call("package")))
        return result

    def _require_programs(self) -> None:
        agent = self.core.agent(self.node)
        missing = [program for program in containerd.PROGRAMS if agent.call("lacks", program=program)]
        if missing:
            packages = dict.fromkeys(containerd.PROGRAMS[program] for program in missing)
            how = f"sudo apt install --no-install-recommends {' '.join(packages)}"
            raise LabError(f"containers need {' and '.join(missing)}, which {self.node} does not have: {how}")

    def _configure(self, network: NetworkList, asked_for: bool) -> None:
        """Write the conflist, unless the student's is there and no other is asked for."""
        there = "" if asked_for else f"[ -n \"$(ls {containerd.CONFLISTS} | grep -E '[.](conf|conflist|json)$')\" ] || "
        write = f"printf '%s\\n' {quote(network.conflist)} > {CONFLIST} && {written_conflists.noted(CONFLIST)}"
        self.core.shell_text(self.node, f"mkdir -p {containerd.CONFLISTS}; {there}{{ {write}; }}")

    @_in_turn
    def stop(self) -> Result:
        """Take all its Pods away, and end containerd, with all that it kept. A second time changes nothing."""
        server = running(self.core.snapshot(self.node)[self.node], None, containerd.NAME)
        if server is not None:
            for pod in self._listed():
                self._cri().remove_sandbox(pod.sandbox)
        return self.core.run({self.node: [daemon.stop(server or SERVER)]}, f"containerd has ended on {self.node}")

    # Pods

    @_in_turn
    def run(self, name: str, command: Sequence[str] = ("sleep", "inf"), image: str = images.BUSYBOX) -> ContainerPod:
        """
        Make a Pod with one container that runs *command*, a program of its *image* with its words; returns it with its address.

        PluginFailed, in containerd's own words, if a CNI plugin refuses it; LabError for anything else. Then nothing of it is left,
        unless the plugin can't even DEL: that Pod stays, not ready, and `remove` asks again.
        """
        if isinstance(command, str) or not command:
            raise BadInput(f"a container's command is words, like ['sleep', '60'], not {command!r}")
        client = self._cri()
        if namespace_name(name) in [pod.name for pod in self._listed()]:
            raise BadInput(f"{self.node} has a Pod {name} already")
        config = cri.sandbox_config(name, DEFAULT, str(uuid4()), f"{LOGS}/{name}")
        try:
            client.run_container(client.run_sandbox(config), config, name, image, command)
        except BaseException as error:
            self._clean_up(name, error)
            raise
        return self._pod(name)

    def _clean_up(self, name: str, error: BaseException) -> None:
        """
        Remove what is there of a Pod that could not be made.

        Where its plugin's DEL is refused as well, the runtime keeps it, not ready, until somebody asks again; so a kubelet does.
        """
        try:
            self._remove(name)
        except PodnetError as refused:
            error.add_note(f"{name} is still there, not ready, for its network could not be detached either: {refused}")

    @_in_turn
    def exec(self, name: str, *command: str, seconds: float = 30) -> Ran:
        """Run a command in a Pod's container, as `kubectl exec` does, and return what it printed; it may take so many *seconds*."""
        pod = self._pod(name)
        container = next((one for one in self._cri().call("ListContainers").containers if one.pod_sandbox_id == pod.sandbox), None)
        if container is None:
            raise LabError(f"{name} has no container")
        answer = self._cri().call("ExecSync", wait=seconds + 5, container_id=container.id, cmd=command, timeout=int(seconds))
        out, err = (text.decode(errors="replace") for text in (answer.stdout, answer.stderr))
        return Ran(name, tuple(command), out, err, answer.exit_code)

    @_in_turn
    def pods(self) -> tuple[ContainerPod, ...]:
        """The Pods that the runtime has, by name, whoever asked for them."""
        return tuple(self._listed())

    @_in_turn
    def remove(self, name: str) -> None:
        """Take a Pod away: its containers, its network by the plugins' DEL, its namespaces."""
        self._pod(name)
        self._remove(name)

    def _remove(self, name: str) -> None:
        """Remove all of that name: of one that was refused, and tried again, there are several."""
        for pod in self._listed():
            if pod.name == name:
                self._cri().remove_sandbox(pod.sandbox)

    @_in_turn
    def status(self) -> dict[str, str]:
        """What the runtime says of itself: of RuntimeReady and NetworkReady "yes", or why not."""
        conditions = self._cri().call("Status").status.conditions
        return {one.type: "yes" if one.status else f"{one.reason}: {one.message}" for one in conditions}

    # How

    def _listed(self) -> list[ContainerPod]:
        client = self._cri()
        containers: dict[str, list[str]] = {}
        for one in client.call("ListContainers").containers:
            containers.setdefault(one.pod_sandbox_id, []).append(one.metadata.name)
        pods = []
        for one in client.call("ListPodSandbox").items:
            ip = client.call("PodSandboxStatus", pod_sandbox_id=one.id).status.network.ip
            name = lab_name(one.metadata.name, one.metadata.namespace)
            pods.append(ContainerPod(name, self.node, ip, one.state == cri.READY, tuple(sorted(containers.get(one.id, ()))), one.id))
        return sorted(pods, key=lambda pod: pod.name)

    def _pod(self, name: str) -> ContainerPod:
        pods = {pod.name: pod for pod in self._listed()}
        if name not in pods:
            raise BadInput(no_such("Pod", name, pods) + f" in {self.node}'s containerd")
        return pods[name]

    def _cri(self) -> cri.Cri:
        """The client of this call: the runtime may be another one in the next."""
        if self._client is None:
            client = cri.Cri(self._way.enter_context(self.core.backend.socket(self.node, containerd.SOCKET)))
            self._way.callback(client.close)
            self._client = client
        return self._client

    def hang_up(self) -> None:
        """End the connection to the runtime, if there is one: none is held between calls."""
        self._client = None
        self._way.close()

    def __repr__(self) -> str:
        try:
            pods = self.pods()
        except PodnetError as error:
            return f"<containers on {self.node}: {error}>"
        return f"<containers on {self.node}: {', '.join(pod.name for pod in pods) or 'no Pod'}>"


def _pretty(values: Mapping[str, Any]) -> str:
    try:
        return json.dumps(values, indent=1)
    except (TypeError, ValueError) as error:
        raise BadInput(f"a network's configuration is JSON: {error}") from None


class ContainerRuntimes:
    """Where a lab's container runtimes come from: one for each node."""

    def __init__(self, core: LabCore) -> None:
        self._core, self._runtimes = core, {}

    def containers(self, node: str = "node1") -> Containers:
        """
        The container runtime of *node*: ``lab.containers("node1").start()``, then ``.run("web")``, ``.exec("web", "ip", "addr")`` …

        It is Debian's containerd with crun, asked over its CRI as a kubelet does; nothing of it is left on the machine.
        """
        self._core.require_node(node)
        if node == OUTSIDE_NAME:
            raise BadInput("outside is not in the cluster: it has no Pods")
        return self._runtimes.setdefault(node, Containers(self._core, node))
