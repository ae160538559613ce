"""Ending processes: by a signal, and by SIGKILL after a grace; never by a number alone, which may have become another's."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from podnet_lab.kernel import processes

GRACE = 2.0
"""Seconds that a process has to end by itself, if nothing else is said of it; and to be gone once it was killed."""

MOST_LOOKS = 5
"""Looks for what has come while others ended: a parent that minds its children starts them anew."""


def end(targets: list[tuple[int, int]], number: int = signal.SIGTERM, grace: float = GRACE) -> None:
    """End processes, each given by its number and when it was born, all at the same time; returns when they are gone, or can't be ended."""
    held = [descriptor for pid, born in targets if (descriptor := _hold(pid, born)) is not None]
    try:
        left = held
        for sent, seconds in ((number, grace), (signal.SIGKILL, GRACE)):
            for descriptor in left:
                with contextlib.suppress(OSError):  # it has ended this moment
                    signal.pidfd_send_signal(descriptor, sent)
            left = _still_there(left, seconds)
    finally:
        for descriptor in held:
            os.close(descriptor)


def _hold(pid: int, born: int) -> int | None:
    """A descriptor of just that process (pidfd_open(2)); None if it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    found = processes.stat(pid)
    if found is not None and found.born == born:
        return descriptor
    os.close(descriptor)
    return None


def _still_there(descriptors: list[int], seconds: float) -> list[int]:
    """Those of the processes that have not ended after so many seconds at most."""
    left, deadline = set(descriptors), time.monotonic() + seconds
    poll = select.poll()
    for descriptor in left:
        poll.register(descriptor, select.POLLIN)
    while left and (wait := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(wait * 1000):
            poll.unregister(descriptor)
            left.discard(descriptor)
    return list(left)


def end_all(look: Callable[[], list[dict[str, Any]]], how: Callable[[dict[str, Any]], tuple[int, float]]) -> list[dict[str, Any]]:
    """
    End all that *look* sees, again and again while there is more; returns what that was, each with whether it has *ended*.

    *how* says by which signal a process is ended, and how many seconds it has.
    """
    ended: dict[tuple[int, int], dict[str, Any]] = {}
    for _ in range(MOST_LOOKS):
        if not (running := look()):
            break
        groups: dict[tuple[int, float], list[tuple[int, int]]] = {}
        for process in running:
            groups.setdefault(how(process), []).append((process["pid"], process["born"]))
            ended[process["pid"], process["born"]] = process
        for (number, grace), targets in groups.items():
            end(targets, number, grace)
    left = {(process["pid"], process["born"]) for process in look()} if ended else set()
    return [process | {"ended": key not in left} for key, process in ended.items()]
