"""Another process's way into a running lab: nsenter, into all the namespaces of a node's agent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.kernel.shell import environment
from podnet_lab.lab.runtime import choose, host_pid


def command(pid: int, root: bool, words: Sequence[str]) -> list[str]:
    """nsenter's command line for the node whose agent is process *pid*."""
    user = [] if root else ["--user", "--preserve-credentials"]
    return ["nsenter", f"--target={pid}", *user, "--mount", "--uts", "--net", "--pid", "--", *words]


def enter(node: str, lab: str | None = None, words: Sequence[str] = ()) -> None:
    """Become a shell on *node* of a running lab, or the program in *words*; does not return."""
    entry = choose(lab)
    if node not in entry.nodes or node == "lab":
        raise BadInput(f"no node is called {node!r}; there are {', '.join(name for name in entry.nodes if name != 'lab')}")
    if shutil.which("nsenter") is None:
        raise CannotRun("the program nsenter was not found: sudo apt install util-linux")
    pid = host_pid(entry.nodes[node])
    prompt = {"PS1": f"{node}# ", "PROMPT_COMMAND": "", "PODNET_NODE": node}
    if len(words) == 1:  # one text, as in a shell's own -c
        words = ["bash", "-c", words[0]]
    line = command(pid, os.geteuid() == 0, words or ["bash", "--norc", "-i"])
    os.execvpe(line[0], line, environment() | prompt)
