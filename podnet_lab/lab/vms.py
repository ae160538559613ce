"""
The lab of three virtual machines, seen from node1: node1's own agent by sudo, the others' through ssh.

Both ways lead to one program that root owns, vm/podnet-agent; provisioning (vm/provision) says who may run it.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

from podnet_lab.errors import BadInput, CannotRun, LabGone, LabHeld
from podnet_lab.kernel.vm import CONFIG
from podnet_lab.lab import runtime
from podnet_lab.lab.baseline import Baseline
from podnet_lab.lab.home import Home
from podnet_lab.lab.snapshots import snapshot
from podnet_lab.lab.wire import Refusal
from podnet_lab.plan import OUTSIDE, Plan

AGENT = "/usr/local/sbin/podnet-agent"
KEY = Path("/etc/podnet/key")
FIRST = "node1"
"""The VM where JupyterLab runs, and which alone can reach the others."""

SSH = (
    "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"
    # Theirs is a network of their own, and a VM that is made anew has a new key.
    " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
)
WHERE = ("vms", "namespaces")


def here() -> dict[str, Any] | None:
    """This VM's part in the lab, as provisioning wrote it: node, nodes, outside; None if this is not one of its VMs."""
    try:
        return json.loads(CONFIG.read_text())
    except FileNotFoundError:
        return None


def chosen(where: str | None) -> bool:
    """Whether a lab that is opened now is the VMs'; BadInput if *where* is no such place, CannotRun if they are not here."""
    if where not in (None, *WHERE):
        raise BadInput(f"a lab lives in {' or '.join(WHERE)}, not in {where!r}")
    found = here()
    if where == "vms" and found is None:
        raise CannotRun("this is not one of the lab's VMs: `vagrant up` makes them, see README")
    if found is None or where == "namespaces":
        return False
    if found["node"] != FIRST:
        raise CannotRun(f"this is {found['node']}: the lab is opened on {FIRST}, or on this VM alone with where='namespaces'")
    return True


def command(config: dict[str, Any], node: str, words: str, terminal: bool = False) -> str:
    """The command line that runs vm/podnet-agent with *words* on the VM *node*; *terminal*: for a person."""
    if node == config["node"]:
        return f"{AGENT} {words}"
    reach = f"{SSH} {'-t' if terminal else '-T'} -i {KEY} student@{config['nodes'][node]['management']}"
    return f"{reach} {shlex.quote(words)}"


class Vms(Home):
    """The agents of the VMs' lab; holds its lease, as nobody else can until it is closed or somebody takes it over."""

    where, fresh = "vms", False

    def __init__(self, plan: Plan, take_over: bool = False) -> None:
        self._config = here()
        fits(plan, self._config)
        super().__init__()
        try:
            self._reach(FIRST, FIRST, "agent")
            if holder := self.agents[FIRST].call("lease", holder=_holder(), take_over=take_over):
                raise LabHeld(f"the lab of VMs is held by {holder}: close it there, or take it over with Lab.open(take_over=True)")
            self._start([node.name for node in plan.nodes])
            self._start_outside()
        except BaseException:
            self.close()
            raise

    @classmethod
    def look(cls) -> Vms:
        """The agents of all VMs, without `outside` and without the lease: to ask, and to change nothing."""
        self = cls.__new__(cls)
        self._config = here()
        Home.__init__(self)
        try:
            self._reach(FIRST, FIRST, "agent")
            self._start(list(self._config["nodes"]))
        except BaseException:
            self.close()
            raise
        return self

    def _start(self, nodes: list[str]) -> None:
        for node in nodes:
            if node not in self.agents:
                self._reach(node, node, "agent")
        for name, answer in [(node, self.agents[node].start("become_vm")) for node in nodes]:
            self.who[name] = self._answer(name, answer)
        self.agents = {node: self.agents[node] for node in nodes}

    def _start_outside(self) -> None:
        beside = self._config["outside"]["node"]
        outside = self._client("outside", beside, "outside")
        self.who["outside"] = outside.call("become_node", name="outside")
        lender = self.agents.get(beside) or self._client("lender", beside, "agent")
        if beside not in self.agents:
            lender.call("become_vm")
        lender.call("lend", network=self.who["outside"]["namespaces"]["net"])
        outside.call("uplink", address=str(OUTSIDE))
        self._outside = (outside.call("read"), outside.call("extras"))
        self.agents = {"outside": outside, **self.agents}

    def _reach(self, name: str, vm: str, words: str) -> None:
        self.agents[name] = self._client(name, vm, words)

    def _client(self, name: str, vm: str, words: str):
        # setsid: an interrupt of the notebook must not end ssh.
        spec = f"popen//id={name}//python=setsid {command(self._config, vm, words)}"
        try:
            return self._agent(name, spec)
        except (OSError, EOFError, AssertionError, LabGone) as error:
            raise CannotRun(f"{vm} does not answer: does it run? On your own computer: vagrant status, and vagrant up {vm}") from error

    def _answer(self, name: str, answer) -> Any:
        try:
            return answer()
        except Refusal as refusal:
            raise CannotRun(f"{name} is not ready: {refusal}. On your own computer: vagrant provision {name}") from refusal

    def baseline(self) -> Baseline:
        """As provisioning stored it on each VM; `outside` is made anew with the lab."""
        raw = {name: agent.call("baseline") for name, agent in self.agents.items() if name != "outside"}
        snapshots = {"outside": snapshot("outside", self._outside[0])}
        snapshots |= {name: snapshot(name, one["snapshot"]) for name, one in raw.items()}
        return Baseline(snapshots, {"outside": self._outside[1]} | {name: one["extras"] for name, one in raw.items()})

    def mend(self, baseline: Baseline) -> list[str]:
        """Bring cards back that a student moved into a Pod."""
        answers = [(name, agent.start("mend_card")) for name, agent in self.agents.items() if name != "outside"]
        return [f"{name}# {words}" for name, answer in answers for words in answer()]

    def recall(self) -> set[tuple[str, str]]:
        """As node1's agent kept it; it is gone when node1 starts anew, and so is what it is about."""
        return {(node, key) for node, key in self.agents[FIRST].call("recall")}

    def remember(self, made: set[tuple[str, str]], anew: bool = False) -> None:
        """Have node1's agent keep it."""
        self.agents[FIRST].start("remember", made=sorted(made), anew=anew)


def fits(plan: Plan, config: dict[str, Any]) -> None:
    """Raise BadInput if a plan needs other nodes than the VMs are."""
    have = {name: node["external"] for name, node in config["nodes"].items()}
    known = ", ".join(f"{name} ({address})" for name, address in have.items())
    for node in plan.nodes:
        if have.get(node.name) != str(node.external):
            raise BadInput(
                f"the VMs are {known}, and {node.name} ({node.external}) is none of them;"
                " Lab.open(…, where='namespaces') opens a lab of any size inside this VM"
            )


def _holder() -> str:
    return f"{runtime.notebook() or 'a program'} (process {os.getpid()})"
