"""
The command line of a one-machine lab, in namespaces of its own; its nodes are forked there (`podnet_lab.backends.nursery`). Pure.

The chain of the lab's command, each link with its reason: setpriv makes it die with the thread that started it;
setsid takes it out of the notebook's process group, so an interrupt passes it by; unshare gives it a user and a PID
namespace, and --kill-child makes the whole tree die with it. Root's lab is first made somebody's to whom nothing belongs
(`podnet_lab.kernel.nobodys_id`), in a mount namespace of its own.
"""

from __future__ import annotations

from shlex import quote

NOBODY = "podnet_lab.kernel.nobodys_id"


def lab_command(python: str, privileged: bool = False, user: int | None = None, node_python: str = "") -> str:
    """
    The lab's command.

    A *privileged* one, root's alone, is in no user namespace; else *user* is whose it is to be, if not who opens it, and
    *node_python* what that one is to be let to besides *python*.
    """
    spaces = "-nmpu" if privileged else "-Urnmpu"
    lab = f"setsid unshare {spaces} --fork --kill-child --mount-proc --propagation private {quote(python)} -P"
    begin = "setpriv --pdeathsig KILL"
    if user is None:
        return f"{begin} {lab}"
    return f"{begin} unshare -m --propagation private {quote(python)} -P -m {NOBODY} {user} {quote(node_python or python)} {lab}"
