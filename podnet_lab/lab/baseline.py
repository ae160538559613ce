"""How a lab's nodes were when they were new: what reset and goto go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podnet_lab.model import Snapshot


@dataclass(frozen=True)
class Baseline:
    """For each node its snapshot, and what no step changes but a student may have (`podnet_lab.kernel.extras`)."""

    snapshots: Mapping[str, Snapshot]
    extras: Mapping[str, dict]
