"""
What runs on a node in the background: daemons, and what shells have left behind; and how it is ended.

All nodes of a one-machine lab share a PID namespace; a node's processes are those in its own UTS namespace, which
`ip netns exec` leaves alone. A VM is a whole machine: there only what the lab's shells and daemons started counts, which have a
mark in their environment, and what lives in a Pod's network.

Not in the background, and left alone: agents, whatever still runs below one (a cell that is not done), whatever was
entered from outside (`podnet shell`), and what has a terminal: somebody sits there.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from typing import Any

AGENT = "podnet-agent"
"""What an agent calls itself (/proc/PID/comm), so that it is known for what it is."""

DAEMON_MARK, SHELL_MARK = b"PODNET_DAEMON=", b"PODNET_SHELL="
FOLDER = "/run/podnet/daemons"
"""Where the plain data of each daemon lies, by its mark."""

GRACE = 2.0
"""Seconds that a process has to end by itself."""

AGAIN = 0.2
"""Seconds until the first process looks again whether somebody else has waited for its child."""

_LISTEN = "0A"
_TABLES = (("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6"))


def call_this_agent_by_its_name() -> None:
    """Have this process be known for an agent."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as file:
        file.write(AGENT)


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """(comm, the fields from the state on) of /proc/PID/stat (proc(5)); None if there is no such process, or it is a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            comm, _, rest = file.read().partition("(")[2].rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    return None if fields[0] in "ZX" else (comm, fields)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def background(spaces: dict[str, str], whole_machine: bool = False) -> list[dict[str, Any]]:
    """
    The node's processes that nobody waits for; *spaces* are its Pods by their network namespaces as /proc writes them.

    With *whole_machine* the node is a VM.
    """
    stats = {int(name): stat for name in os.listdir("/proc") if name.isdigit() and (stat := _stat(int(name))) is not None}
    own, found = _link("/proc/self/ns/uts"), []
    for pid, (comm, fields) in stats.items():
        if comm == AGENT or int(fields[4]) or _link(f"/proc/{pid}/ns/uts") != own or not (words := _read(f"/proc/{pid}/cmdline")):
            continue
        environ, network = _read(f"/proc/{pid}/environ").split(b"\0"), _link(f"/proc/{pid}/ns/net")
        mark = next((entry[len(DAEMON_MARK) :].decode() for entry in environ if entry.startswith(DAEMON_MARK)), "")
        ours = mark or network in spaces or any(entry.startswith(SHELL_MARK) for entry in environ)
        if (whole_machine and not ours) or (not mark and not _left_behind(pid, stats)):
            continue
        found.append(
            {
                "command": os.fsdecode(words.rstrip(b"\0").replace(b"\0", b" ")),
                "namespace": spaces.get(network),
                "daemon": mark,
                "listens": listens(pid) if mark else [],
                "pid": pid,
                "born": int(fields[19]),
                "spec": os.fsdecode(_read(f"{FOLDER}/{mark}.json")) if mark else "",
            }
        )
    return found


def _left_behind(pid: int, stats: dict[int, tuple[str, list[str]]]) -> bool:
    """Whether a process has no agent above it, and was not entered from outside: its parents lead to the first process."""
    for _ in range(len(stats)):
        comm, fields = stats[pid]
        parent = int(fields[1])
        if comm == AGENT and pid != 1:
            return False
        if parent == 1:
            return comm != AGENT
        if parent not in stats:  # 0: outside of this PID namespace
            return False
        pid = parent
    return False


def listens(pid: int) -> list[tuple[str, int]]:
    """The (protocol, port) that a process waits at, in its own network."""
    inodes = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            target = _link(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for protocol, table in _TABLES if inodes else ():
        for line in _read(f"/proc/{pid}/net/{table}").decode().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (protocol == "udp" or fields[3] == _LISTEN):
                found.add((protocol, int(fields[1].rpartition(":")[2], 16)))
    return sorted(found)


def born(pid: int) -> int | None:
    """When a process started, in ticks since boot; None if there is none."""
    found = _stat(pid)
    return int(found[1][19]) if found else None


def end(pid: int, since: int, first: int = signal.SIGTERM, grace: float = GRACE) -> None:
    """End the process *pid* that was born at *since*, by the signal *first*, and kill it *grace* seconds later; no other of that number."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if born(pid) != since:
            return
        for number, seconds in ((first, grace), (signal.SIGKILL, grace)):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            if select.select([descriptor], [], [], seconds)[0]:
                break
    finally:
        os.close(descriptor)
    _reap(pid)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # it is somebody else's
        os.waitpid(pid, os.WNOHANG)


def reap_orphans() -> None:
    """
    As the first process of a PID namespace, wait for those whose parents are gone, as long as this process lives.

    Children of this process's own, the agents, are left to whoever started them.
    """
    pause = threading.Event()
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # none is left to wait for, yet
            pause.wait(AGAIN)
            continue
        if ended is None:
            continue
        with contextlib.suppress(OSError), open(f"/proc/{ended.si_pid}/comm") as file:
            if file.read().strip() == AGENT:  # execnet waits for it itself, as soon as it looks
                pause.wait(AGAIN)
                continue
        _reap(ended.si_pid)
