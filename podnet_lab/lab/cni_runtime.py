"""A container runtime to play with: it calls CNI plugins on a node as libcni does, and shows each call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

from podnet_lab.cni import installation
from podnet_lab.cni.call import MOST_OF_A_FILE_NAME, SINCE, is_container_id, is_interface_name
from podnet_lab.cni.conflist import Attachment, NetworkList
from podnet_lab.cni.transcript import PluginCall, RuntimeResult
from podnet_lab.containers.pods import attached_pod
from podnet_lab.daemons import steps as daemon
from podnet_lab.errors import BadInput
from podnet_lab.lab.cni_node import Container, RuntimeNode
from podnet_lab.lab.core import OUTSIDE_NAME, LabCore
from podnet_lab.recipes.results import Result
from podnet_lab.steps import namespace
from podnet_lab.typed_arguments import checked
from podnet_lab.valid_names import namespace_name

Configuration = str | Mapping[str, Any] | None


def _in_turn(method: Callable) -> Callable:
    """A call of a runtime: it takes its turn with others of the lab, and says what its arguments are."""
    does = checked(method)

    @wraps(method)
    def call(runtime: Runtime, *arguments: Any, **options: Any) -> Any:
        with runtime.core.turn:
            runtime.core.require_alive()
            return does(runtime, *arguments, **options)

    return call


class Runtime:
    """
    A runtime on one node: `add`, `delete`, `check`, `status`, `gc` and `version` call plugins, in the order of a network's list.

    A network's configuration is a conflist or one plugin's, as text, as values, or the path of its file on the node; without one
    it is `conflist`, the lab's own network. A container is called as its namespace on the node, and is a Pod of the lab.
    Each call gives a `RuntimeResult`: what was said, false if it failed; its *transcript* has all that was read and printed.
    """

    def __init__(self, core: LabCore, node: str, path: Sequence[str]) -> None:
        self.core, self._on = core, RuntimeNode(core, node, path)

    # What there is

    def conflist(self, *chained: Mapping[str, Any], version: str = "1.1.0", plugin: str = installation.PROGRAM) -> dict[str, Any]:
        """
        The lab's Pod network on this node as a configuration: *plugin*, and the plugins that are *chained* behind it.

        Addresses are the upper half of the node's subnet, so that they are not those of Pods that were planned.
        """
        planned = self.core.plan[self._on.name]
        start = planned.subnet.network_address + planned.subnet.num_addresses // 2
        ipam = {"subnet": str(planned.subnet), "rangeStart": str(start)}
        first = {"type": plugin, "network": self.core.network.name, "bridge": planned.bridge, "ipam": ipam}
        return {"cniVersion": version, "name": "podnet", "plugins": [first, *map(dict, chained)]}

    @_in_turn
    def install(self, fast: bool = False) -> Result | None:
        """
        Put podnet-cni on the node, and podnet-by-hand, which is one file to be read and changed; add does it, too.

        *fast*: with the plugin as a daemon, which is started, and a small program before it, if the node has a compiler.
        """
        package = self._on.install(fast)
        return self.core.run({self._on.name: [daemon.start(installation.resident(package))]}) if fast else None

    @_in_turn
    def put(self, plugin: str, text: str) -> str:
        """
        Put a plugin of one's own on the node, where the runtime finds it; what was there under that name is replaced. Returns where.

        *text* is the program; its first line says who reads it, as in ``#!/usr/bin/env python3``. Empty lines before that are left out.
        """
        if not is_container_id(plugin):
            raise BadInput(f"{plugin!r} can't be a plugin's name: letters, digits and . _ -")
        program = text.lstrip("\n")
        if not program.startswith("#!"):
            raise BadInput("a program's first line says who reads it: #!/usr/bin/env python3, or #!/bin/bash")
        return self._on.put(plugin, program)

    @_in_turn
    def plugins(self) -> tuple[str, ...]:
        """The programs that are found on the runtime's path, each once."""
        return self._on.programs()

    @_in_turn
    def attachments(self) -> tuple[dict[str, Any], ...]:
        """What the runtime keeps of each attachment: containerId, ifName, networkName, result …"""
        return tuple(self._on.all_kept())

    # The six verbs

    @_in_turn
    def add(
        self,
        pod: str,
        network: Configuration = None,
        ifname: str = "eth0",
        args: Mapping[str, str] | None = None,
        capabilities: Mapping[str, Any] | None = None,
    ) -> RuntimeResult:
        """
        Attach *pod* to a network: ADD for each plugin in order, each with the result of the one before; the last one is kept.

        Its namespace is made if there is none, as a runtime does. After a failure nothing is called, as with libcni: `delete` cleans up.
        *args* go to CNI_ARGS, *capabilities* to those plugins that declare them, like ``{"portMappings": […]}``.
        """
        listed, container = self._attachment(network, pod, ifname, args, capabilities)
        self.core.run({self._on.name: [namespace.add(pod)]})
        calls, result = [], None
        for plugin in listed.plugins:
            calls.append(self._on.call("ADD", plugin["type"], container, listed.request(plugin, result, container.capabilities)))
            if not calls[-1]:
                return self._said("ADD", container, listed, calls)
            result = calls[-1].answer
        self._on.keep(listed, container, result)
        return self._said("ADD", container, listed, calls, result)

    @_in_turn
    def delete(self, pod: str, network: Configuration = None, ifname: str = "eth0") -> RuntimeResult:
        """
        Detach *pod*: DEL for each plugin, the last one first, with what ADD answered; what is kept of it is forgotten.

        Its namespace stays: `lab.remove_pod` takes that, too.
        """
        listed, container = self._attachment(network, pod, ifname)
        return self._delete(listed, container)

    def _delete(self, listed: NetworkList, container: Container) -> RuntimeResult:
        container, previous = self._on.kept(listed, container)
        previous, calls = previous if listed.has("CHECK") else None, []  # as libcni: DEL has it since CHECK has
        for plugin in reversed(listed.plugins):
            calls.append(self._on.call("DEL", plugin["type"], container, listed.request(plugin, previous, container.capabilities)))
            if not calls[-1]:
                return self._said("DEL", container, listed, calls)
        self._on.forget(listed, container)
        return self._said("DEL", container, listed, calls)

    @_in_turn
    def check(self, pod: str, network: Configuration = None, ifname: str = "eth0") -> RuntimeResult:
        """Ask each plugin whether *pod* is still attached as ADD had said (CHECK); the first that says no ends it."""
        listed, container = self._attachment(network, pod, ifname)
        container, previous = self._on.kept(listed, container)
        if not listed.has("CHECK"):
            return self._said("CHECK", container, listed, (), problem=f"CNI {listed.version} has no CHECK; it came with 0.4.0")
        if listed.disable_check:
            return self._said("CHECK", container, listed, (), notes=("nobody was asked: the configuration has disableCheck",))
        if previous is None:
            return self._said("CHECK", container, listed, (), problem=f"no ADD of {pod} {ifname} is kept, and CHECK needs what it answered")
        calls: list[PluginCall] = []
        for plugin in listed.plugins:
            calls.append(self._on.call("CHECK", plugin["type"], container, listed.request(plugin, previous, container.capabilities)))
            if not calls[-1]:
                break
        return self._said("CHECK", container, listed, calls)

    @_in_turn
    def status(self, network: Configuration = None) -> RuntimeResult:
        """Ask each plugin whether it could attach one more container (STATUS); the first that says no ends it."""
        listed, calls = self._read(network), []
        if not listed.has("STATUS"):
            return self._said(
                "STATUS", None, listed, (), notes=(f"nobody was asked: CNI {listed.version} has no STATUS; it came with 1.1.0",)
            )
        for plugin in listed.plugins:
            calls.append(self._on.call("STATUS", plugin["type"], None, listed.request(plugin)))
            if not calls[-1]:
                break
        return self._said("STATUS", None, listed, calls)

    @_in_turn
    def gc(self, network: Configuration = None, valid: Iterable[str | Sequence[str]] | None = None) -> RuntimeResult:
        """
        Clean up: DEL for each attachment that is kept and not *valid*, then GC for each plugin, all of them whatever one says.

        *valid* are Pods, or (Pod, interface); without it those whose namespace is still there.
        """
        listed, valid = self._read(network), None if valid is None else [_attachment(one) for one in valid]
        if listed.disable_gc:
            return self._said("GC", None, listed, (), notes=("nobody was asked: the configuration has disableGC",))
        kept = [one for one in self._on.all_kept() if one.get("networkName") == listed.name]
        still = self._still_there(kept) if valid is None else valid
        calls: list[PluginCall] = []
        for one in kept:
            container = Container(one["containerId"], one["ifName"], {}, {})
            if (container.name, container.ifname) not in still:
                calls += self._delete(listed, container).calls
        if not listed.has("GC"):
            return self._said("GC", None, listed, calls, notes=(_too_old(listed, "GC"),))
        calls += [self._on.call("GC", plugin["type"], None, listed.garbage_request(plugin, still)) for plugin in listed.plugins]
        return self._said("GC", None, listed, calls)

    @_in_turn
    def version(self, plugin: str = installation.PROGRAM) -> RuntimeResult:
        """Ask one plugin which versions of the specification it speaks (VERSION)."""
        call = self._on.call("VERSION", plugin, None, {"cniVersion": "1.1.0"})
        return RuntimeResult("VERSION", f"of {plugin}", self._on.name, (call,), call.answer if call else None)

    # How

    def _read(self, network: Configuration) -> NetworkList:
        if isinstance(network, str) and network.startswith("/"):
            text = self._on.read_file(network)
            if text is None:
                raise BadInput(f"{self._on.name} has no file {network}")
            return NetworkList.read(text)
        return NetworkList.read(self.conflist() if network is None else network)

    def _attachment(self, network: Configuration, pod: str, ifname: str, *more: Mapping | None) -> tuple[NetworkList, Container]:
        listed, container = self._read(network), self._container(pod, ifname, *more)
        if len(f"{listed.name}-{pod}-{ifname}") > MOST_OF_A_FILE_NAME:
            raise BadInput(
                f"the names of the network, the Pod and its interface are too long together: what is kept of {pod} "
                f"lies in a file of all three, and a file's name has {MOST_OF_A_FILE_NAME} bytes at most"
            )
        return listed, container

    def _container(self, pod: str, ifname: str, args: Mapping | None = None, capabilities: Mapping | None = None) -> Container:
        if not is_container_id(namespace_name(pod)):
            raise BadInput(f"{pod!r} can't be a container's id: letters, digits and . _ -, the first a letter or digit")
        if not is_interface_name(ifname):
            raise BadInput(f"{ifname!r} can't be an interface's name: 15 bytes at most, no blank, slash or colon")
        return Container(pod, ifname, dict(args or {}), dict(capabilities or {}))

    def _said(
        self,
        command: str,
        container: Container | None,
        listed: NetworkList,
        calls: Sequence[PluginCall],
        result: Mapping[str, Any] | None = None,
        problem: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> RuntimeResult:
        whose = f"{container.name} {container.ifname}, " if container else ""
        return RuntimeResult(command, f"{whose}network {listed.name}", self._on.name, tuple(calls), result, problem, notes)

    def _still_there(self, kept: Sequence[Mapping[str, Any]]) -> list[Attachment]:
        spaces = self.core.snapshot(self._on.name)[self._on.name].spaces
        return [(one["containerId"], one["ifName"]) for one in kept if {one["containerId"], attached_pod(one)} & spaces.keys()]

    def __repr__(self) -> str:
        return f"<runtime on {self._on.name}: plugins from {', '.join(self._on.path)}>"


def _attachment(given: Any) -> Attachment:
    """What is valid, as it is given to `Runtime.gc`: a Pod, or (Pod, interface)."""
    pair = (given, "eth0") if isinstance(given, str) else tuple(given)
    if len(pair) != 2 or not all(isinstance(one, str) for one in pair) or not is_container_id(pair[0]) or not is_interface_name(pair[1]):
        raise BadInput(f"valid are Pods, or (Pod, interface), like 'web' or ('web', 'eth0'), not {given!r}")
    return pair


def _too_old(listed: NetworkList, command: str) -> str:
    return f"no plugin was asked: CNI {listed.version} has no {command}; it came with {SINCE[command]}"


class Runtimes:
    """Where a lab's runtimes come from: one for each node, to play with."""

    def __init__(self, core: LabCore) -> None:
        self._core = core

    def runtime(self, node: str = "node1", path: Sequence[str] = installation.PATH) -> Runtime:
        """
        A container runtime on *node*, which calls CNI plugins as a kubelet's does, and shows each call; they are looked for in *path*.

        ``lab.runtime("node1").add("web")`` attaches a Pod by the lab's own Pod network; Debian's package
        containernetworking-plugins has others: bridge, ptp, macvlan, portmap, host-local …
        """
        self._core.require_node(node)
        if node == OUTSIDE_NAME:
            raise BadInput("outside is not in the cluster: it has no Pods")
        return Runtime(self._core, node, path)
