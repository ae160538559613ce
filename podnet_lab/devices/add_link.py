"""What the steps that make one interface have in common, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.model import Snapshot
from podnet_lab.steps.base import Step, no_link


@dataclass(frozen=True)
class AddLink(Step):
    """Make the interface *name*; what may contradict it once it is there is each kind's own `conflict`. Undone by deleting it."""

    name: str

    namespace = None
    """Where it is: the node's own, unless a kind has a field of this name."""

    def contradiction(self, now: Snapshot) -> str | None:
        return no_link(now, self.namespace, self.name) or self.conflict(now)

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveLink(self.name, self.namespace),)

    def touches(self) -> tuple:
        return (("link", self.namespace, self.name),)

    def makes(self) -> tuple:
        return (((self.namespace, self.name),),)
