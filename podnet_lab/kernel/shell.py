"""
A shell cell: one fresh bash on the node, its output sent as it comes, done when bash is done.

What is printed beyond `MOST_SHOWN`, or by a job in the background afterwards, goes to a file on the node (cell_output.py).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from podnet_lab.kernel import cell_output, processes
from podnet_lab.kernel.channel_words import CREDIT

CHUNK = 1 << 14

MOST_SHOWN, SHOWN = 1 << 18, "256 KB"
"""Bytes that a cell shows, and in words; the rest is in its file."""

MOST_RETURNED, RETURNED = 1 << 26, "64 MB"
"""Bytes that a call returns as text, and in words; a command that prints more is stopped."""

MOST_ARGUMENT = 100_000
"""Bytes of a script that a command line can hold: the kernel takes arguments of up to 128 KB (MAX_ARG_STRLEN, execve(2))."""

GRACE = 2.0
"""Seconds that an interrupted cell has to end by itself."""

LEFT_OPEN = 0.05
"""Seconds after bash's end in which its pipes are let go, or a job in the background has them."""

KEPT = f"{cell_output.FOLDER}/kept"

KEEP = f"""mkdir -p {cell_output.FOLDER}; [ ! -e {KEPT} ] || . {KEPT} 2>/dev/null
trap 'exit 130' INT; trap '{{ declare -p; declare -f; printf "cd -- %q\\n" "$PWD"; }} >{KEPT}.$$ 2>/dev/null && mv -f {KEPT}.$$ {KEPT}' EXIT
"""
"""Before a cell that keeps: read variables, functions and directory from the last such cell's file, and write it, even if interrupted."""

WRAPPERS = "/run/podnet-node/bin"
"""Where a one-machine lab's nodes have programs that stand before the machine's own (wrappers.py); elsewhere there is no such folder."""

ADDED = "/run/podnet-added/bin"
"""Where a lab adds programs of its own to what shells on a node find, on a VM, too: they come before the machine's."""

QUIET = "PODNET_QUIET"
"""An environment variable: a program reads what is printed, and advice would be among it."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """The agent's environment, with the folders where Debian keeps `ip` on the path of ordinary users, too."""
    known = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    path = known.get("PATH", "").split(":")
    return known | {"PATH": ":".join([*path, *(folder for folder in PATH.split(":") if folder not in path)]).strip(":")}


def shell_environment() -> dict[str, str]:
    """The environment of what people type on a node: the node's own programs come first."""
    known = environment()
    return known | {"PATH": f"{WRAPPERS}:{ADDED}:{known['PATH']}"}


def exit_status(returned: int) -> int:
    """A program's exit status as a shell has it in `$?`, of what Python says of it: 128 and the number of the signal that ended it."""
    return 128 - returned if returned < 0 else returned


def serve(channel, script: bytes, together: bool, keep: bool = False) -> None:
    """
    Run *script* with bash, in a session of its own; *channel* gets (1 or 2, bytes) as output comes, then ("status", number).

    With *together*, what goes to standard error comes as 1, too, in its place, and all of it; else what is beyond `MOST_SHOWN`, and what
    comes after bash's end, is in a file, and a line on 2 says in which. With *keep* it begins where the last such script ended.
    Where no bash can be started, or it printed more than `MOST_RETURNED`, ("refused", why) comes.

    A number received says how many more chunks may be sent. Anything else, and the end of whoever asked, is an interrupt:
    SIGINT to the cell's process group alone, once more after half of a grace, and SIGKILL after it.
    """
    try:
        started = _start(script, together, KEEP if keep else "")
    except OSError as error:  # no bash, or a limit of processes, memory or files
        channel.send(("refused", f"bash could not be started: {error}"))
        return
    processes.HELD.add(started.pid)
    over = threading.Event()

    def send(number: int) -> None:
        if not over.is_set():
            with contextlib.suppress(ProcessLookupError):  # it has ended this moment
                os.killpg(started.pid, number)

    def stop() -> None:
        if over.is_set():  # whoever asked has heard the end, and leaves
            return
        send(signal.SIGINT)
        threading.Timer(GRACE / 2, send, [signal.SIGINT]).start()  # a program that bash was about to start may not have got it
        threading.Timer(GRACE, send, [signal.SIGKILL]).start()

    sender = _Sender(channel, together, stop)

    def hear(message: object) -> None:
        if isinstance(message, int):
            sender.may_send(message)
            return
        sender.stop()
        stop()

    channel.setcallback(hear, endmarker=None)
    try:
        _relay(sender, started)
    finally:
        over.set()
        processes.HELD.discard(started.pid)
    too_much = f"it printed more than {RETURNED}, and was stopped; let it write to a file"
    channel.send(("refused", too_much) if sender.too_much else ("status", exit_status(started.returncode)))


