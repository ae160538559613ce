"""
The lab of three virtual machines, seen from node1: node1's own agent by sudo, the others' through ssh.

Both ways lead to one program that root owns, vm/podnet-agent; provisioning (vm/provision) says who may run it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from podnet_lab.backends import running_labs
from podnet_lab.backends.agent_client import AgentClient, Refusal
from podnet_lab.backends.backend import Backend
from podnet_lab.backends.baseline import Baseline
from podnet_lab.backends.running_labs import Entry
from podnet_lab.errors import BadInput, CannotRun, LabHeld, StepConflict
from podnet_lab.kernel.socket_relay import relayed
from podnet_lab.kernel.vm_config import vm_config
from podnet_lab.model import NO_RULES
from podnet_lab.model.decode import snapshot
from podnet_lab.model.nftables import Ruleset
from podnet_lab.plan import OUTSIDE, Plan
from podnet_lab.steps.base import Step

AGENT = "/usr/local/sbin/podnet-agent"
KEY = Path("/etc/podnet/key")
FIRST = "node1"
"""The VM where JupyterLab runs, and which alone can reach the others."""

SSH = (
    "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"
    # Theirs is a network of their own, and a VM that is made anew has a new key.
    " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
)
HELP = "On your own computer: vagrant up {0}, or, if it runs, vagrant reload {0}"


def here() -> dict[str, Any] | None:
    """This VM's part in the lab, as provisioning wrote it: node, nodes, outside; None if this is not one of its VMs."""
    return vm_config()


def refuse_elsewhere() -> None:
    """Raise CannotRun where the VMs' lab can't be opened or joined: it is on the first of them alone."""
    config = here()
    if config is None:
        raise CannotRun("this is not one of the lab's VMs: `vagrant up` makes them, see docs/virtual-machines.md")
    if config["node"] != FIRST:
        raise CannotRun(f"this is {config['node']}: the lab is opened on {FIRST}, or on this VM alone with where='namespaces'")


def refuse_other_nodes(plan: Plan, config: dict[str, Any]) -> None:
    """Raise BadInput if a plan's nodes are not the VMs."""
    vms = {name: node["external"] for name, node in config["nodes"].items()}
    if {node.name: str(node.external) for node in plan.nodes} != vms:
        known = ", ".join(f"{name} ({address})" for name, address in vms.items())
        wanted = ", ".join(f"{node.name} ({node.external})" for node in plan.nodes)
        raise BadInput(f"the VMs are {known}, not {wanted}; Lab.open(…, where='namespaces') opens a lab of any size inside this VM")


def open_lab() -> Entry | None:
    """The open lab of the VMs, if a process of this user has it open."""
    return next((entry for entry in running_labs.labs() if entry.where == VmsBackend.where), None)


def command(config: dict[str, Any], node: str, words: str, terminal: bool = False) -> str:
    """The command line that runs vm/podnet-agent with *words* on the VM *node*; *terminal*: for a person."""
    if node == config["node"]:
        return f"{AGENT} {words}"
    reach = f"{SSH} {'-t' if terminal else '-T'} -i {KEY} student@{config['nodes'][node]['management']}"
    return f"{reach} {shlex.quote(words)}"


