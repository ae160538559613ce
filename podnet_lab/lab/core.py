"""What all parts of a lab share: its plan and backend, a look at its nodes, the runs of steps, and what they made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

from podnet_lab.backends import running_labs
from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.backends.backend import Backend
from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.backends.own_process import OwnProcess
from podnet_lab.errors import BadInput, LabError, LabGone, PodnetError, ShellFailed, StepFailed
from podnet_lab.lab.activity import Activity
from podnet_lab.lab.interrupts import uninterrupted, until_done
from podnet_lab.lab.journal import Entry, Journal
from podnet_lab.lab.settling import settled
from podnet_lab.lab.snapshots import Snapshots
from podnet_lab.model import Cluster
from podnet_lab.name_suggestions import no_such
from podnet_lab.networks.base import Network, Stage
from podnet_lab.plan import Plan
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step
from podnet_lab.typed_arguments import Limits

OUTSIDE_NAME = "outside"

StepsByNode = Annotated[
    Mapping[str, Sequence[Step]],
    Limits("steps for each node, as {'node1': [step]}; one step runs on its node: lab['node1'].run(step)", lambda _: True),
]

NEW = "This lab is new and empty, as after a restart of the kernel: lab.goto(STAGE) brings it to the start of a stage, like 'veth'."


class LabCore:
    """
    The running nodes of a lab, reached through *backend*, the Pod *network* that is wired on them, and its memory.

    *journal* has the runs that changed something, for `undo`; *made* what steps touched, as (node, text), so that `reset`
    can tell it from what was made by hand; *baseline* is how the nodes were when they were new; *new* is true until
    something was run.
    """

    def __init__(self, plan: Plan, name: str, backend: Backend, network: Network) -> None:
        self.name, self.backend, self.network = name, backend, network
        self.activity = Activity(backend.agents)
        self.journal = Journal()
        self._secrets = 0
        self.made = backend.recall()
        self.baseline = backend.baseline()
        self.plan = plan.with_uplinks(self.baseline.uplinks(plan))
        self.new = backend.fresh
        self._listed = backend.register(name, self.plan, network.name, self.baseline)
        self._closed = False
        self.process = OwnProcess(name)
        self.turn = threading.RLock()
        """Held by the thread whose call is at work: a look in the middle of another's run would see half of it."""

    # The nodes

    @property
    def agents(self) -> Mapping[str, AgentClient]:
        """The agent of each node, and of ``outside``."""
        return self.backend.agents

    def agent(self, name: str) -> AgentClient:
        """The agent of a node of a lab that is alive; BadInput if there is no such node, LabGone if the lab has ended."""
        self.require_node(name)
        self.require_alive()
        return self.agents[name]

    @property
    def alive(self) -> bool:
        """Whether its processes still run, and answer to this one."""
        return not self._closed and not self.process.is_forked and all(agent.alive for agent in self.agents.values())

    def require_alive(self) -> None:
        """Raise LabGone, which says what helps, if the lab has ended; LabError in a process that was forked from the lab's."""
        self.process.require()
        if not self.alive:
            again = "Lab.join() joins it again" if self.backend.joined else "Lab.open() opens a new one"
            why = f"is closed; {again}" if self._closed else self.backend.why_gone()
            raise LabGone(f"the lab {self.name!r} {why}")

    def require_node(self, name: str) -> None:
        """Raise BadInput, which says what there is, if no node has that name."""
        if not isinstance(name, str) or name not in self.agents:
            raise BadInput(no_such("node", name, self.agents) + self._hint_for_pod(name))

    def _hint_for_pod(self, name: object) -> str:
        """What to add where a Pod was named, and a node was meant to be."""
        nodes = [node for node, seen in (self.everyone() if self.alive else {}).items() if name in [pod.name for pod in seen.pods]]
        if nodes:
            return f". {name} is a Pod on {' and '.join(nodes)}: begin with `%%node {nodes[0]}`, and type `ip netns exec {name} COMMAND`"
        return "; a Pod lives on a node, and none has one of that name" if str(name).startswith("pod-") else ""

    def snapshot(self, *names: str) -> Snapshots:
        """What the kernels say now, of all the cluster's nodes, or of those named."""
        self.require_alive()
        for name in names:
            self.require_node(name)
        return Snapshots(take_snapshots(self.agents, names or [node.name for node in self.plan.nodes]))

    def settled(self, *stages: Stage) -> Cluster:
        """All nodes, once what daemons do by themselves in *stages* is done, or has had its time (`podnet_lab.lab.settling`)."""
        return settled(self.snapshot, stages, self.plan.pods_per_node)

    def everyone(self) -> Snapshots:
        """Snapshots of all nodes, and of the host ``outside`` where there is one."""
        outside = [OUTSIDE_NAME] if OUTSIDE_NAME in self.agents else []  # VMs have it while somebody's lab is open
        return self.snapshot(*(node.name for node in self.plan.nodes), *outside)

    def shell(self, node: str, script: str, output: Callable[[int, bytes], None], keep: bool = False) -> int:
        """
        Run *script* with bash on *node*; *output* gets (1 or 2, bytes) as they come; returns the exit status.

        With *keep* it begins with the directory, variables and functions with which the last such script there ended, since goto or reset.
        """
        return self.agent(node).shell(script, output, keep=keep)

    def shell_text(self, node: str, script: str, may_fail: bool = False) -> str:
        """Run *script* with bash on *node*, and return what it printed, in its order; ShellFailed if it failed."""
        printed: list[bytes] = []
        status = self.agent(node).shell(script, lambda _, data: printed.append(data), together=True)
        text = b"".join(printed).decode(errors="replace")
        if status and not may_fail:
            raise ShellFailed(f"{node}: the shell ended with status {status}: {text.strip()}".rstrip(": "))
        return text

    # Steps

    def run(self, recipe: StepsByNode, headline: str = "") -> Result:
        """Run steps on several nodes at the same time: all of them, or, if one does not work, none."""
        for name in recipe:
            self.require_node(name)
        self.require_alive()
        for name, steps in recipe.items():
            self.backend.refuse(name, steps)
        from podnet_lab.lab.run_steps import run_steps  # here: whoever only looks runs nothing, and needs no way back

        try:
            with until_done() as is_done, self.activity.at_work():
                result = self._write_down(run_steps(self.agents, recipe, headline, is_done))
        except StepFailed as failure:
            if self.new:
                failure.add_note(NEW)
            raise
        return result

    def _write_down(self, result: Result) -> Result:
        self.new = False
        result = self.journal.shared(result)
        if (entry := Entry.of(result)) is not None:
            self.journal.append(entry)
            self._secrets = self.activity.secret_changes
            made = {(node, repr(key)) for node in entry.steps for key in entry.keys(node)}
            self.made |= made
            self.backend.remember(made)
        return result

    def undo(self) -> Result:
        """
        Take back the last run that changed something.

        What that takes along of somebody else's, such as an address of the same subnet, is brought back. Raises UndoRefused,
        and changes nothing, if what it made has changed since, or if something would be lost; LabError if there is nothing left.
        """
        self.require_alive()
        if not self.journal:
            here = "; what its owner ran is taken back there" if self.backend.joined else ""
            since = f"no step has changed anything since the lab was {'joined' if self.backend.joined else 'opened'}, or came here by goto"
            raise LabError(f"nothing to undo: {self.journal.let_go_words or since}{here}")
        from podnet_lab.lab.run_steps import bring_back  # here, as above
        from podnet_lab.lab.take_back import take_back

        entry = self.journal[-1]
        now = self.snapshot(*entry.steps)
        entry.refuse_if_changed(now)
        with until_done() as is_done, self.activity.at_work():
            try:
                result = take_back(self.agents, entry, now, self.journal[:-1])
                entry.refuse_if_left(result.after)
                is_done()
                self.journal.pop()
            except PodnetError:  # then it is as it was already
                raise
            except BaseException:
                with uninterrupted():
                    bring_back(self.agents, now)
                raise
        return result

    @property
    def last_run(self) -> Entry | None:
        """The last run that changed something, and that `undo` would take back."""
        return self.journal[-1] if self.journal else None

    @property
    def before_last_run(self) -> Cluster | None:
        """How nodes were before the last run, for whoever marks what is new; None once something was done for somebody to find out."""
        return self.journal[-1].before if self.journal and self._secrets == self.activity.secret_changes else None

    def begin_anew(self, made: Mapping[str, Iterable[Step]], *, new: bool) -> None:
        """The lab was brought back: nothing is left to undo, and what there is was *made* by these steps."""
        self.journal.clear()
        self.new = new
        self.made = {(name, repr(key)) for name, steps in made.items() for step in steps for key in step.touches()}
        self.backend.remember(self.made, anew=True)

    # The end

    def close(self) -> bool:
        """End the lab's processes, or, of somebody else's, our agents; False if that was done before, or is another process's to do."""
        if self._closed or self.process.is_forked:
            return False
        with uninterrupted():
            if self._listed is not None:
                running_labs.unregister(self._listed)  # first: nobody is to find a lab that is about to end
            self.activity.end()
            self.backend.close()
            self._closed = True
        return True
