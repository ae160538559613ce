"""
What a Pod network is: the contract that each folder of `podnet_lab.networks` fulfils with a value NETWORK in its network.py.

It says how addresses are planned, in which stages a person wires it, what one more Pod needs, which daemons it starts, what it
needs of a machine, and the facts by which it is compared with others. `lab.goto`, `lab.check`, panels, demo, exercises and
scripts ask it, and nobody else knows the names of its stages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from podnet_lab.checks.check import Checks
from podnet_lab.daemons.base import Daemon
from podnet_lab.daemons.steps import StartDaemon
from podnet_lab.devices import link
from podnet_lab.devices.registry import kind_of
from podnet_lab.errors import BadInput
from podnet_lab.model import Cluster, Snapshot
from podnet_lab.name_suggestions import did_you_mean, no_such
from podnet_lab.networks.ipam import free_pod, pod_with_address
from podnet_lab.plan import Node, Plan, Pod, plan
from podnet_lab.steps import namespace
from podnet_lab.steps.base import Step

if TYPE_CHECKING:
    from podnet_lab.explain.fault import Fault

DONE = "done"
"""Where a lab is after all stages of its network."""

SERVICES = "services"
"""The same place, where the lesson about Services begins."""


@dataclass(frozen=True)
class Stage:
    """
    A part of the work with a name of its own: what *steps* it takes on a node, and what must be true there then.

    *checks* judge a node among all others, whoever did the work; their last argument is how many Pods a node is to have. Where
    daemons go on by themselves once all nodes have theirs, the checks hold within *settles* seconds, and are waited for.
    """

    name: str
    title: str
    steps: Callable[[Node, Plan], list[Step]]
    checks: Callable[[Snapshot, Cluster, int], Checks]
    settles: float = 0.0


@dataclass(frozen=True)
class Need:
    """A *program* that the network needs on every node, and Debian's *package* that has it."""

    program: str
    package: str


@dataclass(frozen=True)
class DeviceFile:
    """A device's file at *path* that the network needs on every node, to be read and written; and what helps where it can't be."""

    path: str
    remedy: str


@dataclass(frozen=True)
class Facts:
    """
    What a network costs and gives: *mtu* in bytes for a Pod's packet, *overhead* in bytes that it adds to each frame on the wire.

    *ttl* is what is left of a TTL of 64 at a Pod of another node. The rest is told in words; *real* is what is as in the
    network that it is named after, *stands_in* what is not.
    """

    mtu: int
    overhead: int
    ttl: int
    pod_sees: str
    per_remote_node: str
    per_remote_pod: str
    real: tuple[str, ...] = ()
    stands_in: tuple[str, ...] = ()


