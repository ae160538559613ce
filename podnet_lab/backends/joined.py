"""
Somebody else's running lab, through agents of our own: in a node's namespaces, or podnet-agent on a VM.

On one machine all of them are forked from one Python that was started for it (`podnet_lab.backends.door`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
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

        from podnet_lab.backends.door import Door
        from podnet_lab.backends.own_threads import late

        self._entry, self.processes, self._door = entry, dict(entry.nodes), None
        try:
            self._raw = running_labs.baseline(entry) if baseline is None else baseline
            self._pids = running_labs.host_pids(entry.nodes) if pids is None else pids
            self._door = Door(guarded)
            with late(READY + READY_NODE * len(entry.nodes), self._door.end):  # one that is stopped says nothing, for ever
                self._enter_all([name for name in entry.nodes if name != "lab"])
                for answer in [agent.start("who") for agent in self.agents.values()]:
                    answer()
        except (OSError, EOFError, AssertionError, execnet.RemoteError, LabGone, Refusal) as error:
            self.close()
            why = "" if isinstance(error, EOFError) else str(error)  # that speaks of bytes
            raise NoLab(f"the lab {entry} could not be joined: {why or 'it ended this moment'}") from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def running(cls, entry: Entry) -> RunningLab:
        """The lab of *entry*, to be joined."""
        return RunningLab(f"{entry.name}@{entry.owner}", entry.name, *planned(entry), lambda: cls(entry))

    def _enter_all(self, names: Sequence[str]) -> None:
        """Start an agent on each node, all before the first is waited for."""
        pipes = {name: self._door.agent(self._pids[name], self._threads) for name in names}
        with ExitStack() as unheard:
            for end in pipes.values():
                unheard.callback(end.close_read)
                unheard.callback(end.close_write)
            for name, end in pipes.items():
                self.agents[name] = self._client(name, end)
            unheard.pop_all()

    @cached_property
    def lab_agent(self) -> AgentClient:
        """An agent beside the external network; few need it."""
        return self._client("lab", self._door.agent(self._pids["lab"], self._threads))

    def _after_close(self) -> None:
        if self._door is not None:
            self._door.close()

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