def _start(script: bytes, together: bool, first: str) -> subprocess.Popen:
    """
    A bash that runs *script*, so that it is seen in lists of processes; one that is too long for that from a file in memory.

    eval, for of a script of one line bash would become that command, and `$$` then be its number.
    """
    if len(script) < MOST_ARGUMENT:
        return _bash(["bash", "-c", f'{first}eval "$1"', "bash", script], together)
    file = os.memfd_create("script")
    try:
        with open(file, "wb", closefd=False) as writer:
            writer.write(script)
        os.lseek(file, 0, os.SEEK_SET)
        return _bash(["bash", "-c", f'set -- "$(</dev/fd/{file})"; exec {file}<&-; {first}eval "$1"', "bash"], together, file)
    finally:
        os.close(file)


def _bash(words: list[str | bytes], together: bool, *files: int) -> subprocess.Popen:
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        env=shell_environment() | processes.marks() | ({QUIET: "1"} if together else {}),
        cwd="/",
        start_new_session=True,
        pass_fds=files,
    )


class _Sender:
    """
    Sends output as long as the other side takes it, and no more than is shown or returned; after an interrupt, drops it.

    *stop_it* stops the command.
    """

    def __init__(self, channel, together: bool, stop_it: Callable[[], None]) -> None:
        self._channel, self._together, self._stop_it = channel, together, stop_it
        self._credit, self._stopped = threading.Semaphore(CREDIT), threading.Event()
        self._sent, self._file, self.too_much = 0, None, False

    def may_send(self, chunks: int) -> None:
        self._credit.release(chunks)

    def stop(self) -> None:
        self._stopped.set()
        self._credit.release()

    def send(self, number: int, data: bytes) -> None:
        if self._stopped.is_set():
            return
        room = (MOST_RETURNED if self._together else MOST_SHOWN) - self._sent
        self._sent += len(data)
        if room > 0:
            self._pass_on(number, data[:room])
        if len(data) <= room:
            return
        if self._together:
            self.too_much = True
            self.stop()
            self._stop_it()
            return
        if self._file is None:
            self._note(f"\n(cut: {SHOWN} are shown. The command goes on until it ends, or is interrupted", "the end of the rest is in")
        self._file.write(data[max(room, 0) :])

    def leave(self, pipes: list) -> None:
        """Bash has ended, and a job in the background has its ends of *pipes*: from now on they are read for the file."""
        if not self._stopped.is_set() and not self._together:
            self._note("(a job goes on in the background", "what it prints is in")
        elif self._file is None:
            self._file = cell_output.CellOutput()
        self._file.follow(pipes)

    def done(self) -> None:
        """Bash has ended, and nobody has the pipes."""
        if self._file is not None:
            self._file.close()

    def _note(self, what: str, where: str) -> None:
        if self._file is None:
            self._file = cell_output.CellOutput()
        path = self._file.path
        rest = f"{where} {path} on this node, to be read with: tail {path}" if path else "the rest is dropped"
        self._pass_on(2, f"{what}; {rest})\n".encode())

    def _pass_on(self, number: int, data: bytes) -> None:
        self._credit.acquire()
        if not self._stopped.is_set():
            self._channel.send((number, data))


def _relay(sender: _Sender, started: subprocess.Popen) -> None:
    """
    Send on what bash and its children print until bash ends.

    A background job keeps the pipes open for as long as it lives, so bash's end is watched for by itself, and what
    is in the pipes then is still taken.
    """
    pipes = _Pipes(sender, started)
    ended = os.pidfd_open(started.pid)
    try:
        pipes.poll.register(ended, select.POLLIN)
        while started.poll() is None:
            pipes.take(None)
        pipes.poll.unregister(ended)
        # A job in the background that never stops printing must not hold the cell either.
        pipes.take_what_is_there(time.monotonic() + 0.2)
        enough = time.monotonic() + LEFT_OPEN
        while pipes.open and (left := enough - time.monotonic()) > 0:
            pipes.take(left)
    finally:
        os.close(ended)
    if pipes.open:
        sender.leave(list(pipes.open.values()))
    else:
        sender.done()


class _Pipes:
    """What bash prints into: *open* are those of which somebody has the other end, by descriptor."""

    def __init__(self, sender: _Sender, started: subprocess.Popen) -> None:
        pipes = [(pipe, number) for pipe, number in ((started.stdout, 1), (started.stderr, 2)) if pipe]
        self._sender, self._numbers = sender, {pipe.fileno(): number for pipe, number in pipes}
        self.open, self.poll = {pipe.fileno(): pipe for pipe, _ in pipes}, select.poll()
        for descriptor in self.open:
            os.set_blocking(descriptor, False)
            self.poll.register(descriptor, select.POLLIN)

    def take(self, seconds: float | None) -> None:
        """Wait until something is printed, or for so long, and send it on."""
        for descriptor, _ in self.poll.poll(None if seconds is None else seconds * 1000):
            if descriptor in self.open:
                self._take(descriptor)

    def take_what_is_there(self, until: float) -> None:
        """Send on all that is in the pipes; no more after a moment of the monotonic clock."""
        for descriptor in list(self.open):
            while self._take(descriptor) and time.monotonic() < until:
                pass

    def _take(self, descriptor: int) -> bool:
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._sender.send(self._numbers[descriptor], data)
        else:  # nobody has its other end
            self.poll.unregister(descriptor)
            self.open.pop(descriptor).close()
        return bool(data)
