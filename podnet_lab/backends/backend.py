"""
Where a lab's nodes live, whatever that is: one agent for each node, and one for the host `outside`.

    Backend
    ├── NetnsBackend     namespaces of this machine (netns.py)
    │   ├── OwnNetns     made by this process
    │   └── JoinedNetns  made by another one, which owns them (joined.py)
    └── VmsBackend       virtual machines, of which this is the first; this process holds them (vms.py)
        └── JoinedVms    without holding them (joined.py)

What differs between them is said by class variables and methods: nobody asks which of them a backend is.
"""

from __future__ import annotations

import atexit
import threading
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from podnet_lab.backends import plan_json, running_labs
from podnet_lab.backends.agent_client import AgentClient, WriterThread
from podnet_lab.backends.baseline import Baseline
from podnet_lab.backends.own_process import OwnProcess
from podnet_lab.errors import LabError
from podnet_lab.plan import Plan
from podnet_lab.steps.base import Step

THREADS_END = 5.0
"""Seconds in which execnet's threads end once what they hear has ended; 0.01 is usual."""


class Backend:
    """
    The running agents of a lab: `agents` has one client for each node, and for ``outside``.

    `processes` says of each agent which process it is, and in which namespaces, as the agent's call `who` does.
    """

    where: ClassVar[str]
    """What `Lab.open(where=…)`, and the list of running labs, call this kind."""

    fresh: ClassVar[bool]
    """Whether its nodes are new whenever a lab is opened."""

    shared_clock: ClassVar[bool]
    """Whether all nodes have one kernel, and so one clock: what two of them saw has an order."""

    one_machine: ClassVar[bool]
    """Whether all nodes have this machine's memory and programs, and its files but for a few folders."""

    pace: ClassVar[int] = 1
    """How many times as long as on this machine programs may take there, and how many times less often they need be heard of."""

    leased: ClassVar[bool] = False
    """Whether one process at a time holds the nodes, and alone may bring them back."""

    privileged: bool = False
    """Whether root on its nodes is this machine's own."""

    joined: ClassVar[bool] = False
    """Whether these are agents of our own in somebody else's lab, which does not end with them, and is not ours to list."""

    def __init__(self) -> None:
        import execnet  # here: it takes as long as everything else together, and only an opened lab needs it

        if threading.current_thread() is not threading.main_thread():
            raise LabError("open a lab from the main thread: it dies with the thread that opened it")
        from podnet_lab.backends.own_threads import JoinedThreads

        self._threads = JoinedThreads()
        self._group, self.writer = execnet.Group(execmodel=self._threads), WriterThread()
        self._unanswered = (OSError, EOFError, RuntimeError, MemoryError, execnet.RemoteError)
        # We end it ourselves; execnet would try so in a forked child, too, where its threads are gone.
        atexit.unregister(self._group._cleanup_atexit)
        self._process = OwnProcess()
        self.agents: dict[str, AgentClient] = {}
        self.processes: dict[str, dict] = {}

    @classmethod
    def open(cls, plan: Plan, take_over: bool, node_python: str | None, privileged: bool) -> Backend:
        """Start the agents of a new lab; CannotRun where it can't be done, LabHeld where somebody else holds the nodes."""
        raise NotImplementedError

    def baseline(self) -> Baseline:
        """How the nodes were when they were new."""
        raise NotImplementedError

    def mend(self, baseline: Baseline) -> list[str]:
        """Give each node its interface to the external network back where it is gone; says what that took."""
        raise NotImplementedError

    def remake_uplink(self, node: str, baseline: Baseline, left: Sequence[str]) -> bool:
        """Make a node's interface to the external network anew, if something that is *left* is about it; False if not."""
        return False

    def socket(self, node: str, path: str) -> AbstractContextManager[str]:
        """The Unix socket *path* of a node, by the path at which this process reaches it for as long as that is open."""
        raise NotImplementedError

    def register(self, name: str, plan: Plan, network: str, baseline: Baseline) -> Path | None:
        """
        List the lab, with the name of its Pod *network*, so that another process can find it, and join it; returns its file.

        None if it is not ours to list.
        """
        if self.joined:
            return None
        return running_labs.register(name, self.processes, self.where, plan_json.of_plan(plan, network), baseline.raw)

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

    def _gateway(self, spec: str):
        return self._group.makegateway(spec)

    def close(self) -> None:
        """End every process that was started for this lab. In a forked child, do nothing."""
        if self._process.is_forked:
            return
        self._before_close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                self._group.terminate(timeout=1.0)
            except self._unanswered:  # it asks politely, on threads of its own, of which there may be no more, and others that are gone
                self._kill()
        self.writer.stop()
        self._threads.join(THREADS_END)
        self._after_close()
        self._threads.join(THREADS_END)  # one whose agent stayed ends with it

    def _before_close(self) -> None:
        """End what would not end by being asked to."""

    def _after_close(self) -> None:
        """End what the agents, which have ended or are left alone, had needed."""

    def _kill(self) -> None:
        """End the processes that are this one's children; what they had started ends with them."""
        for gateway in [*self._group, *self._group._gateways_to_join]:  # those that were asked, and did not end
            if (child := getattr(gateway._io, "popen", None)) is not None:
                child.kill()
                child.wait()
