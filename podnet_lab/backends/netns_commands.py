"""
The command lines of a one-machine lab: one lab, and below it one agent for each node, every one in namespaces of its own. Pure.

The chain of the lab's command, each link with its reason: setpriv makes it die with the thread that started it;
setsid takes it out of the notebook's process group, so an interrupt passes it by; unshare gives it a user and a PID
namespace, and --kill-child makes the whole tree die with it.
"""

from __future__ import annotations

from shlex import quote


def lab_command(python: str, root: bool) -> str:
    """The lab's command; a real root needs no user namespace."""
    spaces = "-nmpu" if root else "-Urnmpu"
    return f"setpriv --pdeathsig KILL setsid unshare {spaces} --fork --kill-child --mount-proc --propagation private {quote(python)} -P"


def node_command(python: str) -> str:
    """A node's command, run by the lab."""
    return f"unshare -nmu --propagation private {quote(python)} -P"
