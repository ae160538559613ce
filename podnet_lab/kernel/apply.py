"""
Requests, in order, made real in a node's namespaces.

A request is plain data: (operation, namespace, arguments), with namespace None for the node's own.
Neighbouring requests of the same namespace go to the kernel in one send.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from podnet_lab.devices.codecs import codec, codec_flag
from podnet_lab.kernel import (
    daemons,
    delete_links,
    encode,
    modules,
    namespaces,
    nft_program,
    node_files,
    raw_link,
    read_links,
    replay,
    tun,
    unmanaged_state,
)
from podnet_lab.kernel.namespaces_ahead import NamespacesAhead, worth_it
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Refused, Socket
from podnet_lab.kernel.sysctl import write_sysctl

RTM_NEWNEXTHOP = 104

Request = tuple[str, str | None, dict[str, Any]]

PATIENCE = 0.5
"""Seconds to wait for a deleted namespace to be cleared away; 10 to 20 ms is usual."""


class Batch:
    """
    Sockets and descriptors for one batch; none outlives it, or a deleted Pod would live on in them.

    *places* are the paths of namespaces that have no name of their own, by what requests call them.
    """

    def __init__(self, places: Mapping[str, str] | None = None) -> None:
        self._places = places or {}
        self._home = namespaces.here()
        self._descriptors: dict[str, int] = {}
        self._lookups: dict[str | None, Lookup] = {}
        self._sockets: dict[str | None, Socket] = {}
        self._dying: set[int] = set()
        self.ahead = NamespacesAhead([])

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
            place = self._places.get(namespace) or namespaces.path(namespace)
            self._descriptors[namespace] = namespaces.open_at(place)
        return self._descriptors[namespace]

    def socket(self, namespace: str | None) -> Socket:
        """A netlink socket inside *namespace*, kept until the batch ends."""
        if namespace not in self._sockets:
            with namespaces.inside(self.descriptor(namespace)):
                self._sockets[namespace] = Socket()
        return self._sockets[namespace]

    def forget(self, namespace: str) -> None:
        """Let go of *namespace*, which is about to be deleted; remember the node's ends of its cables, which go with it."""
        self._dying |= {
            link["peer_index"] for link in read_links.links(self.socket(namespace)) if link["peer_index"] and link["nsid"] is not None
        }
        if namespace in self._sockets:
            self._sockets.pop(namespace).close()
        if namespace in self._descriptors:
            os.close(self._descriptors.pop(namespace))

    def settle(self) -> None:
        """Wait until the node's ends of cables into deleted namespaces are gone: the kernel clears away behind our back."""
        deadline = time.monotonic() + PATIENCE
        while self._dying and time.monotonic() < deadline:  # a program that still runs in the namespace keeps it alive
            self._dying &= {link["index"] for link in read_links.links(self.socket(None))}
            if self._dying:
                select.select([], [], [], 0.002)

    def add(self, name: str) -> None:
        """``ip netns add NAME``."""
        self._sockets[name] = self.ahead.take(name)

    def remove(self, name: str) -> None:
        """``ip netns del NAME``."""
        self.forget(name)
        namespaces.remove(name)

    def message(self, operation: str, namespace: str | None, arguments: dict[str, Any]) -> encode.Message:
        """Encode one netlink request, with the numbers of the interfaces and the descriptors of the namespaces that it names."""
        if (lookup := self._lookups.get(namespace)) is None:
            lookup = self._lookups[namespace] = Lookup(self, namespace)
        return _MESSAGES[operation](lookup, **arguments)

    def link_add_raw(self, namespace: str | None, name: str, info: str, mac: str, mtu: int, **beside: Any) -> None:
        """Make an interface again as the kernel had described it."""
        raw_link.link_add(self.socket(namespace), name, bytes.fromhex(info), mac, mtu, **_beside(Lookup(self, namespace), **beside))

    def tun_add(self, namespace: str | None, name: str, mode: str) -> None:
        """``ip tuntap add dev NAME mode MODE`` inside *namespace*."""
        with namespaces.inside(self.descriptor(namespace)):
            tun.add(name, mode)

    def sysctl(self, namespace: str | None, key: str, value: int) -> None:
        """``sysctl -w net.KEY=VALUE`` inside *namespace*."""
        with namespaces.inside(self.descriptor(namespace)):
            write_sysctl(key, value)


class Lookup:
    """What the kernel calls interfaces and namespaces that requests name, seen from *namespace*."""

    __slots__ = ("_batch", "_namespace")

    def __init__(self, batch: Batch, namespace: str | None) -> None:
        self._batch, self._namespace = batch, namespace

    def index(self, dev: str) -> int:
        """The number of an interface; Refused (ENODEV) if there is none."""
        return self._batch.socket(self._namespace).index(dev)

    def netns(self, namespace: str | None) -> int:
        """A descriptor of a namespace, None being the node's own; OSError (ENOENT) if there is none."""
        return self._batch.descriptor(namespace)


def _link_add(lookup: Lookup, name: str, kind: str, settings: dict | None = None, lower: str = "", **there: Any) -> encode.Message:
    data = codec(kind).encode(settings, lookup) if settings else b""
    return encode.link_add(name, kind, data, **_beside(lookup, lower, **there))


