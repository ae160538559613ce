"""
What looks again when the kernels say that something changed: one watcher for a lab, and whoever it tells.

The nodes' notices come on a thread of execnet's; another one waits a moment for those that come along, and then tells.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable

from podnet_lab.errors import LabError
from podnet_lab.lab.wire import AgentClient

TOGETHER = 0.03
"""Seconds in which notices that belong together arrive."""

Told = Callable[[], None]


class Watcher:
    """Tells everybody who wants to know, on a thread of its own, that some node of a lab may be another than before."""

    def __init__(self, agents: list[AgentClient]) -> None:
        self._told: list[weakref.WeakMethod] = []
        self._news, self._ended = threading.Event(), False
        self._answers = [agent.watch(self._hear) for agent in agents]
        threading.Thread(target=self._work, name="podnet-watch", daemon=True).start()

    def tell(self, method: Told) -> None:
        """Call *method* after each change, as long as its object lives."""
        self._told.append(weakref.WeakMethod(method))

    def now(self) -> None:
        """Tell everybody, though no kernel said anything."""
        self._news.set()

    def end(self) -> None:
        """Tell everybody a last time, and no more."""
        self._ended = True
        self._news.set()

    def _hear(self, message: object) -> None:
        if message is None:  # a node is gone, and its lab with it
            self._ended = True
        self._news.set()

    def _work(self) -> None:
        ended = False
        while not ended:
            self._news.wait()
            if not self._ended:
                threading.Event().wait(TOGETHER)
            self._news.clear()
            ended = self._ended
            for answer in [] if ended else self._answers:  # first: what changes while we look is told anew
                answer()
            for method in list(self._told):
                told = method()
                if told is None:
                    self._told.remove(method)
                else:
                    with contextlib.suppress(LabError):  # the lab ended this moment: the next round says so
                        told()
