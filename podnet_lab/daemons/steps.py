"""
Daemons started, told anew and ended, as steps: judged by what runs on the node, and by whether it listens where it should.

What was typed by hand counts as well: a process is a daemon's by its command line and its namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from shlex import quote

from podnet_lab.daemons.base import Daemon
from podnet_lab.daemons.running import running
from podnet_lab.errors import BadInput
from podnet_lab.model import Process, Snapshot
from podnet_lab.printable_names import quoted_words
from podnet_lab.steps.base import Request, Step, no_namespace, where

MOST_LINES = 10
"""Lines of a daemon's file that are shown among other words."""


@dataclass(frozen=True)
class _DaemonStep(Step):
    daemon: Daemon

    @property
    def brief(self) -> str:
        files = tuple((name, _cut(content)) for name, content in self.daemon.files)
        return replace(self, daemon=replace(self.daemon, files=files)).command

    def _processes(self, now: Snapshot) -> list[Process]:
        """The processes that the daemon runs as, whoever started it."""
        here = [process for process in now.processes if process.namespace == self.daemon.namespace]
        command = quoted_words(self.daemon.command)
        return [process for process in here if process.daemon == self.daemon.name or process.command == command]

    def _write_files(self) -> list[str]:
        lines = [f"mkdir -p {quote(self.daemon.folder)}"]
        for name, content in self.daemon.files:
            path = quote(f"{self.daemon.folder}/{name}")
            plain = content.endswith("\n") and "EOF" not in content.splitlines()
            lines.append(f"cat > {path} <<'EOF'\n{content}EOF" if plain else f"printf %s {quote(content)} > {path}")
        return lines

    @property
    def _subject(self) -> str:
        return f"{self.daemon.name}{where(self.daemon.namespace)}"

    def _runs_as_wanted(self, now: Snapshot) -> str | None:
        """What is not so of a daemon that is to run, and to be ready; None if nothing is."""
        if (missing := no_namespace(now, self.daemon.namespace)) is not None:
            return missing
        if not (processes := self._processes(now)):
            return f"{self._subject} does not run"
        if self._is_another(processes):
            return f"{self._subject} runs with other options or files: {processes[0].command}"
        deaf = set(self.daemon.listens) - {socket for process in processes for socket in process.listens}
        return f"{self._subject} does not listen at {_ports(deaf)}" if deaf else None

    def _is_another(self, processes: list[Process]) -> bool:
        """Of what was typed by hand only the command line is known, and that is the same."""
        specs = [process.spec for process in processes if process.spec]
        return any(Daemon.of(spec) != self.daemon for spec in specs)

    def requests(self) -> list[Request]:
        return [(self._operation, self.daemon.namespace, self.daemon.spec)]

    def touches(self) -> tuple:
        return (("daemon", self.daemon.namespace, self.daemon.name),)


def _cut(content: str) -> str:
    lines = content.splitlines()
    return content if len(lines) <= MOST_LINES else f"… ({len(lines)} lines)\n"


def _ports(sockets: set[tuple[str, int]]) -> str:
    return " and ".join(f"{protocol} {port}" for protocol, port in sorted(sockets))


@dataclass(frozen=True)
class StartDaemon(_DaemonStep):
    """See `start`."""

    _operation = "daemon_start"

    @property
    def command(self) -> str:
        return "\n".join([*self._write_files(), self.daemon.typed])

    @property
    def claim(self) -> str:
        listens = f", and listens at {_ports(set(self.daemon.listens))}" if self.daemon.listens else ""
        return f"{self._subject} runs{listens}"

    def contradiction(self, now: Snapshot) -> str | None:
        return self._runs_as_wanted(now)

    def conflict(self, before: Snapshot) -> str | None:
        if processes := self._processes(before):
            return f"{self._subject} runs already, with other options or files" if self._is_another(processes) else None
        for process in before.processes:
            if process.namespace == self.daemon.namespace and (taken := set(process.listens) & set(self.daemon.listens)):
                return f"{process.short} listens at {_ports(taken)}{where(self.daemon.namespace)}"
        return None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (StopDaemon(self.daemon),)


@dataclass(frozen=True)
class ReloadDaemon(_DaemonStep):
    """See `reload`."""

    _operation = "daemon_reload"

    @property
    def command(self) -> str:
        return "\n".join([*self._write_files(), f"kill -{self.daemon.reload} $(cat {quote(self.daemon.folder)}/pid)"])

    @property
    def claim(self) -> str:
        return f"{self._subject} has read its files again"

    def contradiction(self, now: Snapshot) -> str | None:
        return self._runs_as_wanted(now)


@dataclass(frozen=True)
class StopDaemon(_DaemonStep):
    """See `stop`."""

    _operation = "daemon_stop"

    @property
    def command(self) -> str:
        folder = quote(self.daemon.folder)
        return f"kill -{self.daemon.signal} $(cat {folder}/pid) && rm -r {folder}"

    @property
    def claim(self) -> str:
        return f"{self._subject} does not run"

    def contradiction(self, now: Snapshot) -> str | None:
        return f"{self._subject} still runs" if self._processes(now) else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        was = running(before, self.daemon.namespace, self.daemon.name)
        return (StartDaemon(was or self.daemon),)


def _checked(daemon: Daemon) -> Daemon:
    if not isinstance(daemon, Daemon):
        raise BadInput(f"{daemon!r} is no daemon; a file of podnet_lab.daemons gives one, like dnsmasq.server('pod-1-2', {{…}})")
    return daemon


def start(daemon: Daemon) -> StartDaemon:
    """
    Write a daemon's files, start it, and wait until it is ready.

    By hand::

        mkdir -p /run/podnet/bird
        cat > /run/podnet/bird/bird.conf <<'EOF'
        router id 192.168.1.11;
        EOF
        nohup bird -f -c /run/podnet/bird/bird.conf > /run/podnet/bird/log 2>&1 < /dev/null & echo $! > /run/podnet/bird/pid
    """
    return StartDaemon(_checked(daemon))


def reload(daemon: Daemon) -> ReloadDaemon:
    """
    Give a daemon that runs other files, and have it read them.

    By hand::

        mkdir -p /run/podnet/bird
        cat > /run/podnet/bird/bird.conf <<'EOF'
        router id 192.168.1.12;
        EOF
        kill -HUP $(cat /run/podnet/bird/pid)
    """
    if not _checked(daemon).reload:
        raise BadInput(f"{daemon.name} has no signal on which it reads its files again: stop it, and start it")
    return ReloadDaemon(daemon)


def stop(daemon: Daemon) -> StopDaemon:
    """
    End a daemon, and remove its folder with all that it wrote there.

    By hand::

        kill -TERM $(cat /run/podnet/bird/pid) && rm -r /run/podnet/bird
    """
    return StopDaemon(_checked(daemon))