def _beside(lookup: Lookup, lower: str = "", **there: Any) -> dict[str, int | None]:
    """What a new interface sits on, and the namespace that it is made in, if that is another one."""
    return {"lower": lookup.index(lower) if lower else None, "netns": lookup.netns(there["netns"]) if "netns" in there else None}


def _link_set(lookup: Lookup, name: str, **given: Any) -> encode.Message:
    if "master" in given:
        given["master"] = lookup.index(given["master"]) if given["master"] else 0
    if "to" in given:
        given["to_fd"] = lookup.netns(given.pop("to"))
    return encode.link_set(name, **given)


def _route(add: bool, lookup: Lookup, dev: str | None = None, **given: Any) -> encode.Message:
    return encode.route(add, **given, oif=lookup.index(dev) if dev else None)


def _raw(operation: str) -> Callable[..., encode.Message]:
    made = replay.address if operation.startswith("address") else replay.route
    return lambda lookup, body: (*encode.RAW[operation], made(body, lookup.index))


def _nexthop_add(batch: Batch, namespace: str | None, given: dict[str, Any]) -> None:
    """Make a nexthop object that a route needs, unless it is there."""
    try:
        batch.socket(namespace).request([(RTM_NEWNEXTHOP, NLM_F_CREATE_NEW, replay.nexthop(given["body"], Lookup(batch, namespace).index))])
    except Refused as refusal:
        if refusal.errno != errno.EEXIST:
            raise


_MESSAGES: dict[str, Callable[..., encode.Message]] = {
    "link_add": _link_add,
    "link_set": _link_set,
    "link_remove": lambda _, name: encode.link_remove(name),
    "address_add": lambda lookup, interface, dev: encode.address(True, interface, lookup.index(dev)),
    "address_remove": lambda lookup, interface, dev: encode.address(False, interface, lookup.index(dev)),
    "route_add": lambda lookup, **given: _route(True, lookup, **given),
    "route_remove": lambda lookup, **given: _route(False, lookup, **given),
    "neighbour_add": lambda lookup, address, mac, dev: encode.neighbour_add(address, mac, lookup.index(dev)),
    "neighbour_remove": lambda lookup, address, dev: encode.neighbour_remove(address, lookup.index(dev)),
    "fdb_add": lambda lookup, mac, dev, remote: encode.fdb(True, mac, lookup.index(dev), remote),
    "fdb_remove": lambda lookup, mac, dev, remote: encode.fdb(False, mac, lookup.index(dev), remote),
    **{operation: _raw(operation) for operation in encode.RAW},
}
"""What each operation asks of the kernel, as one message."""

_NAMES_LINKS = ("dev", "master", "to")
"""Arguments by which an operation looks something up that an earlier request of the same batch may be about to make."""


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
                delete_links.request(self._batch.socket(self._kind[1]), bodies)
        except Refused as refusal:
            refusal.position += self._first
            raise


def apply(requests: list[Request]) -> None:
    """Make *requests* real, in order; Refused with the position of the first that the kernel did not take."""
    with closing(Batch()) as batch:
        apply_in(batch, requests)


def apply_in(batch: Batch, requests: list[Request]) -> None:
    """The same with the sockets and descriptors of *batch*, which stays open."""
    with NamespacesAhead(worth_it(requests)) as batch.ahead:
        _apply_in(batch, requests)
    batch.settle()


def _apply_in(batch: Batch, requests: list[Request]) -> None:
    waiting = _Waiting(batch)
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
            code, detail = error.errno or 0, getattr(error, "detail", "" if error.errno else str(error))
            waiting.flush()  # what stands before it comes first, and so does its refusal
            raise Refused(code, position, detail) from None
    waiting.flush()


def _needs_flush(operation: str, arguments: dict[str, Any]) -> bool:
    if operation.endswith("_raw"):
        return "=" in arguments["body"]  # it names an interface
    if operation == "link_add":
        return "lower" in arguments or ("settings" in arguments and codec_flag(arguments["kind"], "NAMES_LINKS"))
    return operation != "link_remove" and any(name in arguments for name in _NAMES_LINKS)


_ALONE: dict[str, Callable[[Batch, str | None, dict[str, Any]], None]] = {
    "namespace_add": lambda batch, namespace, given: batch.add(given["name"]),
    "namespace_remove": lambda batch, namespace, given: batch.remove(given["name"]),
    "nexthop_add_raw": _nexthop_add,
    "link_add_raw": lambda batch, namespace, given: batch.link_add_raw(namespace, **given),
    "daemon_start": lambda batch, namespace, given: daemons.start(namespace, given),
    "daemon_reload": lambda batch, namespace, given: daemons.reload(namespace, given),
    "daemon_stop": lambda batch, namespace, given: daemons.stop(namespace, given),
    "tun_add": lambda batch, namespace, given: batch.tun_add(namespace, **given),
    "module_load": lambda batch, namespace, given: modules.load(given["name"]),
    "module_unload": lambda batch, namespace, given: modules.unload(given["name"]),
    "file_write": lambda batch, namespace, given: node_files.write(**given),
    "file_remove": lambda batch, namespace, given: node_files.remove(**given),
    "sysctl": lambda batch, namespace, given: batch.sysctl(namespace, given["key"], given["value"]),
    "nft_dormant": lambda batch, namespace, given: unmanaged_state.set_dormant(**given),
}
"""Requests that are no message: they wait for all before them."""
