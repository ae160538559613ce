"""How a lab's nodes were when they were new: what reset and goto go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from podnet_lab.model import NO_RULES, Snapshot
from podnet_lab.model.decode import rules_of, snapshot


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
        snapshots = {name: snapshot(name, node["spaces"], rules_of(_new_agent(), node["rules"])) for name, node in raw.items()}
        return cls(snapshots, {name: node["unmanaged_state"] for name, node in raw.items()}, raw)


def _new_agent() -> SimpleNamespace:
    """An agent of which nothing is known yet."""
    return SimpleNamespace(known=(-1, NO_RULES))
