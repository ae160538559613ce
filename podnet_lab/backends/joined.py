"""
Somebody else's running lab, through agents of our own: in a node's namespaces, or podnet-agent on a VM.

The chain of an agent's command on one machine: setpriv makes its first process, which waits outside of the PID namespace,
die with the thread that started it; setsid takes both out of a terminal's process group, so an interrupt passes them by.
Its second process is the agent: it ends when nobody can speak to it any more, after it has ended the shells that it runs;
and with the lab, whose PID namespace holds it. Its code is this process's, whatever the node has in its place
(`podnet_lab.kernel.entered_agent`).
"""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from podnet_lab.backends import plan_json, running_labs, vms
from podnet_lab.backends.agent_client import AgentClient, Refusal
from podnet_lab.backends.backend import Backend
from podnet_lab.backends.baseline import Baseline
from podnet_lab.backends.netns import READY, READY_NODE, NetnsBackend
from podnet_lab.backends.running_labs import Entry
from podnet_lab.errors import LabGone, LabHeld, NoLab
from podnet_lab.plan import Plan
from podnet_lab.plan import plan as usual_plan


class RunningLab(NamedTuple):
    """A lab to be joined: *key* is what this process calls it, *network* names its Pod network, *join* starts agents of our own there."""

    key: str
    name: str
    plan: Plan
    network: str | None
    join: Callable[[], Backend]


def find(name: str | None = None) -> RunningLab:
    """The running lab to join, as `podnet shell` chooses it; NoLab if there is none, or several and none was named."""
    if name is None and vms.here():
        return JoinedVms.running(vms.open_lab())
    entry = running_labs.choose(name)
    return kind_of(entry).running(entry)


def kind_of(entry: Entry) -> type[JoinedNetns] | type[JoinedVms]:
    """What a running lab is joined by; NoLab if that was opened by another version."""
    for kind in (JoinedNetns, JoinedVms):
        if kind.where == entry.where:
            return kind
    raise _of_another_version(entry)


def planned(entry: Entry) -> tuple[Plan, str]:
    """The plan of a running lab and the name of its Pod network, as its owner wrote them down; NoLab if that was an older version."""
    try:
        return plan_json.to_plan(entry.plan), plan_json.network_of(entry.plan)
    except (KeyError, TypeError, ValueError) as error:
        raise _of_another_version(entry) from error


def _of_another_version(entry: Entry) -> NoLab:
    return NoLab(f"another version of podnet_lab opened the lab {entry}: it can't be joined")


def agent_command(pid: int, python: str, guarded: bool = False) -> str:
    """The command of an agent in the namespaces of process *pid*; *guarded*: nobody there can look into it, or change it."""
    words = [python, "-P", "-m", "podnet_lab.kernel.entered_agent", str(pid), "guarded" if guarded else "open"]
    return shlex.join(["setpriv", "--pdeathsig", "KILL", "setsid", *words])


