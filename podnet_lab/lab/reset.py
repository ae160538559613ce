"""Back to the baseline, whoever made what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podnet_lab.errors import LabError
from podnet_lab.kernel.setup import UPLINK
from podnet_lab.lab.machine import Machine
from podnet_lab.lab.run import bring_back, look
from podnet_lab.model import Link, Snapshot
from podnet_lab.results import Result
from podnet_lab.steps import Step

MOST_LINES = 30
"""Undone things that are printed; all of them are in `Reset.undone`."""


@dataclass(frozen=True)
class Reset:
    """What a reset did: *undone* are the commands that it took."""

    headline: str
    undone: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.headline, *self._lines()])

    def _lines(self) -> list[str]:
        more = [f"  … and {len(self.undone) - MOST_LINES} more"] if len(self.undone) > MOST_LINES else []
        return [*(f"  {line}" for line in self.undone[:MOST_LINES]), *more]

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class Goto(Reset):
    """What a goto did: *undone* are the commands that took away what no step of this lab had made; *result*, what was built."""

    result: Result | None = None

    def __str__(self) -> str:
        foreign = ["what no step of this lab had made was undone:"] if self.undone else []
        return "\n".join([self.headline, *foreign, *self._lines()])

    __repr__ = __str__


@dataclass(frozen=True)
class Baseline:
    """How the nodes were when the lab was opened."""

    snapshots: Mapping[str, Snapshot]
    extras: Mapping[str, dict]

    @classmethod
    def take(cls, machine: Machine) -> Baseline:
        """Look at every node, now that it is new."""
        answers = {name: agent.start("extras") for name, agent in machine.agents.items()}
        return cls(look(machine.agents, machine.agents), {name: answer() for name, answer in answers.items()})


def reset(machine: Machine, baseline: Baseline, made: set[tuple]) -> tuple[str, ...]:
    """Bring all nodes back to *baseline*; returns what that took beyond taking back what is in *made*, in words."""
    said = [*_broken_names(machine), *_mend_uplinks(machine, baseline)]
    done, left = bring_back(machine.agents, baseline.snapshots)
    for name, steps in left.items():
        raise LabError(f"{name} could not be brought back; still to do: {'; '.join(step.command for step in steps)}")
    for name, steps in done.items():
        said += [f"{name}# {step.command}" for step in steps if not _ours(name, step, made)]
    answers = [(name, agent.start("restore_extras", then=baseline.extras[name])) for name, agent in machine.agents.items()]
    for name, answer in answers:
        said += [f"{name}# {words}" for words in answer()]
    for answer in [agent.start("forget") for agent in machine.agents.values()]:
        answer()
    return tuple(line.encode(errors="backslashreplace").decode() for line in said)  # a name may be no UTF-8


def _broken_names(machine: Machine) -> list[str]:
    answers = [(name, agent.start("remove_broken_names")) for name, agent in machine.agents.items()]
    return [f"{name}# rm /run/netns/{broken}" for name, answer in answers for broken in answer()]


def _mend_uplinks(machine: Machine, baseline: Baseline) -> list[str]:
    said = []
    for name, node in look(machine.agents, baseline.snapshots).items():
        was = baseline.snapshots[name].own
        if UPLINK in was.links and not _is_uplink(node.own.links.get(UPLINK)):
            machine.mend(name, str(was.addresses_of(UPLINK)[0]))
            said.append(f"{name}# (its cable to the external network was gone)")
    return said


def _is_uplink(link: Link | None) -> bool:
    """Whether an interface is still the one whose other end lies in the lab: out of sight from here."""
    return link is not None and link.kind == "veth" and link.peer is None


def _ours(node: str, step: Step, made: set[tuple]) -> bool:
    return any((node, key) in made for key in step.touches())
