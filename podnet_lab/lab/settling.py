"""Waiting for daemons that go on by themselves: a stage that starts some holds a while after the last node has its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from podnet_lab.model import Cluster
from podnet_lab.networks.base import Stage

PAUSE = 0.05
"""Seconds between looks."""


def settled(look: Callable[[], Cluster], stages: Iterable[Stage], pods: int) -> Cluster:
    """
    The cluster, as *look* sees it once the checks of *stages* hold, or have had their time.

    Only of stages that settle, and only while a daemon is so young that they may: else it is looked at once.
    """
    waiting = [stage for stage in stages if stage.settles]
    begun, pause = time.monotonic(), threading.Event()
    while True:
        cluster = look()
        waiting = [stage for stage in waiting if _may_settle(stage, cluster, time.monotonic() - begun)]
        if all(all(stage.checks(node, cluster, pods)) for stage in waiting for node in cluster.values()):
            return cluster
        pause.wait(PAUSE)


def _may_settle(stage: Stage, cluster: Cluster, waited: float) -> bool:
    ages = (process.age for node in cluster.values() for process in node.processes if process.daemon)
    return waited < stage.settles and any(age < stage.settles for age in ages)
