"""
The one-machine lab's processes: one lab, and below it one agent for each node, every one in namespaces of its own.

The chain of the lab's command, each link with its reason: setpriv makes it die with the thread that started it;
setsid takes it out of the notebook's process group, so an interrupt passes it by; unshare gives it a user and a PID
namespace, and --kill-child makes the whole tree die with it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
from shlex import quote

from podnet_lab.errors import CannotRun, LabError, LabGone
from podnet_lab.lab.wire import AgentClient, Refusal, Wire
from podnet_lab.plan import OUTSIDE, Plan

READY = 20.0
"""Seconds after which a lab that has not answered is taken for one that can't run."""


def lab_command(python: str, root: bool) -> str:
    """The lab's command; a real root needs no user namespace."""
    spaces = "-nmpu" if root else "-Urnmpu"
    return f"setpriv --pdeathsig KILL setsid unshare {spaces} --fork --kill-child --mount-proc --propagation private {quote(python)} -P"


def node_command(python: str) -> str:
    """A node's command, run by the lab."""
    return f"unshare -nmu --propagation private {quote(python)} -P"


class Machine:
    """The running processes of a one-machine lab; `agents` has one client for each node, and for ``outside``."""

    def __init__(self, plan: Plan, node_python: str | None = None) -> None:
        import execnet  # here: it takes as long as everything else together, and only an opened lab needs it

        if threading.current_thread() is not threading.main_thread():
            raise LabError("open a lab from the main thread: it dies with the thread that opened it")
        python = sys.executable
        self._group, self.wire = execnet.Group(), Wire()
        # We end it ourselves; execnet would try so in a forked child, too, where its threads are gone.
        atexit.unregister(self._group._cleanup_atexit)
        self._pid = os.getpid()
        self.agents: dict[str, AgentClient] = {}
        self.who: dict[str, dict] = {}
        try:
            self._start(plan, python, node_python or python)
        except (OSError, EOFError, AssertionError, execnet.RemoteError, LabGone, Refusal) as error:
            # execnet asserts that the other side speaks, and says EOFError where it has gone.
            from podnet_lab.lab.doctor import explain_failure  # here: it is asked only when something is wrong

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
        late = threading.Timer(READY, self._group["lab"]._io.popen.kill)
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

    def _agent(self, name: str, spec: str) -> AgentClient:
        return AgentClient(name, self._group.makegateway(spec), self.wire)

    def mend(self, name: str, address: str) -> None:
        """Cable a node anew whose interface to the external network was deleted."""
        self.agents[name].call("remove_uplink")
        self.lab.call("cable", node=name, pid=self.who[name]["pid"])
        self.agents[name].call("uplink", address=address)

    def close(self) -> None:
        """End every process of the lab; the kernel takes its namespaces and mounts with it. In a forked child, do nothing."""
        if os.getpid() != self._pid:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self._group.terminate(timeout=1.0)
        self.wire.stop()
