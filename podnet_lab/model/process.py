"""What runs on a node in the background: daemons, and what shells have left behind. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST = 80
"""Characters of a command line that are shown."""


@dataclass(frozen=True, slots=True)
class Process:
    """
    A process on a node that nobody waits for; agents, cells that are not done, and terminals that somebody has open are none.

    *namespace* is the Pod whose network it lives in: None is the node's own, "" one without a name, as of a Pod that was deleted.
    *daemon* is the name of the daemon that steps started it as, and *spec* how it can be started again (`podnet_lab.daemons.base`),
    both "" of all others. *listens* are the (protocol, port) that it waits at; *pid* and *born* (ticks since boot) tell it from others;
    *age* is in seconds.
    """

    command: str
    namespace: str | None = None
    daemon: str = ""
    spec: str = field(default="", repr=False)
    listens: tuple[tuple[str, int], ...] = field(default=(), compare=False)
    pid: int = field(default=0, compare=False)
    born: int = field(default=0, compare=False)
    age: float = field(default=0.0, compare=False)

    @property
    def short(self) -> str:
        """Its command line, as one line that is not too long."""
        line = " ".join(self.command.split())
        return line if len(line) <= MOST else f"{line[: MOST - 1]}…"

    def __str__(self) -> str:
        where = "" if self.namespace is None else f" in {self.namespace or 'a namespace without a name'}"
        return f"{self.daemon or self.short}{where}"
