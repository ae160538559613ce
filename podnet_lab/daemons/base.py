"""
What a daemon is: a program that a node keeps running, as plain values.

A file `podnet_lab/daemons/NAME.py` has a function that gives one; starting it is a step (`podnet_lab.daemons.steps`), so it is
judged, undone, seen in snapshots, and ended by undo, goto, reset and with the lab like all that steps make.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from podnet_lab.plan import namespace_name, port_number

MARK = "PODNET_DAEMON"
"""The environment variable by which a daemon's process is known, whoever started it."""

SIGNALS = ("TERM", "INT", "QUIT", "KILL")


@dataclass(frozen=True)
class Daemon:
    """
    A program that runs on a node, or in one of its Pods (*namespace*).

    *command* is what a person would type, *files* are (path, content) that it needs first. It is ready once it *listens*: at
    (protocol, port) each. *package* is Debian's, where the program is not installed. It is ended by *signal*, and killed if it
    has not ended *grace* seconds later.
    """

    name: str
    command: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    listens: tuple[tuple[str, int], ...] = ()
    namespace: str | None = None
    package: str = ""
    signal: str = "TERM"
    grace: float = 2.0

    def __post_init__(self) -> None:
        if self.namespace is not None:
            namespace_name(self.namespace)
        for _, port in self.listens:
            port_number(port)

    @property
    def mark(self) -> str:
        """What tells its process from others: its name, and a digest of all that it is started with."""
        whole = json.dumps([self.command, self.files, self.listens, self.namespace])
        return f"{self.name}-{hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest()[:8]}"

    @property
    def spec(self) -> dict[str, Any]:
        """The same as plain data, for the agent that starts it, and for whoever finds it running."""
        return {
            "name": self.name,
            "command": list(self.command),
            "files": [list(file) for file in self.files],
            "listens": [list(socket) for socket in self.listens],
            "namespace": self.namespace,
            "package": self.package,
            "signal": self.signal,
            "grace": self.grace,
        }

    @classmethod
    def of(cls, spec: dict[str, Any]) -> Daemon:
        """The daemon of which `spec` is the plain data."""
        files = tuple((str(path), str(content)) for path, content in spec["files"])
        listens = tuple((str(protocol), int(port)) for protocol, port in spec["listens"])
        return cls(**spec | {"command": tuple(spec["command"]), "files": files, "listens": listens})
