"""
A Unix socket of a node that is another machine, reached from the lab's: both ends of what passes bytes on.

`relayed` has a socket here, whose connections go, each by a channel of its own, to `serve` in the node's agent.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator

CHUNK = 1 << 16

Hear = Callable[[bytes | None], None]
Connect = Callable[[Hear], tuple[Callable[[bytes], object], Callable[[], object]]]
"""Connects to the node's socket, whose bytes are heard, and None at its end; returns what sends to it, and what ends it."""


@contextlib.contextmanager
def relayed(connect: Connect) -> Iterator[str]:
    """Have a socket here, and give its path. Whoever connects to it where nobody listens on the node sees the end at once."""
    with tempfile.TemporaryDirectory(prefix="podnet-") as folder, socket.socket(socket.AF_UNIX) as listening:  # a folder of mode 0700
        here = os.path.join(folder, "socket")
        listening.bind(here)
        listening.listen()
        threading.Thread(target=_accept, args=[listening, connect], name="podnet-relay", daemon=True).start()
        try:
            yield here
        finally:
            listening.shutdown(socket.SHUT_RDWR)  # which ends the thread that waits there


def _accept(listening: socket.socket, connect: Connect) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_pass_on, args=[connection, connect], name="podnet-relayed", daemon=True).start()


def _pass_on(connection: socket.socket, connect: Connect) -> None:
    def hear(data: bytes | None) -> None:
        with contextlib.suppress(OSError):  # it has been closed here
            if data is None:
                connection.shutdown(socket.SHUT_RDWR)
            else:
                connection.sendall(data)

    with connection:
        try:
            send, close = connect(hear)
        except Exception:  # noqa: BLE001 - the lab has ended; who connected sees the end, and says so
            return
        try:
            while data := connection.recv(CHUNK):
                send(data)
        except Exception:  # noqa: BLE001 - as above
            return
        finally:
            close()


def serve(channel, path: str) -> None:
    """Pass bytes on between *channel*, which is execnet's, and the socket *path*, until one of them ends; at once if nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:  # whoever asked sees the channel's end
            return
        given: queue.SimpleQueue = queue.SimpleQueue()  # a socket that is not read must not hold the agent's other channels
        channel.setcallback(given.put, endmarker=None)
        threading.Thread(target=_write, args=[connection, given.get], name="relay", daemon=True).start()
        with contextlib.suppress(OSError):  # one of the two is gone
            while data := connection.recv(CHUNK):
                channel.send(data)


def _write(connection: socket.socket, next_one: Callable[[], bytes | None]) -> None:
    with contextlib.suppress(OSError):  # it has been closed
        while (data := next_one()) is not None:
            connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)
