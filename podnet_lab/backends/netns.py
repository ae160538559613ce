"""A lab in namespaces of this machine, and how its processes are started (`podnet_lab.backends.netns_commands`)."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from podnet_lab.backends import running_labs
from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.backends.backend import Backend
from podnet_lab.backends.baseline import Baseline
from podnet_lab.backends.netns_commands import lab_command
from podnet_lab.backends.node_snapshots import take_snapshots
from podnet_lab.errors import CannotRun, LabError
from podnet_lab.kernel import nobodys_id
from podnet_lab.kernel.node_setup import UPLINK
from podnet_lab.model import Link
from podnet_lab.plan import OUTSIDE, Plan

NODE = "from podnet_lab.backends import nursery; nursery.serve_node(channel)"

LAB = "podnet_lab.backends.lab_program"

SPEAKS = b"1"
"""What an agent says first."""

READY = 20.0
"""Seconds after which a lab that has not answered is taken for one that can't run."""


END = 5.0
"""Seconds in which the processes of a lab end that were killed; 0.02 is usual."""

READY_NODE = 0.25
"""Seconds more for each node; 0.05 is usual."""


class NetnsBackend(Backend):
    """A one-machine lab: `lab_agent` is the agent that has the external network."""

    where, shared_clock, one_machine = "namespaces", True, True
    lab_agent: AgentClient

    def mend(self, baseline: Baseline) -> list[str]:
        """Cable a node anew whose interface to the external network was deleted."""
        mended = []
        for name, node in take_snapshots(self.agents, baseline.snapshots).items():
            if UPLINK in baseline.snapshots[name].own.links and not _is_uplink(node.own.links.get(UPLINK)):
                self._cable_anew(name, baseline)
                mended.append(f"{name}# (its cable to the external network was gone)")
        return mended

    def remake_uplink(self, node: str, baseline: Baseline, left: Sequence[str]) -> bool:
        """Cable a node anew, if something that is *left* is about its cable: a new interface has none of it."""
        if not any(UPLINK in words for words in left):
            return False
        self._cable_anew(node, baseline)
        return True

    def socket(self, node: str, path: str) -> AbstractContextManager[str]:
        """On the node's own /run, as /proc shows it to this process."""
        return nullcontext(f"/proc/{running_labs.host_pid(self.processes[node])}/root{path}")

    def _client(self, name: str, end: Any, via: str = "") -> AgentClient:
        """The agent of a node at the other *end* of execnet's pipes, once it speaks; *via*: whose pipes lead there."""
        from execnet import Gateway, XSpec

        if end.read(1) != SPEAKS:
            raise EOFError(f"{name} says something else than a node does")
        spec = XSpec(f"popen//{via}id={name}//execmodel={self._threads.backend}")
        gateway = Gateway(end, spec)
        gateway.spec = spec
        self._group._register(gateway)
        return AgentClient(name, gateway, self.writer)

    def _cable_anew(self, node: str, baseline: Baseline) -> None:
        self.agents[node].call("remove_uplink")
        self.lab_agent.call("cable", node=node, pid=self.processes[node]["pid"])
        self.agents[node].call("uplink", address=str(baseline.snapshots[node].own.addresses_of(UPLINK)[0]))


class OwnNetns(NetnsBackend):
    """The processes of a one-machine lab of this process."""

    fresh = True

    def __init__(self, plan: Plan, node_python: str | None = None, privileged: bool = False) -> None:
        if privileged and os.geteuid() != 0:
            raise CannotRun("a privileged lab is root's alone: open it as root, or leave out privileged=True")
        super().__init__()
        self.privileged, self._unshare = privileged, None
        import execnet

        try:
            self._start(plan, sys.executable, node_python or sys.executable)
        except (OSError, EOFError, AssertionError, RuntimeError, MemoryError, execnet.RemoteError, LabError) as error:
            # execnet asserts that the other side speaks, and says EOFError where it has gone; RuntimeError is that of threads.
            from podnet_lab.backends.doctor import explain_failure  # here: it is asked only when something is wrong

            self.close()
            raise CannotRun(explain_failure("the lab", error)) from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, plan: Plan, take_over: bool, node_python: str | None, privileged: bool) -> OwnNetns:
        """Start a lab of one's own; there is nobody to take it from."""
        return cls(plan, node_python, privileged)

    def _start(self, plan: Plan, python: str, node_python: str) -> None:
        from execnet.gateway_io import Popen2IOMaster

        from podnet_lab.backends.own_threads import late

        command = lab_command(python, self.privileged, None if self.privileged else nobodys_id.for_root(), node_python)
        external = {"outside": OUTSIDE, **{node.name: node.external for node in plan.nodes}}
        pipes = Popen2IOMaster([*shlex.split(command), "-m", LAB, node_python], self._threads)
        self._unshare = pipes.popen
        # What does not answer in time ends the whole lab: it would be waited for for ever.
        with late(READY + READY_NODE * len(external), self._unshare.kill):
            self.lab_agent = self._client("lab", pipes)
            self.processes["lab"] = self.lab_agent.call("become_lab")
            self._fork_nodes(external, node_python)
            answers = [(name, agent.start("become_node", name=name)) for name, agent in self.agents.items()]
            for name, answer in answers:
                self.processes[name] = answer()
            for name in external:
                self.lab_agent.call("cable", node=name, pid=self.processes[name]["pid"])
            for answer in [agent.start("uplink", address=str(external[name])) for name, agent in self.agents.items()]:
                answer()

    def _fork_nodes(self, names: Iterable[str], python: str) -> None:
        """Have the lab's nursery fork an agent for each node; all are asked for before the first is waited for."""
        from execnet.gateway_io import ProxyIO

        ends = {}
        for name in names:
            channel = self._group["lab"].remote_exec(NODE)
            channel.send(python)
            ends[name] = ProxyIO(channel, self._threads)
        for name, end in ends.items():
            self.agents[name] = self._client(name, end, "via=lab//")

    def _before_close(self) -> None:
        """
        Kill the first process of the lab's PID namespace, and with it all others there: they may be stopped, and can't be asked.

        It has ended when all of them have (pid_namespaces(7)). Its parent, `unshare`, is stopped before: it would say on our stderr
        that it can't end as its child did.
        """
        if (unshare := self._unshare) is None:
            return
        unshare.send_signal(signal.SIGSTOP)
        with suppress(OSError):  # it has ended already
            for child in map(int, Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()):
                with open(os.pidfd_open(child), "rb", buffering=0) as first:
                    signal.pidfd_send_signal(first.fileno(), signal.SIGKILL)
                    select.select([first], [], [], END)
        unshare.kill()
        unshare.wait()

    def baseline(self) -> Baseline:
        """Look at every node, now that it is new."""
        unmanaged_state = {name: agent.start("unmanaged_state") for name, agent in self.agents.items()}
        reads = {name: agent.start("read") for name, agent in self.agents.items()}
        return Baseline.of({name: {"unmanaged_state": unmanaged_state[name](), **reads[name]()} for name in self.agents})


def _is_uplink(link: Link | None) -> bool:
    """Whether an interface is still the one whose other end lies in the lab: out of sight from here."""
    return link is not None and link.kind == "veth" and link.peer is None
