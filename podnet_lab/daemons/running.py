"""Which daemons run, as a snapshot says. Pure."""

from __future__ import annotations

from podnet_lab.daemons.base import Daemon
from podnet_lab.model import Snapshot


def running(snapshot: Snapshot, namespace: str | None, name: str) -> Daemon | None:
    """The daemon of that name that a step started there, as it was started; None if none runs."""
    started = (process for process in snapshot.processes if (process.daemon, process.namespace) == (name, namespace))
    return next((daemon for process in started if (daemon := Daemon.of(process.spec)) is not None), None)
