"""
Namespaces that a long batch is about to ask for, made beside its other work: the kernel takes half of a Pod's time for its namespace.

They are made in the order in which they will be asked for, by a thread of their own, a few ahead of the batch. What was made and is
not asked for, because the batch ended before, goes again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from podnet_lab.kernel import namespaces
from podnet_lab.kernel.netlink import Socket

FEW = 8
"""Namespaces for which a thread is not worth it."""

AHEAD = 4
"""Namespaces that are there, at most, before they are asked for."""


def worth_it(requests: Sequence[tuple[str, str | None, dict]]) -> list[str]:
    """The namespaces that *requests* add, in order, if they are many, and none has a name that another gives up before."""
    names = [given["name"] for operation, _, given in requests if operation == "namespace_add"]
    if len(names) < FEW or any(operation == "namespace_remove" for operation, _, _ in requests):
        return []
    return names


class NamespacesAhead:
    """
    Makes the namespaces *names*, in order; each is fetched with `take`. A context, behind which there are none that nobody took.

    Before it, behind it, and where there are no *names*, a namespace is made when it is asked for.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._made = names, deque()
        self._room, self._there = threading.Semaphore(AHEAD), threading.Semaphore(0)
        self._over = True
        self._thread = threading.Thread(target=self._work, name="namespaces", daemon=True)

    def __enter__(self) -> NamespacesAhead:
        if self._names:
            self._over = False
            try:
                self._thread.start()
            except RuntimeError:  # there may be no more threads: then each is made when it is asked for
                self._over = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.ident is None:
            return
        self._over = True
        self._room.release()
        self._thread.join()
        for name, made in self._made:
            if isinstance(made, Socket):
                made.close()
                with suppress(OSError):  # somebody else removed it
                    namespaces.remove(name)

    def _work(self) -> None:
        for name in self._names:
            self._room.acquire()
            if self._over:
                return
            try:
                made: Socket | OSError = namespaces.add(name, Socket)
            except OSError as error:
                made = error
            self._made.append((name, made))
            self._there.release()
            if isinstance(made, OSError):
                return

    def take(self, name: str) -> Socket:
        """A netlink socket inside the next of them; OSError, once, if that can't be made: then no others are."""
        if self._over:
            return namespaces.add(name, Socket)
        self._there.acquire()
        _, made = self._made.popleft()
        self._room.release()
        if isinstance(made, OSError):
            raise made
        return made
