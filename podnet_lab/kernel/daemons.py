"""Daemons of a node, started and ended for steps (`podnet_lab.daemons.steps`)."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from podnet_lab.kernel import namespaces, processes
from podnet_lab.kernel.programs import Missing
from podnet_lab.kernel.shell import environment

if TYPE_CHECKING:
    from subprocess import Popen

READY = 5.0
"""Seconds in which a daemon has to listen where it should."""

TICK = 0.01

_RUNNING: dict[str, tuple[Popen, tuple[str | None, tuple[int, int] | None]]] = {}
"""By mark: those that this agent started, and the namespace that each is in, by name and identity."""

_LOCK = threading.RLock()


def start(namespace: str | None, mark: str, spec: dict[str, Any]) -> None:
    """
    Write a daemon's files, start it, and wait until it listens.

    Raises OSError with its own words where it does not, Missing where the program is not installed.
    """
    import subprocess  # here: most agents start no program, and are to start fast

    for path, content in spec["files"]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.new", "w") as file:
            file.write(content)
        os.replace(f"{path}.new", path)
    os.makedirs(processes.FOLDER, exist_ok=True)
    with open(f"{processes.FOLDER}/{mark}.json", "w") as file:
        json.dump(spec, file)
    log = f"{processes.FOLDER}/{mark}.log"
    descriptor = namespaces.open_named(namespace) if namespace else namespaces.here()
    try:
        with namespaces.inside(descriptor), open(log, "w") as output:
            started = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *spec["command"]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment() | {"PODNET_DAEMON": mark},
                cwd="/",
                start_new_session=True,
            )
        where = (namespace, namespaces.identity(descriptor) if namespace else None)
    finally:
        os.close(descriptor)
    with _LOCK:
        _RUNNING[mark] = (started, where)
    _wait(started, mark, spec, log)


def _wait(started: Popen, mark: str, spec: dict[str, Any], log: str) -> None:
    wanted, deadline, pause = {tuple(socket) for socket in spec["listens"]}, time.monotonic() + READY, threading.Event()
    # Without a place to listen at, it is ready if it does not end at once.
    while time.monotonic() < (deadline if wanted else deadline - READY + 0.3):
        if started.poll() is not None:
            _forget(mark)
            raise _reason(spec, log, started.returncode)
        if wanted and wanted <= set(processes.listens(started.pid)):
            return
        pause.wait(TICK)
    if wanted:
        stop(mark, "KILL", 1.0)
        raise OSError(f"{spec['name']} runs, but does not listen at {' and '.join(f'{protocol} {port}' for protocol, port in wanted)}")


def _reason(spec: dict[str, Any], log: str, status: int) -> Exception:
    with open(log, errors="replace") as file:
        words = file.read().strip().splitlines()
    program = spec["command"][0]
    if status == 127 or any(f"execute {program}" in line and "No such file" in line for line in words):
        return Missing(program, spec["package"])
    return OSError("; ".join(words[-3:]) or f"{program} ended with status {status}")


def stop(mark: str, first: str, grace: float) -> None:
    """End the daemon of that mark, whoever started it."""
    for process in processes.background({}):
        if process["daemon"] == mark:
            processes.end(process["pid"], process["born"], getattr(signal, f"SIG{first}"), grace)
    _forget(mark)


def _forget(mark: str) -> None:
    with _LOCK:
        started, _ = _RUNNING.pop(mark, (None, None))
    if started is not None:
        started.wait()


def leave(namespace: str) -> None:
    """End this agent's daemons in a Pod that goes."""
    _end_where(lambda where: where[0] == namespace)


def sweep() -> None:
    """End those whose Pod was deleted by hand, and forget those that ended."""
    _end_where(lambda where: where[0] is not None and namespaces.identity_of(where[0]) != where[1])
    with _LOCK:
        for mark in [mark for mark, (started, _) in _RUNNING.items() if started.poll() is not None]:
            del _RUNNING[mark]


def end_all() -> None:
    """End all that this agent started."""
    _end_where(lambda where: True)


def _end_where(fits) -> None:
    with _LOCK:
        gone = [mark for mark, (_, where) in _RUNNING.items() if fits(where)]
        for mark in gone:
            started, _ = _RUNNING.pop(mark)
            started.kill()
            started.wait()


def running() -> bool:
    """Whether this agent has started any that may still run."""
    return bool(_RUNNING)
