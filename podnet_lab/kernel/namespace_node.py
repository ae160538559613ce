"""A node that is made of namespaces: the agent asks it what a VM (`podnet_lab.kernel.vm.Vm`) answers otherwise."""

from __future__ import annotations

from typing import Any

from podnet_lab.kernel import apply, namespaces, processes, unmanaged_state


class NamespaceNode:
    """A node all of whose interfaces are the lesson's: nothing of it is hidden, and nothing refused."""

    def visible(self, spaces: dict[str, Any]) -> dict[str, Any]:
        """The node and its Pods, as they were read."""
        return spaces

    def processes(self) -> list[dict[str, Any]]:
        """What runs here in the background."""
        return processes.background(processes.here(namespaces.by_network()))

    def refuse(self, requests: list[apply.Request]) -> None:
        """Refuse none of *requests*."""

    def hidden(self) -> set[str]:
        """No interface is kept from the lesson."""
        return set()

    def unmanaged_state(self) -> dict[str, Any]:
        """What no step changes."""
        return unmanaged_state.read()

    def restore_unmanaged_state(self, then: dict[str, Any]) -> dict[str, list[str]]:
        """Bring it back to what it was then."""
        return unmanaged_state.restore(then)
