"""
What looks again when the kernels say that something changed: one watcher for a lab, and the methods that it calls.

The nodes' notices come on a thread of execnet's; another one waits a moment for those that come along, and then calls.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable

from podnet_lab.backends.agent_client import AgentClient

TOGETHER = 0.03
"""Seconds in which notices that belong together arrive."""


class Watcher:
    """Calls all who want to know, on a thread of its own, that some node of a lab may be another than before."""

    def __init__(self, agents: list[AgentClient]) -> None:
        self._listeners: dict[Hashable, weakref.WeakMethod] = {}
        self._news, self._ended = threading.Event(), False
        self._answers = [agent.watch(self._hear) for agent in agents]
        threading.Thread(target=self._work, name="podnet-watch", daemon=True).start()

    def call(self, method: Callable[[], None], instead_of: Hashable = None) -> None:
        """
        Call *method* after each change, as long as its object lives; it raises nothing, or nobody is called any more.

        What was called with the same *instead_of* is called no more: widgets live as long as their process.
        """
        self._listeners[instead_of or object()] = weakref.WeakMethod(method)

    def notify(self) -> None:
        """Call everybody, though no kernel said anything."""
        self._news.set()

    def end(self) -> None:
        """Call everybody a last time, and no more."""
        self._ended = True
        self._news.set()

    @property
    def alive(self) -> bool:
        """Whether it still calls anybody."""
        return not self._ended

    @property
    def listeners(self) -> int:
        """How many methods it calls; those whose object is gone are counted until the next change."""
        return len(self._listeners)

    def _hear(self, message: object) -> None:
        if message is None:  # this node says nothing any more: it is gone, and its lab with it, or it could not listen
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
            for looking in [] if ended else self._answers:  # first: what changes while we look is announced anew
                looking()
            for key, reference in list(self._listeners.items()):
                method = reference()
                if method is None:
                    self._listeners.pop(key, None)
                else:
                    method()
