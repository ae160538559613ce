"""What a lab's Pod network needs on its nodes: asked when the lab is opened, so that no stage fails half way."""

from __future__ import annotations

from contextlib import suppress
from shlex import quote

from podnet_lab.backends.agent_client import Refusal
from podnet_lab.backends.backend import Backend
from podnet_lab.errors import CannotRun
from podnet_lab.networks.base import Network
from podnet_lab.plan import Plan


def fitting(backend: Backend, plan: Plan, network: Network) -> Network:
    """
    The network itself, or what stands in for it where the nodes' kernels lack an interface that it needs; a joined lab's is settled.

    Nodes with a kernel of their own are given the module that brings it. The module of this machine is its root's to load: it brings
    the interface into every namespace of the machine, of which a lab touches none but its own.
    """
    if network.stand_in is None or backend.joined:
        return network
    if not backend.one_machine:
        load = [("module_load", None, {"name": network.module})]
        without = [node.name for node in plan.nodes if _lacks(backend, node.name, network)]
        for answer in [backend.agents[name].start("apply", requests=load) for name in without]:
            with suppress(Refusal):  # then there is none, and what stands in for it is opened
                answer()
    return network.stand_in if any(_lacks(backend, node.name, network) for node in plan.nodes) else network


def _lacks(backend: Backend, node: str, network: Network) -> bool:
    """Whether a node has not the interface that a network needs of its kernel; one of another kind may have its name."""
    listed = f"ip -o link show type {quote(network.module)} 2> /dev/null"
    return bool(_said(backend, node, f"{listed} | grep -q '^[0-9]*: {network.natively}[@:]' || echo missing"))


def require_programs(backend: Backend, plan: Plan, network: Network) -> None:
    """Raise CannotRun, which says what helps, if a node lacks what *network* needs; a joined lab's owner has asked."""
    script = "; ".join(f"command -v {quote(need.program)} > /dev/null || echo {quote(need.program)}" for need in network.needs)
    for node in plan.nodes if not backend.joined else ():
        absent = _said(backend, node.name, script) if script else []
        if absent:
            packages = dict.fromkeys(need.package for need in network.needs if need.program in absent)
            how = f"sudo apt install {' '.join(packages)}"
            raise CannotRun(f"the network {network.name} needs {' and '.join(absent)}, which {node.name} does not have: {how}")
        for file in network.device_files:
            if _said(backend, node.name, f"{{ : <> {quote(file.path)}; }} 2> /dev/null || echo missing"):
                raise CannotRun(f"the network {network.name} needs {file.path}, which {node.name} may not open: {file.remedy}")


def _said(backend: Backend, node: str, script: str) -> list[str]:
    """The lines that a shell on a node says."""
    output: list[bytes] = []
    backend.agents[node].shell(script, lambda _, data: output.append(data))
    return b"".join(output).decode(errors="replace").splitlines()
