"""
A program that answers on a socket of this machine: one question and one answer for each connection.

A question is parts that end with a zero byte, an empty one, and then the rest, up to where the asker has no more to say; an answer
is one byte, the length of what is to be printed (32 bits, the high byte first), that, and what is to be printed on standard error.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable

MOST = 1 << 22
"""Bytes of a question."""

SECONDS = 10.0
"""In which an asker has said what it wants."""

PAUSE = 0.05
"""Seconds until one that could not be taken is taken."""

WAITING, FEW = 8, 2
"""
Threads that wait for askers, so that no asker waits for one to start. Others come after an answer, or at once where few are left.

Each answers one asker and ends: none keeps what an answer may leave, such as the namespace that it was in.
"""

Answer = Callable[[list[str], str], tuple[int, str, str]]
"""From the parts and the rest to a status, and what goes to standard output and error."""


def serve(path: str, answer: Answer) -> None:
    """Answer at the socket *path*, which only this user may reach, until the process is ended; several askers at the same time."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    listening.bind(f"{path}.new")
    os.chmod(f"{path}.new", 0o600)
    listening.listen(64)
    os.rename(f"{path}.new", path)  # whoever sees it can connect
    waiting, changed = 0, threading.Condition()

    def serve_one() -> None:
        nonlocal waiting
        asker = _asker(listening)
        with changed:
            waiting -= 1
            if waiting < FEW:  # this one may be long about it
                changed.notify()
        try:
            _answer(asker, answer)
        finally:
            with changed:
                changed.notify()

    def too_few() -> bool:
        return waiting < WAITING

    while True:
        with changed:
            changed.wait_for(too_few)
            waiting += 1
        threading.Thread(target=serve_one, daemon=True).start()


def _asker(listening: socket.socket) -> socket.socket:
    """The next one; where no descriptor is left for it, it waits until there is."""
    while True:
        try:
            return listening.accept()[0]
        except OSError:
            time.sleep(PAUSE)


def _answer(asker: socket.socket, answer: Answer) -> None:
    asker.settimeout(SECONDS)
    with asker, contextlib.suppress(OSError):  # it has gone, and does not want to know
        question = b""
        while part := asker.recv(1 << 16):
            question += part
            if len(question) > MOST:
                return
        asker.settimeout(None)
        parts, _, rest = question.partition(b"\0\0")
        status, out, err = answer([part.decode(errors="surrogateescape") for part in parts.split(b"\0")], rest.decode(errors="replace"))
        printed = out.encode()
        asker.sendall(struct.pack("!BI", status, len(printed)) + printed + err.encode(errors="replace"))
