"""
Daemons, started and ended as steps: judged by what runs, and by whether it listens where it should.

A process that a daemon was started as is known by a mark in its environment, so that what was typed by hand counts as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from shlex import join, quote

from podnet_lab.daemons.base import MARK, Daemon
from podnet_lab.errors import BadInput
from podnet_lab.model import Process, Snapshot
from podnet_lab.steps.base import Request, Step, inside, no_namespace, where


def _processes(snapshot: Snapshot, namespace: str | None, name: str) -> list[Process]:
    """A daemon's processes in a namespace, whatever it was started with."""
    in_namespace = (process for process in snapshot.processes if process.namespace == namespace)
    return [process for process in in_namespace if process.daemon.rpartition("-")[0] == name]


@dataclass(frozen=True)
class _OfDaemon(Step):
    daemon: Daemon

    @property
    def _where(self) -> str:
        return where(self.daemon.namespace)

    def touches(self) -> tuple:
        return (("daemon", self.daemon.namespace, self.daemon.name),)


class StartDaemon(_OfDaemon):
    """See `start`."""

    @property
    def command(self) -> str:
        lines = []
        for path, content in self.daemon.files:
            lines.append(f"mkdir -p {quote(path.rpartition('/')[0])} && printf %s {quote(content)} > {quote(path)}")
        mark = f"{MARK}={self.daemon.mark}"
        # In a session of its own, so that it outlives the shell that starts it.
        lines.append(f"{mark} setsid {inside(self.daemon.namespace)}{join(self.daemon.command)} > /dev/null 2>&1 < /dev/null &")
        return "\n".join(lines)

    @property
    def claim(self) -> str:
        return f"{self.daemon.name} runs{self._where}"

    def requests(self) -> list[Request]:
        return [("daemon_start", self.daemon.namespace, {"mark": self.daemon.mark, "spec": self.daemon.spec})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.daemon.namespace)) is not None:
            return missing
        running = _processes(now, self.daemon.namespace, self.daemon.name)
        ours = next((process for process in running if process.daemon == self.daemon.mark), None)
        if ours is None:
            return self._other(running) if running else f"{self.daemon.name} does not run{self._where}"
        deaf = [f"{protocol} {port}" for protocol, port in self.daemon.listens if (protocol, port) not in ours.listens]
        return f"{self.daemon.name} runs{self._where}, and does not listen at {' and '.join(deaf)}" if deaf else None

    def _other(self, running: list[Process]) -> str:
        return f"{self.daemon.name} runs{self._where} with other files or options: {running[0].command}"

    def conflict(self, before: Snapshot) -> str | None:
        running = _processes(before, self.daemon.namespace, self.daemon.name)
        return self._other(running) if running and self.daemon.mark not in {process.daemon for process in running} else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (StopDaemon(self.daemon),)


class StopDaemon(_OfDaemon):
    """See `stop`."""

    @property
    def command(self) -> str:
        # By the mark, never by name: another program may be called the same.
        found = f"grep -lz {quote(f'^{MARK}={self.daemon.mark}$')} /proc/[0-9]*/environ 2>/dev/null"
        return f"kill -{self.daemon.signal} $({found} | cut -d/ -f3)"

    @property
    def claim(self) -> str:
        return f"{self.daemon.name} does not run{self._where}"

    def requests(self) -> list[Request]:
        return [
            ("daemon_stop", self.daemon.namespace, {"mark": self.daemon.mark, "signal": self.daemon.signal, "grace": self.daemon.grace})
        ]

    def contradiction(self, now: Snapshot) -> str | None:
        running = any(process.daemon == self.daemon.mark for process in now.processes)
        return f"{self.daemon.name} still runs{self._where}" if running else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (StartDaemon(self.daemon),)


@dataclass(frozen=True)
class EndProcess(Step):
    """End a process that somebody left behind: on the way back alone, for nobody could start just that one again."""

    process: Process

    @property
    def command(self) -> str:
        return f"kill {self.process.pid} # {self.process}"

    @property
    def claim(self) -> str:
        return f"{self.process} has ended"

    def requests(self) -> list[Request]:
        return [("process_end", None, {"pid": self.process.pid, "born": self.process.born})]

    def contradiction(self, now: Snapshot) -> str | None:
        key = (self.process.pid, self.process.born)
        return f"{self.process} still runs" if any((process.pid, process.born) == key for process in now.processes) else None

    def touches(self) -> tuple:
        return (("process", None, self.process.pid),)


def start(daemon: Daemon) -> StartDaemon:
    """
    Write a daemon's files, start it, and wait until it listens.

    By hand::

        mkdir -p /run/podnet/dnsmasq/pod-1-2 && printf %s '10.96.0.20 web' > /run/podnet/dnsmasq/pod-1-2/hosts
        PODNET_DAEMON=dnsmasq-… setsid ip netns exec pod-1-2 dnsmasq … &
    """
    if not isinstance(daemon, Daemon):
        raise BadInput(f"{daemon!r} is no daemon; podnet_lab.daemons has some, like dnsmasq.dnsmasq('pod-1-2', {{…}})")
    return StartDaemon(daemon)


def stop(daemon: Daemon) -> StopDaemon:
    """
    End a daemon by its signal, and kill it if it does not end within its grace.

    By hand::

        kill -TERM $(grep -lz '^PODNET_DAEMON=dnsmasq-…$' /proc/[0-9]*/environ | cut -d/ -f3)
    """
    if not isinstance(daemon, Daemon):
        raise BadInput(f"{daemon!r} is no daemon")
    return StopDaemon(daemon)


def running(snapshot: Snapshot, namespace: str | None, name: str) -> list[Daemon]:
    """The daemons of a name that run in a namespace, as they were started."""
    return [Daemon.of(json.loads(process.spec)) for process in _processes(snapshot, namespace, name) if process.spec]


def restore_processes(now: Snapshot, then: Snapshot) -> tuple[list[Step], list[Step]]:
    """
    The steps that end what runs now and did not then, and those that start what ran then and does not now.

    The first come before all else: a process keeps its Pod's network alive.
    """
    had = {process.daemon or (process.pid, process.born) for process in then.processes}
    has = {process.daemon for process in now.processes}
    end: list[Step] = []
    for process in now.processes:
        if (process.daemon or (process.pid, process.born)) not in had:
            end.append(StopDaemon(Daemon.of(json.loads(process.spec))) if process.spec else EndProcess(process))
    gone = [process for process in then.processes if process.spec and process.daemon not in has]
    return end, [StartDaemon(Daemon.of(json.loads(process.spec))) for process in gone]
