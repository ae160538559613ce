"""A client inside a node's namespaces: asks a server for its one line, over TCP (HTTP) or UDP, and keeps connections open."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from http.client import HTTPConnection, HTTPException
from typing import Any

from podnet_lab.kernel import namespaces
from podnet_lab.kernel.client_words import NO_ANSWER, NO_HTTP

MOST_TIMES = 20_000

ICMP_WAIT = 0.05
"""Seconds in which what one's own kernel says of a datagram arrives."""


class Connection(HTTPConnection):
    """HTTP over a socket that belongs to the network namespace in which `connect` was called."""

    def open(self) -> None:
        """Connect; OSError if nobody takes it, with the words NO_ANSWER if nobody says anything."""
        try:
            self.connect()
        except TimeoutError:
            raise OSError(NO_ANSWER) from None

    def ask(self) -> str:
        """One request; its answer's text. OSError or HTTPException if there is none."""
        self.request("GET", "/")
        return self.getresponse().read().decode(errors="replace").strip()


class Clients:
    """The open connections of a node, by number."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[str | None, tuple[int, int] | None, Connection]] = {}
        self._last = 0

    def ask(
        self,
        namespace: str | None,
        address: str,
        port: int,
        protocol: str,
        times: int,
        wait: float,
        cancelled: threading.Event,
    ) -> list[tuple[str, str, float]]:
        """
        Ask *times* times, each over a connection of its own: (answer, "", seconds), or ("", what went wrong, seconds).

        Waits *wait* seconds at most for each.
        """
        answers = []
        request = _tcp if protocol == "tcp" else _udp
        descriptor = namespaces.open_named(namespace) if namespace else namespaces.here()
        try:
            with namespaces.inside(descriptor):
                for _ in range(min(times, MOST_TIMES)):
                    if cancelled.is_set():
                        break
                    start = time.perf_counter()
                    answer, problem = _tried(request, address, port, wait)
                    answers.append((answer, problem, time.perf_counter() - start))
        finally:
            os.close(descriptor)
        return answers

    def open(self, namespace: str | None, address: str, port: int, wait: float) -> int:
        """Connect, and keep the connection; returns its number. OSError if nobody answers."""
        descriptor = namespaces.open_named(namespace) if namespace else namespaces.here()
        try:
            with namespaces.inside(descriptor):
                made = Connection(address, port, timeout=wait)
                made.open()
        finally:
            os.close(descriptor)
        self._last += 1
        self._open[self._last] = (namespace, namespaces.identity_of(namespace), made)
        return self._last

    def again(self, number: int) -> tuple[str, str]:
        """Ask over an open connection: (answer, "") or ("", what went wrong)."""
        if number not in self._open:
            return "", "the connection is closed"
        made = self._open[number][2]
        if made.sock is None:
            return "", "the connection is closed"
        made.auto_open = 0  # a connection that broke is not to be made anew behind our back
        return _tried(lambda *_: made.ask())

    def close(self, number: int | None = None) -> None:
        """Close one connection, or all."""
        for key in list(self._open) if number is None else [number]:
            if (gone := self._open.pop(key, None)) is not None:
                gone[2].close()

    def leave(self, namespace: str) -> None:
        """Close the connections of a namespace."""
        for number in [number for number, (where, *_) in self._open.items() if where == namespace]:
            self.close(number)

    def sweep(self) -> None:
        """Close the connections of namespaces that have lost their names: an open socket would keep them alive."""
        for number, (where, which, _) in list(self._open.items()):
            if where is not None and namespaces.identity_of(where) != which:
                self.close(number)


def _tried(request: Any, *arguments: Any) -> tuple[str, str]:
    try:
        return request(*arguments), ""
    except TimeoutError:
        return "", NO_ANSWER
    except OSError as error:
        return "", os.strerror(error.errno).lower() if error.errno else str(error)
    except HTTPException as error:
        return "", f"no HTTP: {error}"


def _tcp(address: str, port: int, wait: float) -> str:
    made = Connection(address, port, timeout=wait)
    try:
        made.open()
        answer, problem = _tried(made.ask)
        if problem:
            raise OSError(NO_HTTP + ("" if problem == NO_ANSWER else f" ({problem.removeprefix('no HTTP: ')})"))
        return answer
    finally:
        made.close()


def _udp(address: str, port: int, wait: float) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.connect((address, port))
        # A datagram may get lost: asked again until the time is over.
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            _send(made)
            made.settimeout(min(left, 0.3))
            try:
                return made.recv(2048).decode(errors="replace").strip()
            except TimeoutError:
                continue
    raise TimeoutError


def _send(made: socket.socket) -> None:
    """
    Send the question.

    A datagram that a rule of one's own kernel rejects fails as one that it drops does (EPERM), but an ICMP error comes, too:
    then ConnectionRefusedError is raised, as for a datagram that was rejected elsewhere.
    """
    try:
        made.send(b"who?\n")
    except PermissionError:
        made.settimeout(ICMP_WAIT)
        with contextlib.suppress(TimeoutError):
            made.recv(2048)
        raise
