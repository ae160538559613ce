"""
What looks again when the kernels say that something changed: one watcher for a lab, and whoever it tells.

The nodes' notices come on a thread of execnet's; another one waits a moment for those that come along, and then tells.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable

from podnet_lab.backends.agent_client import AgentClient

TOGETHER = 0.03
"""Seconds in which notices that belong together arrive."""

Told = Callable[[], None]


class Watcher:
    """Tells everybody who wants to know, on a thread of its own, that some node of a lab may be another than before."""

    def __init__(self, agents: list[AgentClient]) -> None:
        self._told: dict[Hashable, weakref.WeakMethod] = {}
        self._news, self._ended = threading.Event(), False
        self._answers = [agent.watch(self._hear) for agent in agents]
        threading.Thread(target=self._work, name="podnet-watch", daemon=True).start()

    def tell(self, method: Told, instead_of: Hashable = None) -> None:
        """
        Call *method* after each change, as long as its object lives; it raises nothing, or nobody is told any more.

        Who was told with the same *instead_of* is told no more: widgets live as long as their process.
        """
        self._told[instead_of or object()] = weakref.WeakMethod(method)

    def now(self) -> None:
        """Tell everybody, though no kernel said anything."""
        self._news.set()

    def end(self) -> None:
        """Tell everybody a last time, and no more."""
        self._ended = True
        self._news.set()

    @property
    def alive(self) -> bool:
        """Whether it still tells anybody."""
        return not self._ended

    def _hear(self, message: object) -> None:
        if message is None:  # this node tells nothing any more: it is gone, and its lab with it, or it could not listen
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
            for key, method in list(self._told.items()):
                told = method()
                if told is None:
                    self._told.pop(key, None)
                else:
                    told()
