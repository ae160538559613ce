"""The programs that a lab's Pod network needs on its nodes: asked when the lab is opened, so that no stage fails half way."""

from __future__ import annotations

from shlex import quote

from podnet_lab.backends.backend import Backend
from podnet_lab.errors import CannotRun
from podnet_lab.networks.base import Network
from podnet_lab.plan import Plan


def require_programs(backend: Backend, plan: Plan, network: Network) -> None:
    """Raise CannotRun, which says what installs them, if a node lacks programs that *network* needs; a joined lab's owner has asked."""
    script = "; ".join(f"command -v {quote(need.program)} > /dev/null || echo {quote(need.program)}" for need in network.needs)
    if not script or backend.joined:
        return
    for node in plan.nodes:
        output: list[bytes] = []
        backend.agents[node.name].shell(script, lambda _, data, output=output: output.append(data))
        absent = b"".join(output).decode(errors="replace").splitlines()
        if absent:
            packages = dict.fromkeys(need.package for need in network.needs if need.program in absent)
            how = f"sudo apt install {' '.join(packages)}"
            raise CannotRun(f"the network {network.name} needs {' and '.join(absent)}, which {node.name} does not have: {how}")