class JoinedNetns(NetnsBackend):
    """
    Agents of our own beside those of a running one-machine lab.

    *baseline* and *pids* are known by whoever has found it where this process would not look; *guarded*: nobody who works
    there is to look into these agents, or to change them.
    """

    fresh, joined = False, True

    def __init__(self, entry: Entry, baseline: dict | None = None, pids: dict[str, int] | None = None, guarded: bool = False) -> None:
        super().__init__()
        import execnet

        self._entry, self.processes, self._guarded = entry, dict(entry.nodes), guarded
        self._starting: dict = {}  # agents that have not said anything yet, by name: execnet's ends of their pipes
        late = threading.Timer(READY + READY_NODE * len(entry.nodes), self._end_agents)  # one that is stopped says nothing, for ever
        late.daemon = True
        try:
            self._raw = running_labs.baseline(entry) if baseline is None else baseline
            self._pids = running_labs.host_pids(entry.nodes) if pids is None else pids
            late.start()
            self._enter_all([name for name in entry.nodes if name != "lab"])
            for answer in [agent.start("who") for agent in self.agents.values()]:
                answer()
            late.cancel()
        except (OSError, EOFError, AssertionError, execnet.RemoteError, LabGone, Refusal) as error:
            self.close()
            raise NoLab(f"the lab {entry} could not be joined: {error or 'it ended this moment'}") from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def running(cls, entry: Entry) -> RunningLab:
        """The lab of *entry*, to be joined."""
        return RunningLab(f"{entry.name}@{entry.owner}", entry.name, *planned(entry), lambda: cls(entry))

    def _enter_all(self, names: list[str]) -> None:
        """Start an agent on each node, all before the first is waited for: what they load takes as long as all the rest."""
        from execnet import XSpec, gateway_bootstrap, gateway_io

        specs = {name: XSpec(f"{self._spec(name)}//execmodel={self._group.remote_execmodel.backend}") for name in names}
        started = self._starting
        try:
            for name, spec in specs.items():
                started[name] = gateway_io.create_io(spec, execmodel=self._group.execmodel)
            for name, spec in specs.items():
                gateway = gateway_bootstrap.bootstrap(started[name], spec)
                gateway.spec = spec
                self._group._register(gateway)
                started.pop(name)
                self.agents[name] = AgentClient(name, gateway, self.writer)
        finally:
            for io in started.values():
                io.popen.terminate()

    def _spec(self, name: str) -> str:
        return f"popen//id={name}//python={agent_command(self._pids[name], sys.executable, self._guarded)}"

    def _end_agents(self) -> None:
        for io in [*self._starting.values(), *(gateway._io for gateway in list(self._group))]:
            io.popen.terminate()  # which ends the agent, too

    @cached_property
    def lab_agent(self) -> AgentClient:
        """An agent beside the external network; few need it."""
        return self._agent("lab", self._spec("lab"))

    def baseline(self) -> Baseline:
        """As the lab's owner found the nodes when they were new."""
        return Baseline.of(self._raw)

    def why_gone(self) -> str:
        """Whose lab it was."""
        return f"has ended, or lost a node; {self._entry.holder} had opened it. `podnet labs` lists those that run"


class JoinedVms(vms.VmsBackend):
    """The VMs' agents without their lease: to look, to try, and to run steps, but not to bring the whole lab back."""

    joined = True

    def __init__(self, entry: Entry | None) -> None:
        self._entry = entry
        self._open(self._reach_all)

    @classmethod
    def running(cls, entry: Entry | None) -> RunningLab:
        """The VMs' lab, to be joined; *entry* is None where nobody has it open."""
        vms.refuse_elsewhere()
        plan, network = planned(entry) if entry else (usual_plan(), None)
        vms.refuse_other_nodes(plan, vms.here())
        owner, name = (entry.owner, entry.name) if entry else ("nobody", "vms")
        return RunningLab(f"{name}@{owner}", name, plan, network, lambda: cls(entry))

    def _reach_all(self) -> None:
        wanted = {node: (node, "agent") for node in self._config["nodes"]}
        if self._entry:  # the host outside lives as long as an open lab
            network = self._entry.nodes["outside"]["namespaces"]["net"]
            wanted["outside"] = (self._config["outside"]["node"], f"agent-outside {network}")
        self._reach(wanted)

    def _plug_outside(self) -> None:
        """It has its card from the lab's holder."""
        outside = self.agents["outside"]
        self.processes["outside"] = outside.call("who")
        self._outside = (outside.call("read")["spaces"], outside.call("unmanaged_state"))

    def refuse_reset(self) -> None:
        """Only who holds the VMs may bring them back."""
        holder = f"is held by {self._entry.holder}" if self._entry else "is not open"
        raise LabHeld(f"the lab of VMs {holder}: it is brought back by who holds it, or by `podnet reset`, which takes it (--take-over)")

    def recall(self) -> set[tuple[str, str]]:
        """What is done from here is as done by hand."""
        return set()

    def remember(self, made: set[tuple[str, str]], anew: bool = False) -> None:
        """As above."""

    def why_gone(self) -> str:
        """Which agent ended, and what that means."""
        if self._entry and all(agent.alive for name, agent in self.agents.items() if name != "outside"):
            return f"was closed by {self._entry.holder}; Lab.join() joins what there is now"
        return f"{self._lost()}. Then Lab.join() joins it again"
