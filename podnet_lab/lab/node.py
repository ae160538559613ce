"""One node of a lab, as a notebook holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podnet_lab.checks.check import Checks
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import suggest_attribute
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step
from podnet_lab.typed_arguments import checked

if TYPE_CHECKING:
    from podnet_lab.lab.lab import Lab


class Node:
    """A node: runs steps and shells, and says what its kernel says."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name

    __getattr__ = suggest_attribute

    @checked
    def run(self, *steps: Step) -> Result:
        """
        Run steps in order; one that holds already changes nothing.

        Raises StepConflict if a name is taken, StepFailed if the kernel refuses or it is not true afterwards; either
        way nothing of it stays.
        """
        return self.lab.run({self.name: steps})

    @checked
    def shell(self, script: str, may_fail: bool = False) -> str:
        """Run *script* with bash on this node, as at its own terminal, and return what it printed; ShellFailed if it failed."""
        return self.lab.parts.core.shell_text(self.name, script, may_fail)

    def read_file(self, path: str, most: int) -> str | None:
        """A regular file of this node as text, without a shell; None if it is none, or has more than *most* bytes."""
        return self.lab.parts.core.agent(self.name).call("read_file", path=path, most=most)

    def snapshot(self) -> Snapshot:
        """What this node's kernel says now."""
        return self.lab.snapshot(self.name)[self.name]

    @checked
    def check(self, stage: str = "") -> Checks:
        """Is what the stage is for true on this node, whoever made it?"""
        network = self.lab.network
        cluster = self.lab.parts.core.settled(network.stage(stage))
        return network.checks(stage, cluster[self.name], cluster, self.lab.plan.pods_per_node)

    def __repr__(self) -> str:
        return f"<node {self.name}>"
