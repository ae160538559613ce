"""A shell cell: one fresh bash on the node, its output sent as it comes, done when bash is done."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time

CHUNK = 1 << 14
GRACE = 2.0
"""Seconds that an interrupted cell has to end by itself."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """The agent's environment, with the folders where Debian keeps `ip` on the path of ordinary users, too."""
    known = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    path = known.get("PATH", "").split(":")
    return known | {"PATH": ":".join([*path, *(folder for folder in PATH.split(":") if folder not in path)]).strip(":")}


def serve(channel, script: str) -> None:
    """
    Run *script* with bash, in a session of its own; *channel* gets (1 or 2, bytes) as output comes, then the status.

    Anything received is an interrupt: SIGINT to the cell's process group alone, then SIGKILL after a grace.
    """
    started = subprocess.Popen(
        ["bash", "-c", script, "bash"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd="/",
        start_new_session=True,
    )
    over = threading.Event()

    def interrupt(message: object) -> None:
        if over.is_set():
            return
        os.killpg(started.pid, signal.SIGINT)
        threading.Timer(GRACE, lambda: over.is_set() or os.killpg(started.pid, signal.SIGKILL)).start()

    channel.setcallback(interrupt)
    try:
        _relay(channel, started)
    finally:
        over.set()
    channel.send(("status", started.returncode))


def _relay(channel, started: subprocess.Popen) -> None:
    """
    Send on what bash and its children print until bash ends.

    A background job keeps the pipes open for as long as it lives, so bash's end is watched for by itself, and what
    is in the pipes then is still taken.
    """
    numbers = {started.stdout.fileno(): 1, started.stderr.fileno(): 2}
    poll = select.poll()
    for descriptor in numbers:
        os.set_blocking(descriptor, False)
        poll.register(descriptor, select.POLLIN)
    ended = os.pidfd_open(started.pid)
    poll.register(ended, select.POLLIN)
    try:
        while started.poll() is None:
            for descriptor, _ in poll.poll():
                if descriptor in numbers and not _take(channel, descriptor, numbers[descriptor]):
                    poll.unregister(descriptor)  # poll said there is something, and there was not: it is closed
        # A job in the background that never stops printing must not hold the cell either.
        enough = time.monotonic() + 0.2
        for descriptor, number in numbers.items():
            while _take(channel, descriptor, number) and time.monotonic() < enough:
                pass
    finally:
        os.close(ended)
        started.stdout.close()
        started.stderr.close()


def _take(channel, descriptor: int, number: int) -> bool:
    try:
        data = os.read(descriptor, CHUNK)
    except BlockingIOError:
        return False
    if data:
        channel.send((number, data))
    return bool(data)
