"""Another process's way into a running lab: nsenter, into all the namespaces of a node's agent."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence

from podnet_lab.backends import running_labs, vms
from podnet_lab.backends.running_labs import choose, host_pid
from podnet_lab.errors import BadInput, CannotRun, NoLab
from podnet_lab.kernel.shell import environment


def command(pid: int, root: bool, words: Sequence[str]) -> list[str]:
    """nsenter's command line for the node whose agent is process *pid*."""
    user = [] if root else ["--user", "--preserve-credentials"]
    return ["nsenter", f"--target={pid}", *user, "--mount", "--uts", "--net", "--pid", "--", *words]


def needs_nsenter() -> None:
    """Raise CannotRun if the program is missing."""
    if shutil.which("nsenter") is None:
        raise CannotRun("the program nsenter was not found: sudo apt install util-linux")


def _enter_vm(vm: dict, node: str, words: Sequence[str]) -> None:
    if node == "outside":  # it has no machine of its own: it lives as long as its lab
        entry = next((one for one in running_labs.labs() if one.where == "vms"), None)
        if entry is None:
            raise NoLab("outside lives while a lab is open: open one in a notebook with Lab.open()")
        node, words = vm["outside"]["node"], ["shell-outside", entry.nodes["outside"]["namespaces"]["net"], *_words(words)]
    else:
        words = ["shell", *_words(words)]
    if node not in vm["nodes"]:
        raise BadInput(f"no node is called {node!r}; there are {', '.join(vm['nodes'])} and outside{_in_a_pod(node)}")
    line = shlex.split(vms.command(vm, node, shlex.join(words), terminal=sys.stdin.isatty()))
    os.execvp(line[0], line)


def _in_a_pod(name: str) -> str:
    """What to type for who names a Pod where a node is wanted."""
    return f"; a Pod lives on a node: podnet shell NODE 'ip netns exec {shlex.quote(name)} COMMAND'" if name.startswith("pod-") else ""


def _words(words: Sequence[str]) -> Sequence[str]:
    return ["bash", "-c", words[0]] if len(words) == 1 else words  # one text, as in a shell's own -c


def enter(node: str, lab: str | None = None, words: Sequence[str] = ()) -> None:
    """Become a shell on *node* of a running lab, or the program in *words*; does not return."""
    if lab is None and (vm := vms.here()) is not None:
        _enter_vm(vm, node, words)
    entry = choose(lab)
    if entry.where == "vms":
        _enter_vm(vms.here(), node, words)
    if node not in entry.nodes or node == "lab":
        raise BadInput(f"no node is called {node!r}; there are {', '.join(name for name in entry.nodes if name != 'lab')}{_in_a_pod(node)}")
    needs_nsenter()
    pid = host_pid(entry.nodes[node])
    prompt = {"PS1": f"{node}# ", "PROMPT_COMMAND": "", "PODNET_NODE": node}
    line = command(pid, os.geteuid() == 0, _words(words) or ["bash", "--norc", "-i"])
    os.execvpe(line[0], line, environment() | prompt)
