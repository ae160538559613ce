"""
Requests, in order, made real in a node's namespaces.

A request is plain data: (operation, namespace, arguments), with namespace None for the node's own.
Neighbouring requests of the same namespace go to the kernel in one send.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from typing import Any

from podnet_lab.kernel import encode, namespaces, nft_program, read
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.sysctl import write_sysctl

Request = tuple[str, str | None, dict[str, Any]]

PATIENCE = 0.5
"""Seconds to wait for a deleted namespace to be cleared away; 10 to 20 ms is usual."""


class Batch:
    """Sockets and descriptors for one batch; none outlives it, or a deleted Pod would live on in them."""

    def __init__(self) -> None:
        self._home = namespaces.here()
        self._descriptors: dict[str, int] = {}
        self._sockets: dict[str | None, Socket] = {}
        self._dying: set[int] = set()

    def close(self) -> None:
        """Come back to the node's namespace and let go of all others."""
        namespaces.enter(self._home)
        for descriptor in [self._home, *self._descriptors.values()]:
            os.close(descriptor)
        for socket in self._sockets.values():
            socket.close()

    def descriptor(self, namespace: str | None) -> int:
        """A descriptor of *namespace*, kept until the batch ends."""
        if namespace is None:
            return self._home
        if namespace not in self._descriptors:
            self._descriptors[namespace] = namespaces.open_named(namespace)
        return self._descriptors[namespace]

    def socket(self, namespace: str | None) -> Socket:
        """A netlink socket inside *namespace*, kept until the batch ends."""
        if namespace not in self._sockets:
            with namespaces.inside(self.descriptor(namespace)):
                self._sockets[namespace] = Socket()
        return self._sockets[namespace]

    def forget(self, namespace: str) -> None:
        """Let go of *namespace*, which is about to be deleted; remember the node's ends of its cables, which go with it."""
        self._dying |= {link["peer_index"] for link in read.links(self.socket(namespace)) if link["peer_nsid"] is not None}
        if namespace in self._sockets:
            self._sockets.pop(namespace).close()
        if namespace in self._descriptors:
            os.close(self._descriptors.pop(namespace))

    def settle(self) -> None:
        """Wait until the node's ends of cables into deleted namespaces are gone: the kernel clears away behind our back."""
        deadline = time.monotonic() + PATIENCE
        while self._dying and time.monotonic() < deadline:  # a program that still runs in the namespace keeps it alive
            self._dying &= {link["index"] for link in read.links(self.socket(None))}
            if self._dying:
                select.select([], [], [], 0.002)

    def remove(self, name: str) -> None:
        """``ip netns del NAME``."""
        self.forget(name)
        namespaces.remove(name)

    def message(self, operation: str, namespace: str | None, arguments: dict[str, Any]) -> encode.Message:
        """Encode one netlink request, with the numbers of the interfaces that it names."""
        given = dict(arguments)
        if operation == "veth_add":
            elsewhere = given.pop("peer_namespace", None)
            return encode.veth_add(**given, peer_fd=None if elsewhere is None else self.descriptor(elsewhere))
        if operation == "link_set":
            if "master" in given:
                given["master"] = self._index(namespace, given["master"]) if given["master"] else 0
            if "to" in given:
                given["to_fd"] = self.descriptor(given.pop("to"))
            return encode.link_set(**given)
        if operation in {"address_add", "address_remove"}:
            return encode.address(operation == "address_add", given["interface"], self._index(namespace, given["dev"]))
        if operation in {"route_add", "route_remove"}:
            dev = given.pop("dev", None)
            return encode.route(operation == "route_add", **given, oif=self._index(namespace, dev) if dev else None)
        if operation == "neighbour_add":
            return encode.neighbour_add(given["address"], given["mac"], self._index(namespace, given["dev"]))
        if operation == "neighbour_remove":
            return encode.neighbour_remove(given["address"], self._index(namespace, given["dev"]))
        if operation in encode.RAW:
            return *encode.RAW[operation], bytes.fromhex(given["body"])
        return encode.ENCODERS[operation](**given)

    def _index(self, namespace: str | None, dev: str) -> int:
        return self.socket(namespace).index(dev)

    def sysctl(self, namespace: str | None, key: str, value: int) -> None:
        """``sysctl -w net.KEY=VALUE`` inside *namespace*."""
        with namespaces.inside(self.descriptor(namespace)):
            write_sysctl(key, value)


# Operations whose encoding looks up what an earlier request of the same batch may be about to make.
_LOOKS_UP = {"address_add", "address_remove", "route_add", "route_remove", "neighbour_add", "neighbour_remove", "link_set"}


class _Waiting:
    """Requests that go to the kernel in one send, or to `nft` in one transaction: neighbours of one namespace and one kind."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._bodies = batch, []
        self._first, self._kind = 0, ("", None)

    def add(self, position: int, kind: tuple[str, str | None], body: Any) -> None:
        if not self._bodies:
            self._first, self._kind = position, kind
        self._bodies.append(body)

    def fits(self, kind: tuple[str, str | None]) -> bool:
        return not self._bodies or self._kind == kind

    def flush(self) -> None:
        bodies, self._bodies = self._bodies, []
        if not bodies:
            return
        try:
            if self._kind[0] == "nft":
                nft_program.apply(bodies)
            else:
                self._batch.socket(self._kind[1]).request(bodies)
        except Refused as refusal:
            refusal.position += self._first
            raise


def apply(requests: list[Request]) -> None:
    """Make *requests* real, in order; Refused with the position of the first that the kernel did not take."""
    batch = Batch()
    waiting = _Waiting(batch)
    try:
        for position, (operation, namespace, arguments) in enumerate(requests):
            kind = (operation if operation == "nft" else "route", namespace)
            alone = _ALONE.get(operation)
            if alone or not waiting.fits(kind) or _needs_flush(operation, arguments):
                waiting.flush()
            try:
                if alone:
                    alone(batch, namespace, arguments)
                else:
                    body = arguments["commands"] if operation == "nft" else batch.message(operation, namespace, arguments)
                    waiting.add(position, kind, body)
            except OSError as error:
                code, detail = error.errno or 0, getattr(error, "detail", "")
                waiting.flush()  # what stands before it comes first, and so does its refusal
                raise Refused(code, position, detail) from None
        waiting.flush()
        batch.settle()
    finally:
        batch.close()


def _needs_flush(operation: str, arguments: dict[str, Any]) -> bool:
    return operation in _LOOKS_UP and bool(arguments.get("dev") or arguments.get("master") or arguments.get("to"))


_ALONE: dict[str, Callable[[Batch, str | None, dict[str, Any]], None]] = {
    "namespace_add": lambda batch, namespace, given: namespaces.add(given["name"]),
    "namespace_remove": lambda batch, namespace, given: batch.remove(given["name"]),
    "sysctl": lambda batch, namespace, given: batch.sysctl(namespace, given["key"], given["value"]),
}
"""Requests that are no message: they wait for all before them."""
