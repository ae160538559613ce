"""What a lab's Kubernetes needs of a machine, asked before anything is started; each message says what helps."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from shlex import quote

from podnet_lab.daemons import containerd, etcd
from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.kernel.nobodys_id import closed_to_others
from podnet_lab.kubernetes import kubectl
from podnet_lab.kubernetes.binaries import Binaries
from podnet_lab.lab.core import LabCore

MEMORY = 1 << 30
"""Bytes that three nodes take: 1 GB were measured."""

FIRST_VM, OTHER_VM = 900, 250
"""MB that the node with the control plane takes, and each other one, where they are machines of their own."""

NEEDS = {
    **containerd.PROGRAMS,
    "nsenter": "util-linux",
    "etcd": etcd.PACKAGE,
    "iptables": "iptables",
    "mountpoint": "util-linux",
    "unshare": "util-linux",
}

_OVERLAY = """mkdir -p /run/trial/upper /run/trial/work
unshare --mount mount -t overlay trial -o lowerdir=/bin,upperdir=/run/trial/upper,workdir=/run/trial/work /run/trial
status=$?; rm -r /run/trial; exit $status"""

TRIALS = {
    "unshare --mount --cgroup true": "no cgroup namespace can be made",
    _OVERLAY: "containers' files can't be mounted (overlay, for users since Linux 5.11)",
    "iptables -w -t nat -L > /dev/null": "kube-proxy can't write iptables",
}
"""What a node's shell tries, and what is so where it fails."""


def require(core: LabCore, binaries: Binaries) -> str:
    """CannotRun if a Kubernetes can't run in this lab; returns where kubectl is."""
    _require_memory(core)
    _require_names(core)
    where = _kubectl()
    names = [node.name for node in core.plan.nodes]
    for node in names[:1] if core.backend.one_machine else names:
        needs = NEEDS if core.backend.one_machine else NEEDS | {where: kubectl.PACKAGE}
        lines = "; ".join(f"command -v {quote(name)} > /dev/null || echo {quote(name)}" for name in needs)
        if absent := core.shell_text(node, f"{lines}; true").split():
            packages = " ".join(dict.fromkeys(needs[name] for name in absent))
            raise CannotRun(f"Kubernetes needs {', '.join(absent)} on {node}: sudo apt install --no-install-recommends {packages}")
    _require_readable(core, names[0], binaries.path("kubelet"), where)
    for trial, problem in TRIALS.items():
        status, printed = shell(core, names[0], trial)
        if status:
            raise CannotRun(f"Kubernetes does not run on this kernel ({os.uname().release}): {problem}; {printed.strip()[-200:]}")
    return where


def shell(core: LabCore, node: str, script: str) -> tuple[int, str]:
    """Exit status and output of *script* on a node."""
    printed: list[bytes] = []
    status = core.shell(node, script, lambda _, data: printed.append(data))
    return status, b"".join(printed).decode(errors="replace")


def _require_memory(core: LabCore) -> None:
    if core.backend.one_machine:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        if found and (free := int(found[1]) << 10) < MEMORY:
            raise CannotRun(
                f"Kubernetes needs about {MEMORY >> 30} GB of memory, and {free >> 20} MB are free: close other labs and programs"
            )
        return
    for place, node in enumerate(core.plan.nodes):
        needed = OTHER_VM if place else FIRST_VM
        free = int(core.shell_text(node.name, "awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo"))
        if free < needed and "kubelet" not in {one.daemon for one in core.snapshot(node.name)[node.name].processes}:
            raise CannotRun(
                f"Kubernetes needs {needed} MB of memory on {node.name}, and {free} are free. On your own computer: "
                "PODNET_MEMORY=2560 PODNET_OTHER_MEMORY=1024 vagrant reload, see docs/virtual-machines.md"
            )


def _require_names(core: LabCore) -> None:
    for node in core.plan.nodes:
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", node.name):
            raise BadInput(f"Kubernetes takes no node called {node.name!r}: small letters, digits and dashes")


def _kubectl() -> str:
    path = f"{os.environ.get('PATH', '')}:{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin"
    if (found := shutil.which(kubectl.PROGRAM, path=path)) is None:
        raise CannotRun(f"there is no kubectl: {kubectl.HOW}")
    return os.path.realpath(found) if os.path.islink(found) else found


def _require_readable(core: LabCore, node: str, *programs: str) -> None:
    """Root's lab is nobody's on this machine: what lies in root's home is not there."""
    for program in programs:
        if shell(core, node, f"test -x {quote(program)}")[0]:
            closed = closed_to_others(program) or os.path.dirname(program)
            raise BadInput(
                f"{program} can't be reached from a node: {closed} is closed to others, and root's lab is nobody's on this machine; "
                "put it where all may read it, like /var/cache or /opt"
            )
