"""A shell cell: one fresh bash on the node, its output sent as it comes, done when bash is done."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time

from podnet_lab.kernel import processes

CHUNK = 1 << 14
CREDIT = 64
"""Chunks that may be on their way unread: a cell that prints without end must not fill the notebook's memory."""

MOST_ARGUMENT = 100_000
"""Bytes of a script that a command line can hold: the kernel takes arguments of up to 128 KB (MAX_ARG_STRLEN, execve(2))."""

GRACE = 2.0
"""Seconds that an interrupted cell has to end by itself."""

WRAPPERS = "/run/podnet-node/bin"
"""Where a one-machine lab's nodes have programs that stand before the machine's own (wrappers.py); elsewhere there is no such folder."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """The agent's environment, with the folders where Debian keeps `ip` on the path of ordinary users, too."""
    known = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    path = known.get("PATH", "").split(":")
    return known | {"PATH": ":".join([*path, *(folder for folder in PATH.split(":") if folder not in path)]).strip(":")}


def shell_environment() -> dict[str, str]:
    """The environment of what people type on a node: the node's own programs come first."""
    known = environment()
    return known | {"PATH": f"{WRAPPERS}:{known['PATH']}"}


def serve(channel, script: bytes, together: bool) -> None:
    """
    Run *script* with bash, in a session of its own; *channel* gets (1 or 2, bytes) as output comes, then ("status", number).

    With *together*, what goes to standard error comes as 1, too, in its place. Where no bash can be started, ("refused", why) comes.

    A number received says how many more chunks may be sent. Anything else, and the end of whoever asked, is an interrupt:
    SIGINT to the cell's process group alone, then SIGKILL after a grace.
    """
    try:
        started = _start(script, together)
    except OSError as error:  # no bash, or a limit of processes, memory or files
        channel.send(("refused", f"bash could not be started: {error}"))
        return
    processes.HELD.add(started.pid)
    over, sender = threading.Event(), _Sender(channel)

    def hear(message: object) -> None:
        if isinstance(message, int):
            sender.may_send(message)
            return
        sender.stop()
        if over.is_set():
            return
        os.killpg(started.pid, signal.SIGINT)
        threading.Timer(GRACE, lambda: over.is_set() or os.killpg(started.pid, signal.SIGKILL)).start()

    channel.setcallback(hear, endmarker=None)
    try:
        _relay(sender, started)
    finally:
        over.set()
        processes.HELD.discard(started.pid)
    channel.send(("status", started.returncode))


def _start(script: bytes, together: bool) -> subprocess.Popen:
    """
    A bash that runs *script*, so that it is seen in lists of processes; one that is too long for that from a file in memory.

    eval, for of a script of one line bash would become that command, and `$$` then be its number.
    """
    if len(script) < MOST_ARGUMENT:
        return _bash(["bash", "-c", 'eval "$1"', "bash", script], together)
    file = os.memfd_create("script")
    try:
        with open(file, "wb", closefd=False) as writer:
            writer.write(script)
        os.lseek(file, 0, os.SEEK_SET)
        return _bash(["bash", "-c", f'set -- "$(</dev/fd/{file})"; exec {file}<&-; eval "$1"', "bash"], together, file)
    finally:
        os.close(file)


def _bash(words: list[str | bytes], together: bool, *files: int) -> subprocess.Popen:
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        env=shell_environment() | processes.marks(),
        cwd="/",
        start_new_session=True,
        pass_fds=files,
    )


class _Sender:
    """Sends output as long as the other side takes it; after an interrupt, drops it."""

    def __init__(self, channel) -> None:
        self._channel, self._credit, self._stopped = channel, threading.Semaphore(CREDIT), threading.Event()

    def may_send(self, chunks: int) -> None:
        self._credit.release(chunks)

    def stop(self) -> None:
        self._stopped.set()
        self._credit.release()

    def send(self, number: int, data: bytes) -> None:
        if self._stopped.is_set():
            return
        self._credit.acquire()
        if not self._stopped.is_set():
            self._channel.send((number, data))


def _relay(sender: _Sender, started: subprocess.Popen) -> None:
    """
    Send on what bash and its children print until bash ends.

    A background job keeps the pipes open for as long as it lives, so bash's end is watched for by itself, and what
    is in the pipes then is still taken.
    """
    pipes = [(pipe, number) for pipe, number in ((started.stdout, 1), (started.stderr, 2)) if pipe]
    numbers = {pipe.fileno(): number for pipe, number in pipes}
    poll = select.poll()
    for descriptor in numbers:
        os.set_blocking(descriptor, False)
        poll.register(descriptor, select.POLLIN)
    ended = os.pidfd_open(started.pid)
    poll.register(ended, select.POLLIN)
    try:
        while started.poll() is None:
            for descriptor, _ in poll.poll():
                if descriptor in numbers and not _take(sender, descriptor, numbers[descriptor]):
                    poll.unregister(descriptor)  # poll said there is something, and there was not: it is closed
        # A job in the background that never stops printing must not hold the cell either.
        enough = time.monotonic() + 0.2
        for descriptor, number in numbers.items():
            while _take(sender, descriptor, number) and time.monotonic() < enough:
                pass
    finally:
        os.close(ended)
        for pipe, _ in pipes:
            pipe.close()


def _take(sender: _Sender, descriptor: int, number: int) -> bool:
    try:
        data = os.read(descriptor, CHUNK)
    except BlockingIOError:
        return False
    if data:
        sender.send(number, data)
    return bool(data)
