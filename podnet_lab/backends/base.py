"""
Where a lab's nodes live, whatever that is: one agent for each node, and one for the host `outside`.

    Home
    ├── Namespaces     namespaces of this machine (machine.py)
    │   ├── Machine    made by this process
    │   └── Joined     made by another one, which owns them (joined.py)
    └── Vms            virtual machines, of which this is the first (vms.py)
        └── JoinedVms  without holding them (joined.py)
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from podnet_lab.backends import plan_json, running_labs
from podnet_lab.backends.agent_client import AgentClient, Wire
from podnet_lab.backends.baseline import Baseline
from podnet_lab.errors import LabError
from podnet_lab.plan import Plan
from podnet_lab.steps.base import Step


class Home:
    """The running agents of a lab: `agents` has one client for each node, and for ``outside``; `who` says who they are."""

    where: ClassVar[str]
    """What `Lab.open(where=…)` calls it."""

    fresh: ClassVar[bool]
    """Whether its nodes are new whenever a lab is opened."""

    joined: ClassVar[bool] = False
    """Whether these are agents of our own in somebody else's lab, which does not end with them."""

    def __init__(self) -> None:
        import execnet  # here: it takes as long as everything else together, and only an opened lab needs it

        if threading.current_thread() is not threading.main_thread():
            raise LabError("open a lab from the main thread: it dies with the thread that opened it")
        self._group, self.wire = execnet.Group(), Wire()
        # We end it ourselves; execnet would try so in a forked child, too, where its threads are gone.
        atexit.unregister(self._group._cleanup_atexit)
        self._pid = os.getpid()
        self.agents: dict[str, AgentClient] = {}
        self.who: dict[str, dict] = {}

    def baseline(self) -> Baseline:
        """How the nodes were when they were new."""
        raise NotImplementedError

    def mend(self, baseline: Baseline) -> list[str]:
        """Give each node its interface to the external network back where it is gone; says what that took."""
        raise NotImplementedError

    def register(self, name: str, plan: Plan, baseline: Baseline) -> Path | None:
        """List the lab, so that another process can find it, and join it; returns its file. None if it is not ours to list."""
        return running_labs.register(name, self.who, self.where, plan_json.of_plan(plan), baseline.raw)

    def refuse_reset(self) -> None:
        """Raise LabHeld if all nodes may not be brought back from here."""

    def refuse(self, node: str, steps: Sequence[Step]) -> None:
        """Raise StepConflict if one of *steps* would change what is not the lesson's on *node*."""

    def why_gone(self) -> str:
        """What to tell whoever uses a lab whose agents ended."""
        return "is closed or its processes are gone; Lab.open() opens a new one"

    def recall(self) -> set[tuple[str, str]]:
        """What labs that were opened here before made, of what may still be there: (node, what a step touches, as text)."""
        return set()

    def remember(self, made: set[tuple[str, str]], anew: bool = False) -> None:
        """Keep what this lab made, for those that are opened here later; *anew*: that is all there is now."""

    def _agent(self, name: str, spec: str) -> AgentClient:
        return AgentClient(name, self._gateway(spec), self.wire)

    def _gateway(self, spec: str):
        return self._group.makegateway(spec)

    def close(self) -> None:
        """End every process that was started for this lab. In a forked child, do nothing."""
        if os.getpid() != self._pid:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self._group.terminate(timeout=1.0)
        self.wire.stop()


def open_home(plan: Plan, where: str | None, take_over: bool, node_python: str | None) -> Home:
    """
    Start a lab's agents where they belong: in the VMs where this is one of them, else in namespaces of this machine.

    *where* ("vms" or "namespaces") says so instead. Raises CannotRun where it can't be done; LabHeld where somebody else
    has the VMs, if not *take_over*.
    """
    from podnet_lab.backends import vms
    from podnet_lab.backends.netns import Machine

    if vms.chosen(where):
        return vms.Vms(plan, take_over)
    return Machine(plan, node_python)
