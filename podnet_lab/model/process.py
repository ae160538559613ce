"""What runs on a node in the background. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Process:
    """
    A process on a node that nobody waits for: a daemon, or what a shell left behind.

    *namespace* is the Pod whose network it lives in (None: the node's own), *daemon* the mark of a daemon of ours
    (`podnet_lab.daemons.base`), *listens* the (protocol, port) that it waits at. *pid* and *born* (ticks since boot) tell it from
    others, *spec* is how it can be started again, as JSON.
    """

    command: str
    namespace: str | None = None
    daemon: str = ""
    listens: tuple[tuple[str, int], ...] = ()
    pid: int = field(default=0, compare=False)
    born: int = field(default=0, compare=False)
    spec: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.command}{where}"
