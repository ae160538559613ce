"""Looking at several nodes at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.model import Snapshot
from podnet_lab.model.decode import rules_of, snapshot


def take_snapshots(agents: Mapping[str, AgentClient], names: Iterable[str]) -> dict[str, Snapshot]:
    """Snapshots of several nodes, taken at the same time."""
    asked = [(name, seen := agents[name].seen, agents[name].start("read", known=agents[name].known[0], seen=seen[0])) for name in names]
    snapshots = {}
    for name, (_, last), answer in asked:
        reading = answer()
        rules = rules_of(agents[name], reading["rules"])
        about = (reading["processes"], reading["files"], reading.get("bgp"))
        snapshots[name] = snapshot(name, reading["spaces"], rules, *about, last)
        agents[name].seen = reading["answer"], snapshots[name].spaces
    return snapshots
