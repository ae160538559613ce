"""A shell, or one command, on a node of a running lab: `podnet shell`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from podnet_lab.backends import nsenter, vms
from podnet_lab.backends.netns import NetnsBackend
from podnet_lab.backends.running_labs import Entry, choose, host_pid
from podnet_lab.backends.vms import VmsBackend
from podnet_lab.errors import BadInput, NoLab
from podnet_lab.kernel.shell import shell_environment
from podnet_lab.name_suggestions import no_such


def enter(node: str, lab: str | None = None, words: Sequence[str] = ()) -> None:
    """Become a shell on *node* of a running lab, or the program in *words*; does not return."""
    if lab is None and vms.here() is not None:
        _enter_vm(vms.open_lab(), node, words)
    entry = choose(lab)
    _WAYS.get(entry.where, _enter_namespaces)(entry, node, words)


def _enter_vm(entry: Entry | None, node: str, words: Sequence[str]) -> None:
    """On a VM, whether its lab is open or not."""
    config = vms.here()
    if node == "outside":  # it has no machine of its own: it lives as long as its lab
        if entry is None:
            raise NoLab("outside lives while a lab is open: open one in a notebook with Lab.open()")
        node, words = config["outside"]["node"], ["shell-outside", entry.nodes["outside"]["namespaces"]["net"], *_words(words)]
    else:
        words = ["shell", *(_words(words) or ([] if sys.stdin.isatty() else _shell()))]
    if node not in config["nodes"]:
        raise BadInput(no_such("node", node, [*config["nodes"], "outside"]) + _in_a_pod(node))
    line = shlex.split(vms.command(config, node, shlex.join(words), terminal=sys.stdin.isatty()))
    os.execvp(line[0], line)


def _enter_namespaces(entry: Entry, node: str, words: Sequence[str]) -> None:
    if node not in entry.nodes or node == "lab":
        raise BadInput(no_such("node", node, (name for name in entry.nodes if name != "lab")) + _in_a_pod(node))
    nsenter.refuse_without()
    pid = host_pid(entry.nodes[node])
    prompt = {"PS1": f"{node}# ", "PROMPT_COMMAND": "", "PODNET_NODE": node}
    inside = ["setpriv", "--pdeathsig", "KILL", *(_by_bash(words) or _shell())]  # nsenter's child, which ends with it
    line = nsenter.command(pid, nsenter.owner_of(pid), inside)
    os.execvpe(line[0], line, shell_environment() | prompt)


_WAYS = {VmsBackend.where: _enter_vm, NetnsBackend.where: _enter_namespaces}
"""How a node of each kind of lab is entered."""


def _in_a_pod(name: str) -> str:
    """What to type for who names a Pod where a node is wanted."""
    return f"; a Pod lives on a node: podnet shell NODE 'ip netns exec {shlex.quote(name)} COMMAND'" if name.startswith("pod-") else ""


def _shell() -> Sequence[str]:
    """An interactive shell on a terminal; else one that runs what comes in, as ``podnet shell node1 < file`` gives it."""
    return ["bash", "--norc", "-i"] if sys.stdin.isatty() else ["bash", "--norc", "-s"]


def _words(words: Sequence[str]) -> Sequence[str]:
    return ["bash", "-c", words[0]] if len(words) == 1 else words  # one text, as in a shell's own -c


def _by_bash(words: Sequence[str]) -> Sequence[str]:
    """The same, where bash looks for a command and its arguments: it says what a student knows of a command that there is not."""
    return ["bash", "-c", '"$@"', "bash", *words] if len(words) > 1 else _words(words)
