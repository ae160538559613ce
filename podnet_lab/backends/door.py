"""
The way into a running one-machine lab: one Python of our own, which forks an agent into each node that is asked for.

It has loaded all that an agent needs, and so its code is this process's, whatever the node has in its place
(`podnet_lab.kernel.entered_agent`). setpriv makes it die with the thread that started it, a session of its own takes it out of a
terminal's process group, so that an interrupt passes it by. For each agent it has a process that waits outside of the node's PID
namespace. The agent ends when nobody can speak to it any more, after it has ended the shells that it runs; and with the lab, whose
PID namespace holds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from execnet.gateway_base import ExecModel, Popen2IO

from podnet_lab.kernel.descriptor_passing import Giver

END = 1.0
"""Seconds in which the door's agents end by being left alone, and then by being told."""


def door_command(python: str, asked_at: int, guarded: bool = False) -> Sequence[str]:
    """The door's command, which is asked at a descriptor; *guarded*: nobody on a node can look into its agents, or change them."""
    words = [python, "-P", "-m", "podnet_lab.backends.door_program", str(asked_at), "guarded" if guarded else "open"]
    return ["setpriv", "--pdeathsig", "KILL", *words]


class AgentPipes(Popen2IO):
    """What execnet reads and writes of an agent that is not this process's child: the door waits for it."""

    def wait(self) -> None:
        """Nothing: see `Door.close`."""

    def kill(self) -> None:
        """Leave it alone: then it ends."""
        self.close_write()


class Door:
    """The door to one lab; OSError if it can't be started."""

    def __init__(self, guarded: bool = False) -> None:
        self._giver = Giver()
        command, nothing = door_command(sys.executable, self._giver.theirs, guarded), subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(command, pass_fds=[self._giver.theirs], stdin=nothing, stdout=nothing, start_new_session=True)
        except BaseException:
            self._giver.close()
            raise
        finally:
            self._giver.keep_mine()

    def agent(self, pid: int, model: ExecModel) -> AgentPipes:
        """Have an agent forked into the namespaces of the process *pid*, and return its pipes; it says something once it is there."""
        hears, ours = os.pipe()
        mine, says = os.pipe()
        pipes = AgentPipes(os.fdopen(ours, "wb"), os.fdopen(mine, "rb"), model)
        try:
            self._giver.give(hears, says, said=str(pid).encode())
        finally:
            os.close(hears)
            os.close(says)
        return pipes

    def end(self) -> None:
        """End all agents, also one that answers nobody."""
        self._process.terminate()

    def close(self) -> None:
        """Wait for all agents, which nobody speaks to any more, and end those that stay."""
        self._giver.close()
        for end in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(END)
            except subprocess.TimeoutExpired:
                end()
        self._process.wait()