class Network:
    """A Pod network; a folder of `podnet_lab.networks` has a class made of this one, and its one value."""

    name: str
    title: str
    stages: tuple[Stage, ...]
    facts: Facts
    needs: tuple[Need, ...] = ()
    device_files: tuple[DeviceFile, ...] = ()
    """What it needs of /dev on every node."""
    natively: str = ""
    """An interface that it needs of the kernel, which its *module* brings; where nodes' kernels have none, its *stand_in* is opened."""
    module: str = ""
    stand_in: Network | None = None
    faults: tuple[Fault, ...] = ()
    """What can be broken of it beside that."""
    cable_prefix: str = "pod"
    """What the node's ends of cables begin with that a CNI plugin makes: a network's rules may go by it."""

    @property
    def common_faults(self) -> tuple[Fault, ...]:
        """What can be broken of it as of other Pod networks: all of them, if its Pods hang on bridges."""
        from podnet_lab.explain.faults import FAULTS  # here: networks are wired by many, and broken by few

        return FAULTS

    # The address plan

    def plan(self, nodes: int, pods: int) -> Plan:
        """The addresses of *nodes* nodes of *pods* Pods each."""
        return plan(nodes, pods)

    # Stages

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The names of its stages, in order."""
        return tuple(stage.name for stage in self.stages)

    @property
    def starts(self) -> tuple[str, ...]:
        """Where `lab.goto` can go: before each stage, and after all."""
        return (*self.stage_names, DONE, SERVICES)

    def stage(self, name: str) -> Stage:
        """The stage of that name; BadInput if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        if name in self.starts:
            judged = f"lab.check() judges the whole network, lab.check(STAGE) one of {', '.join(self.stage_names)}"
            raise BadInput(f"{name!r} is after all stages, and none of them: lab.goto goes there; {judged}")
        raise BadInput(no_such("stage", name, self.stage_names))

    def steps(self, stage: str, node: Node, plan: Plan) -> list[Step]:
        """What a stage takes on one node."""
        return self.stage(stage).steps(node, plan)

    def checks(self, stage: str, node: Snapshot, cluster: Cluster, pods: int = 1) -> Checks:
        """What must be true on *node* once a stage is done, with *pods* Pods planned for it."""
        return self.stage(stage).checks(node, cluster, pods)

    def earlier(self, start: str) -> tuple[Stage, ...]:
        """The stages before *start*; BadInput if there is no such place."""
        if start not in self.starts:
            raise BadInput(no_such("stage", start, self.starts))
        return tuple(self.stages[: self.starts.index(start)])

    def before(self, start: str, plan: Plan) -> dict[str, list[Step]]:
        """What the stages before *start* take, node by node; BadInput if there is no such place."""
        earlier = self.earlier(start)
        return {node.name: [step for stage in earlier for step in stage.steps(node, plan)] for node in plan.nodes}

    # The whole, and one Pod more or less

    def node(self, node: Node, plan: Plan) -> list[Step]:
        """All that one node needs, as fast as it goes: by itself, stage after stage."""
        return [step for stage in self.stages for step in stage.steps(node, plan)]

    def cluster(self, plan: Plan) -> dict[str, list[Step]]:
        """The whole cluster as one recipe."""
        return {node.name: self.node(node, plan) for node in plan.nodes}

    def daemons(self, node: Node, plan: Plan) -> tuple[Daemon, ...]:
        """The programs that its stages start on a node; the package of each is among its *needs*."""
        return tuple(step.daemon for step in self.node(node, plan) if isinstance(step, StartDaemon))

    def first_steps(self, node: Node) -> list[Step]:
        """What makes a node ready for its first Pod, whatever the other nodes are: its bridge, for example."""
        return []

    def pod(self, pod: Pod, node: Node) -> list[Step]:
        """
        All that one Pod needs on a node that is ready for it.

        Its cable is called as the Pod says, if it does (`podnet_lab.plan.Pod.ends`): so whoever runs containers has it made, too.
        """
        raise NotImplementedError

    def ready_node(self, cluster: Cluster, planned: Node) -> Node:
        """The node as a new Pod finds it, where names differ from the plan; LabError if it is not ready for one."""
        return planned

    def new_pod(self, cluster: Cluster, planned: Node, address: str | None = None) -> tuple[Pod, list[Step]]:
        """
        One more Pod on a node, with the next free address, or with *address*; and its steps.

        What is free is what no kernel of the cluster has: nothing is kept in a file. BadInput if it is taken, or none is left.
        """
        pod = free_pod(cluster, planned) if address is None else pod_with_address(cluster, planned, address)
        return pod, self.pod(pod, self.ready_node(cluster, planned))

    def gateway(self, node: Node) -> IPv4Address:
        """The gateway of a node's Pods."""
        return node.gateway.ip

    def forgotten(self, cable: str) -> list[Step]:
        """What takes away what a node has noted of a Pod's *cable*, called by its end there, beside what goes with the cable itself."""
        return []

    def removal(self, cluster: Cluster, name: str) -> tuple[str, list[Step]]:
        """The node that has the Pod *name*, and the steps that take it away; BadInput if no node has it, or several do."""
        nodes = [node for node in cluster if name in cluster[node].spaces]
        if not nodes:
            meant = did_you_mean(name, (pod.name for node in cluster.values() for pod in node.pods))
            raise BadInput(f"no node has a Pod called {name!r}{meant}")
        if len(nodes) > 1:
            raise BadInput(f"{' and '.join(nodes)} both have a Pod called {name!r}")
        ends = [end.peer for end in cluster[nodes[0]].spaces[name].links.values() if kind_of(end).paired and end.peer]
        return nodes[0], [*(link.remove(dev, space) for space, dev in ends if space != name), namespace.remove(name)]

    def __repr__(self) -> str:
        return f"<network {self.name}: {', '.join(self.stage_names)}>"
