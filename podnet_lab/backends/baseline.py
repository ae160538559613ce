"""How a lab's nodes were when they were new: what reset and goto go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podnet_lab.model import Snapshot
from podnet_lab.model.decode import rules_read, snapshot
from podnet_lab.plan import Plan


@dataclass(frozen=True)
class Baseline:
    """
    For each node its snapshot, and what no step changes but a student may have (`podnet_lab.kernel.unmanaged_state`).

    *raw* is the same as the agents said it, as plain data; empty where whoever joins the lab asks the agents themselves.
    """

    snapshots: Mapping[str, Snapshot]
    unmanaged_state: Mapping[str, dict]
    raw: Mapping[str, dict] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, raw: Mapping[str, dict[str, Any]]) -> Baseline:
        """The baseline, from what each node's agent said to `read` and `unmanaged_state`, in one dict."""
        snapshots = {
            name: snapshot(name, node["spaces"], rules_read(node["rules"]), files=node.get("files"))  # older VMs said of none
            for name, node in raw.items()
        }
        return cls(snapshots, {name: node["unmanaged_state"] for name, node in raw.items()}, raw)

    def uplinks(self, plan: Plan) -> dict[str, str]:
        """The interface of each node that has the address that is planned for it, where there is one."""
        nodes = ((node, self.snapshots[node.name].own) for node in plan.nodes if node.name in self.snapshots)
        return {node.name: has.dev for node, own in nodes for has in own.addresses if has.interface.ip == node.external.ip}
