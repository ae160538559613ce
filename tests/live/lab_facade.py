"""What tests, and nobody else, ask of a lab: its agents and their processes, its memory, and a fault at a place of their choice."""

from __future__ import annotations

from collections.abc import Mapping

from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.backends.baseline import Baseline
from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.explain.fault import Fault
from podnet_lab.explain.fault_places import FaultPlaces
from podnet_lab.lab.journal import Entry
from podnet_lab.lab.lab import Lab
from podnet_lab.lab.watcher import Watcher


def agents(lab: Lab) -> Mapping[str, AgentClient]:
    """The agent of each node, and of the host outside."""
    return lab.parts.core.agents


def processes(lab: Lab) -> Mapping[str, dict]:
    """Of each agent, the lab's own among them, which process it is and in which namespaces."""
    return lab.parts.core.backend.processes


def journal(lab: Lab) -> list[Entry]:
    """A copy of what `undo` would take back, the last run last."""
    return list(lab.parts.core.journal)


def baseline(lab: Lab) -> Baseline:
    """How the nodes were when they were new."""
    return lab.parts.core.baseline


def watcher(lab: Lab) -> Watcher:
    """A watcher of the lab's nodes beside the lab's own."""
    return Watcher(list(agents(lab).values()))


def inject(lab: Lab, fault: Fault, places: FaultPlaces) -> None:
    """Break this very thing at this place, whatever is broken already."""
    lab.parts.faults.inject(fault, places)


class Undamaged:
    """How *nodes* are now, to be brought back to when several faults were injected: `lab.give_up` alone mends the last."""

    def __init__(self, lab: Lab, nodes: list[str]) -> None:
        self._lab, self._snapshots = lab, take_snapshots(agents(lab), nodes)
        self._extras = {name: agents(lab)[name].call("unmanaged_state") for name in nodes}

    def bring_back(self) -> None:
        """Mend all that was injected since."""
        self._lab.broken.before, self._lab.broken.unmanaged_state = self._snapshots, self._extras
        self._lab.give_up()