class VmsBackend(Backend):
    """The agents of the VMs' lab; holds its lease, as nobody else can until it is closed or somebody takes it over."""

    where, fresh, shared_clock, one_machine, leased, privileged = "vms", False, False, False, True, True
    pace = 5  # without hardware virtualisation; with it, nobody waits for longer than it takes

    def __init__(self, plan: Plan, take_over: bool = False) -> None:
        refuse_other_nodes(plan, here())
        self._open(lambda: self._hold(take_over))

    @classmethod
    def open(cls, plan: Plan, take_over: bool, node_python: str | None, privileged: bool) -> VmsBackend:
        """Hold the VMs; each has the Python that provisioning gave it, and root of its own."""
        return cls(plan, take_over)

    @classmethod
    def to_ask(cls) -> VmsBackend:
        """The agents of all VMs, without `outside` and without the lease: to ask, and to change nothing."""
        self = cls.__new__(cls)
        self._open(lambda: self._reach({node: (node, "agent") for node in self._config["nodes"]}))
        return self

    def _open(self, reach: Callable[[], None]) -> None:
        super().__init__()
        self._config = here()
        try:
            reach()
            nodes = {name: agent for name, agent in self.agents.items() if name != "outside"}
            for name, answer in [(name, agent.start("become_vm")) for name, agent in nodes.items()]:
                self.processes[name] = self._answer(name, answer)
            if "outside" in self.agents:
                self._plug_outside()
        except BaseException:
            self.close()
            raise

    def _hold(self, take_over: bool) -> None:
        self._reach({FIRST: (FIRST, "agent")})
        if holder := self.agents[FIRST].call("lease", holder=_holder(), take_over=take_over):
            by_whom = "here, under another name" if holder == _holder() else f"by {holder}"
            raise LabHeld(f"the lab of VMs is held {by_whom}: close it there, or take it over with Lab.open(take_over=True)")
        others = {node: (node, "agent") for node in self._config["nodes"] if node != FIRST}
        self._reach({"outside": (self._config["outside"]["node"], "outside"), **others})
        self.agents = {name: self.agents[name] for name in ("outside", *self._config["nodes"])}

    def _plug_outside(self) -> None:
        outside, beside = self.agents["outside"], self._config["outside"]["node"]
        self.processes["outside"] = outside.call("become_node", name="outside")
        card = self._answer(beside, self.agents[beside].start("move_spare_card", network=self.processes["outside"]["namespaces"]["net"]))
        outside.call("uplink", address=str(OUTSIDE), dev=card)
        self._outside = (outside.call("read")["spaces"], outside.call("unmanaged_state"))

    def _reach(self, wanted: dict[str, tuple[str, str]]) -> None:
        """Start agents, all at the same time: for each name, on which VM, and podnet-agent's word for its kind."""
        specs = {name: f"popen//id={name}//python=setsid {command(self._config, vm, words)}" for name, (vm, words) in wanted.items()}
        with ThreadPoolExecutor(len(specs) or 1) as threads:  # setsid: an interrupt of the notebook must not end ssh
            gateways = {name: threads.submit(self._gateway, spec) for name, spec in specs.items()}
        for name, gateway in gateways.items():
            vm = wanted[name][0]
            try:
                self.agents[name] = AgentClient(name, gateway.result(), self.writer)
            except (OSError, EOFError, AssertionError) as error:
                raise CannotRun(f"{vm} does not answer: does it run? {HELP.format(vm)}") from error

    def _answer(self, name: str, answer) -> Any:
        try:
            return answer()
        except Refusal as refusal:
            raise CannotRun(f"{name} is not ready: {refusal}. On your own computer: vagrant reload {name} --provision") from refusal

    def baseline(self) -> Baseline:
        """As provisioning stored it on each VM; `outside` is made anew with the lab."""
        raw = {name: agent.call("baseline") for name, agent in self.agents.items() if name != "outside"}
        outside = {"outside": self._outside} if "outside" in self.agents else {}
        snapshots = {name: snapshot(name, spaces) for name, (spaces, _) in outside.items()}
        snapshots |= {name: snapshot(name, node["snapshot"], _rules(node["unmanaged_state"])) for name, node in raw.items()}
        unmanaged_state = {name: of_outside for name, (_, of_outside) in outside.items()}
        return Baseline(snapshots, unmanaged_state | {name: node["unmanaged_state"] for name, node in raw.items()})

    def mend(self, baseline: Baseline) -> list[str]:
        """Bring cards back that a student moved into a Pod."""
        answers = [(name, agent.start("mend_card")) for name, agent in self.agents.items() if name != "outside"]
        return [f"{name}# {words}" for name, answer in answers for words in answer()]

    def socket(self, node: str, path: str) -> AbstractContextManager[str]:
        """Passed on by its agent: it is root's on the VM, this one's, too."""
        return relayed(partial(self.agents[node].connect, path))

    def refuse(self, node: str, steps: Sequence[Step]) -> None:
        """A step that names a card by which the VM is reached; the agent would refuse it, too, but may find it done already."""
        from podnet_lab.kernel.vm import NOT_OURS, possible_interfaces  # here: it loads all that an agent needs

        hidden = set(self.processes[node].get("hidden", ()))
        for step in steps:
            for _, namespace, arguments in step.requests():
                if namespace is None and (cards := hidden & possible_interfaces(arguments)):
                    raise StepConflict(node, step.command, f"{cards.pop()} {NOT_OURS}", "Which card has the node's address 192.168.1.…?")

    def why_gone(self) -> str:
        """Which agent ended, and what helps."""
        if FIRST in self._ended():
            return "was taken over by somebody else, or node1's agent ended; Lab.open() says who has it"
        return f"{self._lost()}. Then Lab.open() opens the lab again"

    def _ended(self) -> list[str]:
        """The VMs whose agents ended."""
        beside = self._config["outside"]["node"]
        return list(dict.fromkeys(beside if name == "outside" else name for name, agent in self.agents.items() if not agent.alive))

    def _lost(self) -> str:
        ended = self._ended()
        return f"has lost {' and '.join(ended)}: does it run? {HELP.format(' '.join(ended))}"

    def recall(self) -> set[tuple[str, str]]:
        """As node1's agent kept it; it is gone when node1 starts anew, and so is what it is about."""
        return {(node, key) for node, key in self.agents[FIRST].call("recall")}

    def remember(self, made: set[tuple[str, str]], anew: bool = False) -> None:
        """Have node1's agent keep it."""
        self.agents[FIRST].start("remember", made=sorted(made), anew=anew)


def _rules(unmanaged_state: dict[str, Any]) -> Ruleset:
    """A new VM's nftables: mostly none. What an image brought along is known by name alone, and left as it is."""
    return Ruleset(problem="this VM had tables of its own when it was new") if unmanaged_state["tables"] else NO_RULES


def _holder() -> str:
    return f"{running_labs.notebook() or 'a program'} (process {os.getpid()})"
