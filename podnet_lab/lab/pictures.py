"""What a lab's kernels say, as pictures and tables."""

from __future__ import annotations

from podnet_lab.lab.core import OUTSIDE_NAME, LabCore
from podnet_lab.packets.trace import Trace
from podnet_lab.show.bgp_table import BgpTable
from podnet_lab.show.topology import Topology


class Pictures:
    """How a lab is drawn. It needs the nodes' snapshots, and what the last run changed."""

    def __init__(self, core: LabCore) -> None:
        self._core = core

    def topology(self, trace: Trace | None = None) -> Topology:
        """
        The network as a picture, drawn from what the kernels say now; what the last run added is marked.

        With *trace*, also the way that one packet took.
        """
        before = self._core.before_last_run
        now = self._core.everyone()
        outside = now.pop(OUTSIDE_NAME, None)
        return Topology(now, None if before is None else {name: before.get(name, now[name]) for name in now}, outside, trace)

    def bgp(self) -> BgpTable:
        """What each node's BIRD says: its sessions with the others, and what it announces and hears by each."""
        return BgpTable({name: node.bgp for name, node in self._core.snapshot().items()})
