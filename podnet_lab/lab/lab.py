"""
The lab, as a notebook holds it: nodes, steps, checks, undo, and the way to any stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from podnet_lab import recipes
from podnet_lab.backends import running_labs
from podnet_lab.backends.base import Home, open_home
from podnet_lab.errors import BadInput, LabError, LabGone, StepFailed
from podnet_lab.lab import open_labs, pods
from podnet_lab.lab.capture import Tracing
from podnet_lab.lab.exercises import Exercising
from podnet_lab.lab.faults import Breaking
from podnet_lab.lab.interrupts import uninterrupted
from podnet_lab.lab.journal import Entry
from podnet_lab.lab.node import Node
from podnet_lab.lab.observe import OUTSIDE_NAME, Looking
from podnet_lab.lab.reset import Goto, Reset, reset
from podnet_lab.lab.run import run
from podnet_lab.lab.services import Traffic
from podnet_lab.lab.widgets import Touching
from podnet_lab.plan import OUTSIDE, Plan, plan
from podnet_lab.recipes.results import Result
from podnet_lab.steps.base import Step

NEW = "This lab is new and empty, as after a restart of the kernel: lab.goto(STAGE) brings it to the start of a stage, like 'veth'."


class Lab(Breaking, Exercising, Looking, Touching, Tracing, Traffic):
    """
    A cluster of nodes: namespaces of this machine, or the three VMs of `vagrant up`; open one with `Lab.open()`.

    It lives as long as the process that opened it, or until `close()`; ``with Lab.open() as lab:`` closes it, too.
    """

    def __init__(self, plan: Plan, name: str, home: Home) -> None:
        self.plan, self.name, self._home = plan, name, home
        self._nodes = {each: Node(self, each) for each in home.agents}
        self._journal: list[Entry] = []
        self._made = home.recall()
        self._baseline = home.baseline()
        self._registered = home.register(name, plan, self._baseline)
        self._closed = False
        self._new = home.fresh

    @classmethod
    def open(
        cls,
        nodes: int | None = None,
        pods: int | None = None,
        name: str = "lab",
        plan: Plan | None = None,
        *,
        where: str | None = None,
        take_over: bool = False,
        node_python: str | None = None,
    ) -> Lab:
        """
        Open a lab of *nodes* nodes (3), planned for *pods* Pods each (2), or of a `Plan`; give back the open one of that name.

        On one of the three VMs of `vagrant up` it is the lab of these VMs, of which there is one, and *take_over* takes it
        from whoever else holds it; elsewhere, and with ``where="namespaces"``, a lab of its own on this machine.

        Raises CannotRun where this machine can't run one, with what would help; LabError if an open lab of the same
        name has another plan, or somebody else holds the VMs.
        """
        wanted = plan or _plan(3 if nodes is None else nodes, 2 if pods is None else pods)
        if (running := open_labs.running(running_labs.lab_name(name))) is not None:
            if (nodes, pods, plan) != (None, None, None) and wanted != running.plan:
                raise LabError(f"the lab {name!r} is open with another plan; close it first, or give this one a name of its own")
            return running
        running_labs.labs()  # sweeps what others left
        with uninterrupted():
            home = open_home(wanted, where, take_over, node_python)
            try:
                lab = open_labs.OPEN[name] = cls(wanted, name, home)
            except BaseException:
                home.close()
                raise
        _tell_jupyter()
        return lab

    @classmethod
    def join(cls, name: str | None = None) -> Lab:
        """
        Another process's running lab, by its name, its notebook, or its owner's number; without *name*, the one that runs.

        Its agents are this process's own, in the same namespaces: it works like the lab itself, and sees what others do
        there as done by hand. `undo` takes back what was run here; `close` ends these agents, and never the lab. Servers
        that it starts end with it. On node1 of the VMs it is their lab, whoever holds it; then `goto` and `reset` are left
        to the holder. Raises NoLab if there is none, or several and none was named.
        """
        from podnet_lab.backends import joined  # here: only some need it

        with uninterrupted():
            key, name, wanted, start = joined.find(name)
            if (running := open_labs.running(key)) is not None:
                return running
            home = start()
            try:
                lab = open_labs.OPEN[key] = cls(wanted, name, home)
            except BaseException:
                home.close()
                raise
        _tell_jupyter()
        return lab

    @property
    def alive(self) -> bool:
        """Whether its processes still run."""
        return not self._closed and all(agent.alive for agent in self._home.agents.values())

    @property
    def nodes(self) -> list[Node]:
        """The cluster's nodes, in order."""
        return [self._nodes[node.name] for node in self.plan.nodes]

    @property
    def outside(self) -> Node:
        """The host on the external network that is not in the cluster."""
        return self._nodes[OUTSIDE_NAME]

    def __getitem__(self, name: str) -> Node:
        if name not in self._nodes:
            raise BadInput(f"no node is called {name!r}; there are {', '.join(self._nodes)}{self._of_pod(name)}")
        return self._nodes[name]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    # Steps

    def run(self, recipe: Mapping[str, Sequence[Step]], headline: str = "") -> Result:
        """Run steps on several nodes at the same time: all of them, or, if one does not work, none."""
        for name, steps in recipe.items():
            self[name]
            for step in steps:
                if not isinstance(step, Step):
                    raise BadInput(f"{step!r} is not a step; bridge.add('v-net-0') makes one")
        self._must_be_alive()
        for name, steps in recipe.items():
            self._home.refuse(name, steps)
        try:
            with self._at_work():
                result = run(self._home.agents, recipe, headline)
        except StepFailed as failure:
            if self._new:
                failure.add_note(NEW)
            raise
        self._new = False
        if (entry := Entry.of(result)) is not None:
            self._journal.append(entry)
            made = {(node, repr(key)) for node in entry.steps for key in entry.keys(node)}
            self._made |= made
            self._home.remember(made)
        return result

    def build(self) -> Result:
        """Wire the whole planned cluster, all nodes at the same time."""
        headline = f"{len(self.plan.nodes)} nodes and {len(self.plan.pods())} Pods are wired"
        return self.run(recipes.cluster(self.plan), headline)

    def undo(self) -> Result:
        """
        Take back the last run that changed something.

        Raises UndoRefused, and changes nothing, if what it made has changed since; LabError if there is nothing left.
        """
        self._must_be_alive()
        if not self._journal:
            here = "; what its owner ran is taken back there" if self._home.joined else ""
            since = "joined" if self._home.joined else "opened"
            raise LabError(f"nothing to undo: no step has changed anything since the lab was {since}, or came here by goto{here}")
        entry = self._journal[-1]
        entry.refuse_if_changed(self.snapshot(*entry.steps))
        inverse = entry.inverse()
        with self._at_work():
            result = run(
                self._home.agents, inverse, "taken back:" if any(inverse.values()) else "nothing was left of that run to take back"
            )
        entry.refuse_if_left(result.after)
        self._journal.pop()
        return result

    def goto(self, stage: str) -> Goto:
        """
        Bring the lab to the state before *stage* (or to "done"), wherever it is and whoever made what is there.

        Goes back to how the nodes were when the lab was opened, then runs the stages before; names what it removed that
        no step of this lab had made. Nodes, and shells open on them, stay.
        """
        steps = recipes.before(stage, self.plan)
        self._must_be_alive()
        self._leave_exercise()
        short = {name: recipes.shortcut(steps[name]) for name in steps if steps[name]}
        with self._at_work():
            back = reset(self._home, self._baseline, self._made)
            self._broken = None
            result = run(self._home.agents, short) if short else None
        self._journal.clear()
        self._new = False
        self._made = {(name, repr(key)) for name in short for step in short[name] for key in step.touches()}
        self._home.remember(self._made, anew=True)
        return Goto(f"the lab is ready for stage {stage!r}" if stage != "done" else "the lab is wired", back, result)

    def reset(self) -> Reset:
        """Bring every node back to how it was when the lab was opened; says what it removed, and is polite the second time."""
        self._must_be_alive()
        self._leave_exercise()
        with self._at_work():
            back = reset(self._home, self._baseline, set())
        self._broken = None
        self._journal.clear()
        self._made.clear()
        self._home.remember(set(), anew=True)
        return Reset("the lab is as it was opened" if back else "nothing to do: the lab is as it was opened", back)

    def script(self, node: str | None = None) -> str:
        """The planned cluster's wiring as a shell script, for one node, or for all by its first argument."""
        return recipes.script(recipes.cluster(self.plan), node)

    # Pods

    def add_pod(self, node: str, address: str | None = None) -> Result:
        """
        Wire one more Pod on *node*, with the next free address of its subnet, or with *address*.

        What is free is what no kernel of the cluster has: nothing is kept in a file. Raises BadInput if the address is
        taken or outside the subnet, or if none is left.
        """
        if node == OUTSIDE_NAME:
            raise BadInput("outside is not in the cluster: it has no Pods")
        self[node]
        cluster, planned = self.snapshot(), self.plan[node]
        pod = pods.free(cluster, planned) if address is None else pods.wanted(cluster, planned, address)
        here = replace(planned, bridge=pods.bridge_with_gateway(cluster, planned))
        return replace(self.run({node: recipes.pod(pod, here)}, f"{pod.name} is {pod.ip} on {node}"), pod=pod)

    def remove_pod(self, name: str) -> Result:
        """Take a Pod away, cable and namespace; its address is free again. Raises BadInput if no node has it, or several do."""
        node, steps = pods.removal(self.snapshot(), name)
        return self.run({node: steps}, f"{name} is gone from {node}; its address is free")

    # Shells and the end

    def shell(self, node: str, script: str, output: Callable[[int, bytes], None]) -> int:
        """Run *script* with bash on *node*; *output* gets (1 or 2, bytes) as they come; returns the exit status."""
        self[node]
        self._must_be_alive()
        return self._home.agents[node].shell(script, output)

    def close(self) -> None:
        """
        End the lab: its processes, and with them its namespaces and mounts. A second time does nothing.

        VMs stay as they are: closing their lab lets somebody else open it. One that was joined goes on, without us.
        """
        if not self._closed:
            self._closed = True
            if self._registered is not None:
                running_labs.unregister(self._registered)  # first: nobody is to find a lab that is about to end
            if self._watcher is not None:
                self._watcher.end()
            self._home.close()
            open_labs.forget(self)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _must_be_alive(self) -> None:
        if not self.alive:
            again = "Lab.join() joins it again" if self._home.joined else "Lab.open() opens a new one"
            why = f"is closed; {again}" if self._closed else self._home.why_gone()
            raise LabGone(f"the lab {self.name!r} {why}")

    def __repr__(self) -> str:
        if not self.alive:
            return f"<lab {self.name!r}: closed>"
        outside = f" and {OUTSIDE_NAME} ({OUTSIDE.ip})" if OUTSIDE_NAME in self._nodes else ""
        nodes = f"{', '.join(node.name for node in self.plan.nodes)}{outside}"
        return f"<lab {self.name!r}{', joined' if self._home.joined else ''}: {nodes}>" + (f"\n{NEW}" if self._new else "")


def _plan(nodes: int, pods: int) -> Plan:
    return plan(nodes, pods)


def _tell_jupyter() -> None:
    """In a notebook: pictures for results, and the cell magic."""
    from podnet_lab.jupyter import magic  # here: it knows the lab, too

    magic.install()
