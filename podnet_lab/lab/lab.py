"""The lab, as a notebook holds it: nodes, steps, checks, undo, and the way to any stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from podnet_lab.backends import running_labs
from podnet_lab.backends.backend import Backend
from podnet_lab.backends.choice import open_backend
from podnet_lab.backends.limits import named
from podnet_lab.errors import BadInput, LabError, NoLab
from podnet_lab.lab import open_labs
from podnet_lab.lab.core import NEW, OUTSIDE_NAME, LabCore
from podnet_lab.lab.current_exercise import CurrentExercise
from podnet_lab.lab.interrupts import uninterrupted
from podnet_lab.lab.journal import Entry
from podnet_lab.lab.node import Node
from podnet_lab.lab.parts import LabParts, delegated_to, handed_on, in_turn
from podnet_lab.lab.required_programs import fitting, require_programs
from podnet_lab.name_suggestions import suggest_attribute
from podnet_lab.networks import registry as networks
from podnet_lab.networks.base import Network
from podnet_lab.plan import OUTSIDE, Plan
from podnet_lab.recipes.results import Result
from podnet_lab.recipes.scripts import script
from podnet_lab.typed_arguments import checked

if TYPE_CHECKING:
    from podnet_lab.backends.joined import RunningLab
    from podnet_lab.exercises.task import Task
    from podnet_lab.lab.broken import Broken
    from podnet_lab.model import Cluster


class Lab:
    """
    A cluster of nodes: namespaces of this machine, or the three VMs of `vagrant up`; open one with `Lab.open()`.

    It lives as long as the process that opened it, or until `close()`; ``with Lab.open() as lab:`` closes it, too. Its *parts* do
    the work. Threads may share it: their calls take turns, but for shells, which run at the same time.
    """

    def __init__(self, plan: Plan, name: str, backend: Backend, network: Network) -> None:
        core = LabCore(plan, name, backend, network)
        self.plan, self.name, self.network = core.plan, name, network
        self.parts = LabParts(self, core)
        self._nodes = {name: Node(self, name) for name in backend.agents}

    @classmethod
    @checked
    @named("the lab did not start")
    def open(
        cls,
        nodes: int | None = None,
        pods: int | None = None,
        name: str = "lab",
        plan: Plan | None = None,
        *,
        network: str | Network | None = None,
        where: str | None = None,
        take_over: bool = False,
        node_python: str | None = None,
        privileged: bool = False,
    ) -> Lab:
        """
        Open a lab of *nodes* nodes (3), planned for *pods* Pods each (2), or of a `Plan`; give back the open one of that name.

        *network* is the Pod network that is to be wired there, by its name or as a value of one's own; without it the lesson's.
        On one of the three VMs of `vagrant up` it is their lab, of which there is one, and *take_over* takes it from whoever else
        holds it; elsewhere, and with ``where="namespaces"``, a lab of its own on this machine, in a user namespace; of root's, a
        *privileged* one is not, for what needs the machine's own root, such as eBPF.

        Raises CannotRun where this machine can't; LabError if one of that name has another plan or network, or the VMs are held.
        """
        wired = networks.find(network)
        wanted = plan or wired.plan(3 if nodes is None else nodes, 2 if pods is None else pods)
        if (running := open_labs.running(running_labs.lab_name(name))) is not None:
            if (nodes, pods, plan) != (None, None, None) and wanted.with_uplinks(running.plan.uplinks) != running.plan:
                raise LabError(f"the lab {name!r} is open with another plan; close it first, or give this one a name of its own")
            if network is not None and running.network not in (wired, wired.stand_in):
                raise LabError(f"the lab {name!r} is open with the network {running.network.name}; close it, or open one of another name")
            if privileged and not running.parts.core.backend.privileged:
                raise LabError(f"the lab {name!r} is open, and not privileged; close it, or give this one a name of its own")
            return running
        running_labs.labs()  # sweeps what others left
        return cls._start(name, name, wanted, wired, lambda: open_backend(wanted, where, take_over, node_python, privileged))

    @classmethod
    @checked
    @named("no lab could be joined")
    def join(cls, name: str | None = None) -> Lab:
        """
        Another process's running lab, by its name, its notebook, or its owner's number; without *name*, the one that runs.

        Its agents are this process's own, in the same namespaces: it works like the lab itself, and sees what others do there as
        done by hand. `undo` takes back what was run here; `close` ends these agents, and the servers that it started, not the lab.
        On node1 of the VMs it is their lab; then `goto` and `reset` are left to its holder. Raises NoLab if there is none to tell.
        """
        from podnet_lab.backends import joined  # here: who opens a lab joins none

        return cls.of_running(joined.find(name))

    @classmethod
    def of_running(cls, running: RunningLab) -> Lab:
        """Join a running lab that was found already; NoLab if it can't be joined."""
        if (lab := open_labs.running(running.key)) is not None:
            return lab
        try:
            network = networks.find(running.network)
        except BadInput as error:
            raise NoLab(f"the lab {running.name!r} can't be joined: {error}") from error
        return cls._start(running.key, running.name, running.plan, network, running.join)

    @classmethod
    def _start(cls, key: str, name: str, plan: Plan, network: Network, start: Callable[[], Backend]) -> Lab:
        lab = None
        try:
            with uninterrupted():
                backend = start()
                try:
                    network = fitting(backend, plan, network)
                    require_programs(backend, plan, network)
                    lab = open_labs.OPEN[key] = cls(plan, name, backend, network)
                except BaseException:
                    backend.close()
                    raise
        except BaseException:  # an interrupt, or what another signal's handler raises
            if lab is not None:  # whoever asked for it will never have it
                lab.close()
            raise
        return lab

    @property
    def nodes(self) -> list[Node]:
        """The cluster's nodes, in order."""
        return [self._nodes[node.name] for node in self.plan.nodes]

    @property
    def outside(self) -> Node:
        """The host on the external network that is not in the cluster."""
        return self._nodes[OUTSIDE_NAME]

    def __getattr__(self, name: str) -> NoReturn:
        nodes = self.__dict__.get("_nodes", {})
        if name in nodes:
            raise AttributeError(f"a lab has no {name!r}: it is lab[{name!r}]")
        suggest_attribute(self, name)

    def __getitem__(self, name: str) -> Node:
        self.parts.core.require_node(name)
        return self._nodes[name]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    # What its parts do. Each is described where it is done: `LabCore.run`, `Observer.ping` …
    run = handed_on("core", LabCore.run)
    undo = handed_on("core", LabCore.undo)
    snapshot = handed_on("core", LabCore.snapshot)
    everyone = handed_on("core", LabCore.everyone)
    shell = handed_on("core", LabCore.shell, in_turn=False)
    topology = delegated_to("pictures", "topology")
    ping = delegated_to("observer", "ping")
    explain = delegated_to("explainer", "explain")
    matrix = delegated_to("observer", "matrix")
    check = delegated_to("observer", "check")
    bgp = delegated_to("pictures", "bgp")
    trace = delegated_to("tracer", "trace")
    by_hand = delegated_to("handwriting", "by_hand")

    serve = delegated_to("services", "serve")
    stop_serving = delegated_to("services", "stop_serving")
    ask = delegated_to("services", "ask")
    connect = delegated_to("services", "connect")
    services = delegated_to("services", "services")
    check_service = delegated_to("services", "check_service")
    serve_names = delegated_to("services", "serve_names")
    use_names = delegated_to("services", "use_names")
    resolve = delegated_to("services", "resolve")
    flows = delegated_to("services", "flows")
    forget_flows = delegated_to("services", "forget_flows")

    apply = delegated_to("policies", "apply")
    policies = delegated_to("policies", "policies")
    remove_policies = delegated_to("policies", "remove_policies")
    runtime = delegated_to("runtimes", "runtime")
    containers = delegated_to("containers", "containers")
    kubernetes = property(lambda self: self.parts.kubernetes, doc="A real Kubernetes: `up`, `status`, `kubectl`, `down`.")
    break_something = delegated_to("faults", "break_something")
    hint = delegated_to("faults", "hint")
    fault_hints = delegated_to("faults", "hints")
    give_up = delegated_to("faults", "give_up")
    exercise = handed_on("exercise", CurrentExercise.exercise)

    build = delegated_to("stages", "build")
    goto = delegated_to("stages", "goto")
    reset = delegated_to("stages", "reset")

    live_topology = delegated_to("widgets", "live_topology")
    live_matrix = delegated_to("widgets", "live_matrix")
    stage_panel = delegated_to("widgets", "stage_panel")

    @property
    def alive(self) -> bool:
        """Whether its processes still run."""
        return self.parts.core.alive

    @property
    def busy(self) -> bool:
        """Whether something runs in it: whoever looks now sees half of it."""
        return self.parts.core.activity.busy

    @property
    def secret_changes(self) -> int:
        """How often something was done for somebody to find out: what changed then is not shown."""
        return self.parts.core.activity.secret_changes

    @property
    def before_last_run(self) -> Cluster | None:
        """How nodes were before the last run; None once something was done for somebody to find out."""
        return self.parts.core.before_last_run

    @property
    def last_run(self) -> Entry | None:
        """The last run that changed something, and that `undo` would take back."""
        return self.parts.core.last_run

    @property
    def unaided(self) -> bool:
        """Whether something is to be found out here: then reasons of failures are not told unasked."""
        return self.parts.unaided.on

    @property
    def broken(self) -> Broken | None:
        """What `break_something` broke, until it is given up, or the lab is brought back; shown, it gives nothing away."""
        return self.parts.broken.now

    @property
    def task(self) -> Task | None:
        """The exercise that the lab is at."""
        return self.parts.exercise.task

    @checked
    def script(self, node: str | None = None, language: str = "shell") -> str:
        """
        The planned cluster's wiring as a shell script, for one node, or for all by its first argument.

        With ``language="pyroute2"`` it is a Python program that does the same.
        """
        return script(self.network.cluster(self.plan), node, language)

    @in_turn
    def add_pod(self, node: str, address: str | None = None) -> Result:
        """
        Wire one more Pod on *node*, with the next free address of its subnet, or with *address*.

        What is free is what no kernel of the cluster has: nothing is kept in a file. Raises BadInput if the address is
        taken or outside the subnet, or if none is left.
        """
        if node == OUTSIDE_NAME:
            raise BadInput("outside is not in the cluster: it has no Pods")
        self[node]
        pod, steps = self.network.new_pod(self.snapshot(), self.plan[node], address)
        return replace(self.run({node: steps}, f"{pod.name} is {pod.ip} on {node}"), pod=pod)

    @in_turn
    def remove_pod(self, name: str) -> Result:
        """Take a Pod away, cable and namespace; its address is free again. Raises BadInput if no node has it, or several do."""
        node, steps = self.network.removal(self.snapshot(), name)
        return self.run({node: steps}, f"{name} is gone from {node}; its address is free")

    def close(self) -> None:
        """
        End the lab: its processes, and with them its namespaces and mounts. A second time does nothing.

        VMs stay as they are: closing their lab lets somebody else open it. One that was joined goes on, without us; so does one
        whose process has forked this one.
        """
        with uninterrupted():
            if self.parts.core.close():
                open_labs.forget(self)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        core = self.parts.core
        if not self.alive:
            return f"<lab {self.name!r}: {core.process.words if core.process.is_forked else 'closed'}>"
        outside = f" and {OUTSIDE_NAME} ({OUTSIDE.ip})" if OUTSIDE_NAME in self._nodes else ""
        nodes = f"{', '.join(node.name for node in self.plan.nodes)}{outside}"
        return f"<lab {self.name!r}{', joined' if core.backend.joined else ''}: {nodes}>" + (f"\n{NEW}" if core.new else "")
