"""Kubernetes' programs on each node: where nodes are machines of their own, those that the first one has are brought to the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shlex import quote
from typing import Any

from podnet_lab.errors import CannotRun
from podnet_lab.kubernetes import binaries
from podnet_lab.kubernetes.binaries import Binaries
from podnet_lab.lab.core import LabCore

OF_A_NODE = ("kubelet", "kube-proxy")
"""What a node runs that has no control plane."""

TO_VMS = "`PODNET_KUBERNETES=DIR vagrant up --provision` on your own computer brings a folder with them to the VMs"


def found_for(core: LabCore, folder: str | None) -> Binaries:
    """The programs that this lab's Kubernetes is to be run with, as `binaries.find` finds them; CannotRun says how to get them."""
    try:
        return binaries.find(folder)
    except CannotRun as error:
        if core.backend.one_machine:
            raise
        raise CannotRun(f"{error}; {TO_VMS}") from error


def on_each_node(core: LabCore, found: Binaries, tell: Callable[[str], Any]) -> dict[str, Binaries]:
    """
    Have on each node what it is to run, and say where that is.

    Another machine gets its own copies in root's cache, which stay there for the next time; *tell* hears of each that is brought.
    """
    nodes = [node.name for node in core.plan.nodes]
    if core.backend.one_machine:
        return dict.fromkeys(nodes, found)
    others = Binaries(binaries.EVERYBODYS / str(found.version), found.version)
    sums = {program: _sum(Path(found.path(program))) for program in OF_A_NODE}
    wanted = [(node, program) for node in nodes[1:] for program in _differing(core, node, others, sums)]
    if wanted:
        tell(f"bringing {', '.join(OF_A_NODE)} to {', '.join(dict.fromkeys(node for node, _ in wanted))}")
        with ThreadPoolExecutor(len(wanted)) as threads:
            list(threads.map(lambda each: _bring(core, found, others, *each), wanted))
    return {node: found if node == nodes[0] else others for node in nodes}


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differing(core: LabCore, node: str, there: Binaries, sums: dict[str, str]) -> list[str]:
    """The programs that are not on a node, or others than ours."""
    paths = " ".join(quote(there.path(program)) for program in sums)
    said = core.shell_text(node, f"sha256sum {paths} 2> /dev/null", may_fail=True).split()
    known = dict(zip(said[1::2], said[::2], strict=False))
    return [program for program, wanted in sums.items() if known.get(there.path(program)) != wanted]


def _bring(core: LabCore, found: Binaries, there: Binaries, node: str, program: str) -> None:
    with open(found.path(program), "rb") as file:
        core.agent(node).bring(file, there.path(program))
