"""What is told of a Pod that a runtime has made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "default"
"""The Kubernetes namespace of Pods of which nothing is said."""


@dataclass(frozen=True)
class ContainerPod:
    """A Pod of a node's runtime: its *name* in the lab, its address, whether it is *ready*, and its containers' names."""

    name: str
    node: str
    ip: str
    ready: bool
    containers: tuple[str, ...]
    sandbox: str

    def __repr__(self) -> str:
        state = "ready" if self.ready else "not ready"
        return f"<Pod {self.name} on {self.node}: {self.ip or 'no address'}, {state}, {', '.join(self.containers) or 'no container'}>"


@dataclass(frozen=True)
class Ran:
    """What a command in a container printed, and its exit status; false if that is not 0, and shown as its output."""

    pod: str
    command: tuple[str, ...]
    out: str
    err: str
    status: int

    def __bool__(self) -> bool:
        return self.status == 0

    def __repr__(self) -> str:
        said = (self.out + self.err).rstrip("\n")
        return said if self else f"{said}\n(exit status {self.status})".lstrip()


def lab_name(pod: str, namespace: str) -> str:
    """What a Pod is called in the lab, where no name is given twice on a node: NAME, or NAME.NAMESPACE beyond `default`."""
    return pod if namespace in ("", DEFAULT) else f"{pod}.{namespace}"


def attached_pod(kept: Mapping[str, Any]) -> str:
    """Whose attachment it is of which libcni has *kept* that: a Pod's name in the lab; "" if no Kubernetes Pod's."""
    given = {str(key): str(value) for key, value in kept.get("cniArgs") or []}
    pod = given.get("K8S_POD_NAME", "")
    return lab_name(pod, given.get("K8S_POD_NAMESPACE", "")) if pod else ""
