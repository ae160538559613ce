"""Whether a lab is at work at this moment, and who is called when its kernels have changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager

from podnet_lab.backends.agent_client import AgentClient
from podnet_lab.lab.watcher import Watcher


class Activity:
    """
    What runs in a lab now, and who watches.

    *busy* while something runs: its changes are one, and whoever looks in the middle would see half of them.
    *secret_changes* counts what was done for somebody to find out: after it nobody is shown what has changed.
    """

    def __init__(self, agents: Mapping[str, AgentClient]) -> None:
        self._agents = agents
        self._running = 0
        self._watcher: Watcher | None = None
        self.secret_changes = 0

    @property
    def busy(self) -> bool:
        """Whether something runs."""
        return self._running > 0

    @contextmanager
    def at_work(self, secret: bool = False) -> Iterator[None]:
        """While this lasts the lab is busy; watchers are called at its end. Of a *secret* nobody is to be shown what changed."""
        self._running += 1
        try:
            yield
        finally:
            self.secret_changes += secret
            self._running -= 1
            if self._watcher is not None:
                self._watcher.notify()

    def watch(self, method: Callable[[], None], instead_of: Hashable = None) -> None:
        """Have *method* called after each change, as `Watcher.call` does."""
        if self._watcher is None or not self._watcher.alive:
            self._watcher = Watcher(list(self._agents.values()))
        self._watcher.call(method, instead_of)

    def end(self) -> None:
        """Call everybody a last time, and no more."""
        if self._watcher is not None:
            self._watcher.end()
