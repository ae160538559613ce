"""
The one-machine lab's processes: one lab, and below it one agent for each node, every one in namespaces of its own.

The chain of the lab's command, each link with its reason: setpriv makes it die with the thread that started it;
setsid takes it out of the notebook's process group, so an interrupt passes it by; unshare gives it a user and a PID
namespace, and --kill-child makes the whole tree die with it.
"""

from __future__ import annotations

import os
import sys
import threading
from shlex import quote

from podnet_lab.backends.agent_client import AgentClient, Refusal
from podnet_lab.backends.base import Home
from podnet_lab.backends.baseline import Baseline
from podnet_lab.errors import CannotRun, LabGone
from podnet_lab.kernel.node_setup import UPLINK
from podnet_lab.lab.run import look
from podnet_lab.model import Link
from podnet_lab.plan import OUTSIDE, Plan

READY = 20.0
"""Seconds after which a lab that has not answered is taken for one that can't run."""


READY_NODE = 0.25
"""Seconds more for each node; 0.05 is usual."""


def lab_command(python: str, root: bool) -> str:
    """The lab's command; a real root needs no user namespace."""
    spaces = "-nmpu" if root else "-Urnmpu"
    return f"setpriv --pdeathsig KILL setsid unshare {spaces} --fork --kill-child --mount-proc --propagation private {quote(python)} -P"


def node_command(python: str) -> str:
    """A node's command, run by the lab."""
    return f"unshare -nmu --propagation private {quote(python)} -P"


class Namespaces(Home):
    """A one-machine lab: `lab` is the agent that has the external network."""

    where = "namespaces"
    lab: AgentClient

    def mend(self, baseline: Baseline) -> list[str]:
        """Cable a node anew whose interface to the external network was deleted."""
        said = []
        for name, node in look(self.agents, baseline.snapshots).items():
            was = baseline.snapshots[name].own
            if UPLINK in was.links and not _is_uplink(node.own.links.get(UPLINK)):
                self.agents[name].call("remove_uplink")
                self.lab.call("cable", node=name, pid=self.who[name]["pid"])
                self.agents[name].call("uplink", address=str(was.addresses_of(UPLINK)[0]))
                said.append(f"{name}# (its cable to the external network was gone)")
        return said


class Machine(Namespaces):
    """The processes of a one-machine lab of this process."""

    fresh = True

    def __init__(self, plan: Plan, node_python: str | None = None) -> None:
        super().__init__()
        import execnet

        try:
            self._start(plan, sys.executable, node_python or sys.executable)
        except (OSError, EOFError, AssertionError, execnet.RemoteError, LabGone, Refusal) as error:
            # execnet asserts that the other side speaks, and says EOFError where it has gone.
            from podnet_lab.backends.doctor import explain_failure  # here: it is asked only when something is wrong

            self.close()
            raise CannotRun(explain_failure("the lab", error)) from error
        except BaseException:
            self.close()
            raise

    def _start(self, plan: Plan, python: str, node_python: str) -> None:
        command = lab_command(python, os.geteuid() == 0)
        self.lab = self._agent("lab", f"popen//id=lab//python={command}")
        self.who["lab"] = self.lab.call("become_lab")
        homes = {"outside": OUTSIDE, **{node.name: node.external for node in plan.nodes}}
        # A node that does not answer in time ends the whole lab, or makegateway would wait for it for ever.
        late = threading.Timer(READY + READY_NODE * len(homes), self._group["lab"]._io.popen.kill)
        late.daemon = True
        late.start()
        for name in homes:
            self.agents[name] = self._agent(name, f"popen//via=lab//id={name}//python={node_command(node_python)}")
        answers = [(name, agent.start("become_node", name=name)) for name, agent in self.agents.items()]
        for name, answer in answers:
            self.who[name] = answer()
        for name in homes:
            self.lab.call("cable", node=name, pid=self.who[name]["pid"])
        for answer in [agent.start("uplink", address=str(homes[name])) for name, agent in self.agents.items()]:
            answer()
        late.cancel()

    def baseline(self) -> Baseline:
        """Look at every node, now that it is new."""
        extras = {name: agent.start("extras") for name, agent in self.agents.items()}
        reads = {name: agent.start("read") for name, agent in self.agents.items()}
        return Baseline.of({name: {"extras": extras[name](), **reads[name]()} for name in self.agents})


def _is_uplink(link: Link | None) -> bool:
    """Whether an interface is still the one whose other end lies in the lab: out of sight from here."""
    return link is not None and link.kind == "veth" and link.peer is None
