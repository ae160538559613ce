"""Back to the baseline, whoever made what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podnet_lab.errors import LabError
from podnet_lab.kernel.setup import UPLINK
from podnet_lab.lab.machine import Machine
from podnet_lab.lab.run import bring_back, look
from podnet_lab.model import Snapshot
from podnet_lab.results import Result
from podnet_lab.steps import Step


@dataclass(frozen=True)
class Reset:
    """What a reset or goto did; *removed* are the commands that took away what no step of this lab had made."""

    headline: str
    removed: tuple[str, ...]
    result: Result | None = None

    def __str__(self) -> str:
        lines = [f"  also undone, and not made by this lab's steps: {line}" for line in self.removed]
        return "\n".join([self.headline, *lines])

    __repr__ = __str__


def reset(machine: Machine, baseline: Mapping[str, Snapshot], made: set[tuple]) -> tuple[str, ...]:
    """Bring all nodes back to *baseline*; returns what that took beyond taking back what is in *made*, in words."""
    said = []
    for name, node in look(machine.agents, baseline).items():
        was = baseline[name].own
        if UPLINK in was.links and (UPLINK not in node.own.links or node.own.links[UPLINK].peer is not None):
            machine.mend(name, str(was.addresses_of(UPLINK)[0]))
            said.append(f"{name}# (its cable to the external network was gone)")
    done, left = bring_back(machine.agents, baseline)
    for name, steps in left.items():
        raise LabError(f"{name} could not be brought back; still to do: {'; '.join(step.command for step in steps)}")
    for name, steps in done.items():
        said += [f"{name}# {step.command}" for step in steps if not _ours(name, step, made)]
    for answer in [agent.start("forget") for agent in machine.agents.values()]:
        answer()
    return tuple(said)


def _ours(node: str, step: Step, made: set[tuple]) -> bool:
    return any((node, key) in made for key in step.touches())
