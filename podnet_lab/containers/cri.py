"""A client of the Container Runtime Interface, as a kubelet is one: gRPC over a node's socket. Needs the packages grpcio and protobuf."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from podnet_lab.containers.proto import messages
from podnet_lab.errors import LabError, PluginFailed

OF_POD, OF_CONTAINER = 0, 1
"""NamespaceMode in api.proto: one for all containers of a Pod, or one for each."""

READY, RUNNING = 0, 1
"""PodSandboxState SANDBOX_READY, ContainerState CONTAINER_RUNNING."""

SECONDS = 60.0
"""How long one call may take."""

MISSING = "calling a runtime takes the packages grpcio and protobuf: pip install 'podnet-lab[containers]', or make containers"


class NotRunning(LabError):
    """Nobody answers at the runtime's socket."""


class Cri:
    """One runtime, asked at the Unix socket *path*; a method for each call that is made here."""

    def __init__(self, path: str) -> None:
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # whoever is forked from here starts another program
        try:
            import grpc

            self._messages = messages("cri.proto")
        except ImportError as error:
            raise LabError(f"{MISSING} ({error})") from error
        self._grpc = grpc
        self._channel = grpc.insecure_channel(f"unix://{path}", options=[("grpc.enable_http_proxy", 0)])

    def call(self, method: str, wait: float = SECONDS, **given: Any) -> Any:
        """One call of the RuntimeService, such as ``call("Status")``; messages are given as plain values. LabError with its own words."""
        request, answer = self._messages[f"{method}Request"], self._messages[f"{method}Response"]
        send = self._channel.unary_unary(
            f"/runtime.v1.RuntimeService/{method}", request_serializer=request.SerializeToString, response_deserializer=answer.FromString
        )
        try:
            return send(request(**given), timeout=wait)
        except self._grpc.RpcError as error:
            raise refusal(method, error.code().name, error.details() or "") from error

    def run_sandbox(self, config: Mapping[str, Any]) -> str:
        """Make a Pod: its namespaces, and its network by the CNI plugins; returns its id."""
        return self.call("RunPodSandbox", config=config).pod_sandbox_id

    def run_container(self, sandbox: str, config: Mapping[str, Any], name: str, image: str, command: Sequence[str]) -> str:
        """Start a container in a Pod; returns its id."""
        container = {"metadata": {"name": name}, "image": {"image": image}, "command": list(command), "log_path": f"{name}.log"}
        made = self.call("CreateContainer", pod_sandbox_id=sandbox, config=container, sandbox_config=config).container_id
        self.call("StartContainer", container_id=made)
        return made

    def remove_sandbox(self, sandbox: str) -> None:
        """End a Pod's containers, detach its network, and forget it; one that is gone is fine."""
        self.call("StopPodSandbox", pod_sandbox_id=sandbox)
        self.call("RemovePodSandbox", pod_sandbox_id=sandbox)

    def close(self) -> None:
        """End the connection."""
        self._channel.close()


def sandbox_config(name: str, namespace: str, uid: str, logs: str) -> dict[str, Any]:
    """What a kubelet says of a Pod: containers share its network and IPC, and each has its own processes."""
    spaces = {"network": OF_POD, "pid": OF_CONTAINER, "ipc": OF_POD}
    return {
        "metadata": {"name": name, "uid": uid, "namespace": namespace},
        "hostname": name[:63],
        "log_directory": logs,
        "linux": {"security_context": {"namespace_options": spaces}},
    }


def refusal(method: str, code: str, words: str) -> LabError | PluginFailed:
    """The error for a call that the runtime refused: PluginFailed if it was a CNI plugin that said no, in the runtime's own words."""
    if code == "UNAVAILABLE":
        return NotRunning(f"{method}: {words}")
    says = f"containerd, {method}: {words} ({code})"
    return PluginFailed(says) if 'plugin type="' in words or "cni plugin" in words else LabError(says)
