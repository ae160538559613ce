"""
Daemons of a node, started, told anew and ended for steps (`podnet_lab.daemons.steps`).

A daemon is a child of nobody's: like a bridge that a step made, it stays when the agent that started it ends. Its folder says all
that is to be known of it: its files, how it was started (daemon.json), its output (log), its number (pid).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from podnet_lab.kernel import end_processes, namespaces, processes
from podnet_lab.kernel.programs import Missing, missing
from podnet_lab.kernel.shell import environment
from podnet_lab.printable_names import quoted_words

FOLDER = processes.DAEMONS

AT_ONCE = 0.3
"""Seconds after which a daemon that does not say when it is ready has not ended at once."""

GONE, MISSES = 0.1, 5
"""Seconds, and looks, for which nothing is seen of a daemon that has ended: one look may miss one that forks, and some fork twice."""

LOOK = 0.01
"""Seconds between looks whether it is ready."""

LINES = 3
"""Lines of its output that are shown, if it ends."""

RUN = 'echo $$ > "$0/pid"; exec "$@" < /dev/null'
"""Run by a shell of its own, which becomes the daemon: so its number is known. Until then its input is a pipe, which ends with that."""

_USUAL = (signal.SIGTERM, end_processes.GRACE)


def start(namespace: str | None, spec: dict[str, Any]) -> None:
    """Write a daemon's files, start it, and wait until it is ready; OSError with its own words if it ends or never is."""
    program = spec["command"][0]
    if missing(program):
        raise Missing(program, spec["package"])
    net = _network(namespace)
    _write(spec, net)
    if spec["creates"]:
        with contextlib.suppress(OSError):  # one that has ended may have left it, and it would say that this one is ready
            os.remove(spec["creates"])
    try:
        _launch(namespace, spec)
        _wait_until_ready(spec, net)
    except OSError:
        stop(namespace, spec)
        raise


def _network(namespace: str | None) -> str:
    if namespace is None:
        return processes.network(os.getpid())
    return f"net:[{os.stat(namespaces.path(namespace)).st_ino}]"


def _write(spec: dict[str, Any], net: str) -> None:
    os.makedirs(spec["folder"], exist_ok=True)
    for name, content in [*spec["files"], ("network", net), ("daemon.json", json.dumps(spec))]:
        path = f"{spec['folder']}/{name}"
        with open(f"{path}.new", "w") as file:
            file.write(content)
        os.replace(f"{path}.new", path)


def _launch(namespace: str | None, spec: dict[str, Any]) -> None:
    """Start it, and wait until it has begun, or has ended before that: on a slow machine this takes a while."""
    import subprocess  # here: most agents start no program, and are to start fast

    inside = ["ip", "netns", "exec", namespace] if namespace else []
    begun, held = os.pipe()
    try:
        with open(held, "w") as pipe, open(f"{spec['folder']}/log", "w") as log:
            subprocess.run(
                ["setsid", "--fork", *inside, "sh", "-c", RUN, spec["folder"], *spec["command"]],
                stdin=pipe,
                stdout=log,
                stderr=log,
                env=environment() | processes.marks(spec["folder"]),
                cwd="/",
                check=True,
            )
        poll = select.poll()
        poll.register(begun, select.POLLIN)
        poll.poll(spec["patience"] * 1000)
    finally:
        os.close(begun)


def _wait_until_ready(spec: dict[str, Any], net: str) -> None:
    wanted, pause = set(map(tuple, spec["listens"])), threading.Event()
    begun = seen = time.monotonic()
    misses = 0
    while (now := time.monotonic()) - seen < GONE or misses < MISSES:
        misses += 1
        if pids := _pids(spec, net):
            seen, misses = now, 0
            there = wanted <= {socket for pid in pids for socket in processes.listens(pid)}
            there = there and (not spec["creates"] or os.path.exists(spec["creates"]))
            if there and (wanted or spec["creates"] or now - begun > AT_ONCE):
                return
        if now - begun > spec["patience"]:
            raise OSError(f"{spec['name']} runs, but it is not ready after {spec['patience']:g} seconds: {_log(spec) or 'it says nothing'}")
        pause.wait(LOOK)
    raise OSError(_log(spec) or f"{spec['name']} ended at once, and said nothing")


def _log(spec: dict[str, Any]) -> str:
    """The last lines of its output."""
    lines = os.fsdecode(processes.read(f"{spec['folder']}/log")).strip().splitlines()
    return "; ".join(lines[-LINES:])


def _pids(spec: dict[str, Any], net: str) -> list[int]:
    return processes.of_daemon(spec["folder"], quoted_words(spec["command"]), net)


def reload(namespace: str | None, spec: dict[str, Any]) -> None:
    """Write a daemon's files anew, and have it read them; OSError if it does not run."""
    net = _network(namespace)
    if not (pids := _pids(spec, net)):
        raise OSError(f"{spec['name']} does not run")
    _write(spec, net)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, getattr(signal, f"SIG{spec['reload']}"))


def stop(namespace: str | None, spec: dict[str, Any]) -> None:
    """End a daemon, whoever started it, and remove its folder."""
    net = _network_of(spec) or _network_if_there(namespace)
    targets = [(pid, found.born) for pid in _pids(spec, net) if (found := processes.stat(pid))]
    end_processes.end(targets, *how(spec))
    forget(spec["folder"])


def how(spec: dict[str, Any]) -> tuple[int, float]:
    """By which signal a daemon is ended, and how many seconds it then has."""
    return getattr(signal, f"SIG{spec['signal']}"), spec["grace"]


def forget(folder: str) -> None:
    """Remove a daemon's folder, and what all folders are in if it was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir(FOLDER)


def specs() -> list[dict[str, Any]]:
    """How each daemon was started that this node has a folder of."""
    found = []
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(FOLDER)):
            with contextlib.suppress(ValueError):  # it has none, or is written this moment
                found.append(json.loads(processes.read(f"{FOLDER}/{name}/daemon.json")))
    return found


def end_background(look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """End all that *look* sees, daemons in their own way, and remove their folders; returns what that was, and whether it *ended*."""
    ended = end_processes.end_all(look, lambda process: how(json.loads(process["spec"])) if process["spec"] else _USUAL)
    for spec in specs():
        forget(spec["folder"])
    return ended


def leave(namespace: str) -> None:
    """End the daemons in a Pod that goes."""
    for spec in specs():
        if spec["namespace"] == namespace:
            stop(namespace, spec)


def sweep() -> None:
    """End the daemons whose Pod was deleted by hand: they would keep its network alive."""
    for spec in specs():
        namespace = spec["namespace"]
        if namespace is not None and _network_of(spec) != _network_if_there(namespace):
            stop(namespace, spec)


def _network_of(spec: dict[str, Any]) -> str:
    """The network that a daemon was started in; "" if it was not started by an agent."""
    return os.fsdecode(processes.read(f"{spec['folder']}/network"))


def _network_if_there(namespace: str | None) -> str:
    try:
        return _network(namespace)
    except OSError:
        return ""
