"""
Stage 1: the namespaces.

A network namespace is a network of its own inside one kernel: its own interfaces, addresses and routes.
When a container is created, Kubernetes creates one for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.model import Snapshot
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, no_namespace
from podnet_lab.steps.pyroute2_calls import literal
from podnet_lab.valid_names import namespace_name, present_namespace


@dataclass(frozen=True)
class _Namespace(Step):
    verb, call, operation = "", "", ""  # what ip calls it, pyroute2, and the agents

    name: str

    @property
    def command(self) -> str:
        return f"ip netns {self.verb} {quoted(self.name)}"

    @property
    def pyroute2(self) -> str:
        return f"netns.{self.call}({literal(self.name)})"

    def requests(self) -> list[Request]:
        return [(self.operation, None, {"name": self.name})]

    def touches(self) -> tuple:
        return (("namespace", self.name),)


class AddNamespace(_Namespace):
    """See `add`."""

    verb, call, operation = "add", "create", "namespace_add"

    @property
    def claim(self) -> str:
        return f"there is a namespace {self.name}"

    def contradiction(self, now: Snapshot) -> str | None:
        return no_namespace(now, self.name)

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveNamespace(self.name),)


class RemoveNamespace(_Namespace):
    """See `remove`."""

    verb, call, operation = "del", "remove", "namespace_remove"

    @property
    def claim(self) -> str:
        return f"no namespace is called {self.name}"

    def contradiction(self, now: Snapshot) -> str | None:
        return f"{self.name} is still there" if self.name in now.spaces else None

    def removes(self) -> tuple:
        return self.touches()


def add(name: str) -> AddNamespace:
    """
    Make a network namespace: an empty one, with nothing in it but a loopback interface that is down.

    By hand::

        ip netns add pod-1-2
    """
    return AddNamespace(namespace_name(name))


def remove(name: str) -> RemoveNamespace:
    """
    Take a namespace's name away; what is in it goes when nobody uses it any more.

    By hand::

        ip netns del pod-1-2
    """
    return RemoveNamespace(present_namespace(name))
