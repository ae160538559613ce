"""
What a daemon is: a program that keeps running on a node, as a plain value.

A file `podnet_lab/daemons/NAME.py` has one or several functions that give one, and says in `PACKAGE` and `USED_FOR` what a machine
needs for it. Starting one is a step (`podnet_lab.daemons.steps`): judged, taken back, seen in snapshots, and ended by undo, goto,
reset and with the lab.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from shlex import join, quote
from typing import Any

from podnet_lab.errors import BadInput
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.plan import port_number
from podnet_lab.valid_names import namespace_name

SIGNALS = ("HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2")

RESERVED = ("daemon.json", "log", "network", "pid")
"""Files of a daemon's folder that are not its own: how it was started, its output, the network it lives in, its number."""


def folder(name: str, namespace: str | None = None) -> str:
    """The folder of a daemon, for its files and whatever it writes: made before it starts, and removed when it has ended."""
    return f"/run/podnet/{name}.{namespace}" if namespace else f"/run/podnet/{name}"


@dataclass(frozen=True)
class Daemon:
    """
    A program that runs on a node, or in one of its Pods (*namespace*); a node and a Pod each run one of a *name*.

    *command* is what a person would type; it stays in the foreground. *files* are (name, content) in its `folder`, written
    before. It is ready when it *listens* at each (protocol, port), and when the file *creates* is there, such as a control
    socket, which takes it *patience* seconds at most; where neither is said, when it has not ended at once. *package* is
    Debian's, for where the program is missing. It is ended by *signal*, and killed if it has not ended *grace* seconds later.
    *reload* is the signal on which it reads its files again.
    """

    name: str
    command: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    listens: tuple[tuple[str, int], ...] = ()
    creates: str = ""
    patience: float = 10.0
    namespace: str | None = None
    package: str = ""
    signal: str = "TERM"
    grace: float = 2.0
    reload: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            raise BadInput(f"a daemon's name is of small letters, digits and dashes, not {self.name!r}")
        if self.namespace is not None:
            namespace_name(self.namespace)
        if not self.command or not all(isinstance(word, str) for word in self.command):
            raise BadInput(f"{self.name}: its command is words, the program first, not {self.command!r}")
        for name, _ in self.files:
            if "/" in name or name in ("", ".", "..", *RESERVED):
                raise BadInput(f"{self.name}: no file of its folder can be called {name!r}")
        for protocol, port in self.listens:
            if protocol not in ("tcp", "udp"):
                raise BadInput(f"{self.name}: a protocol is tcp or udp, not {protocol!r}")
            port_number(port)
        for number in (self.signal, *([self.reload] if self.reload else [])):
            if number not in SIGNALS:
                raise BadInput(f"{self.name}: a signal is one of {', '.join(SIGNALS)}, not {number!r}{did_you_mean(number, SIGNALS)}")

    @property
    def folder(self) -> str:
        """Where its files are."""
        return folder(self.name, self.namespace)

    @property
    def typed(self) -> str:
        """What a person types to have it run in the background, where its files are there already."""
        where = quote(self.folder)
        inside = f"ip netns exec {quote(self.namespace)} " if self.namespace else ""
        return f"nohup {inside}{join(self.command)} > {where}/log 2>&1 < /dev/null & echo $! > {where}/pid"

    @property
    def spec(self) -> dict[str, Any]:
        """The same as plain data, for the agent that starts it."""
        return {**asdict(self), "folder": self.folder}

    @classmethod
    def of(cls, text: str) -> Daemon | None:
        """The daemon of whose `spec` an agent wrote *text*; None if that is none."""
        try:
            spec = json.loads(text)
            spec |= {key: tuple(map(tuple, spec[key])) for key in ("files", "listens")} | {"command": tuple(spec["command"])}
            return cls(**{key: value for key, value in spec.items() if key != "folder"})
        except (ValueError, TypeError, KeyError):
            return None

    def same_but_for_files(self, other: Daemon) -> bool:
        """Whether it could be made *other* by writing files alone, and having it read them."""
        mine, others = self.spec | {"files": ()}, other.spec | {"files": ()}
        return mine == others and {name for name, _ in self.files} == {name for name, _ in other.files}
