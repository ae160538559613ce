"""
What of a node's own namespace is about a few interfaces, asked for by their names: it costs the same however many others there are.

A CNI plugin looks so: most interfaces of a node are other Pods'.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection
from typing import Any, NamedTuple

from podnet_lab.devices.nlattr import attribute
from podnet_lab.kernel import read, read_links, spaces
from podnet_lab.kernel.apply import Batch
from podnet_lab.kernel.encode import RTM_GETNETCONF
from podnet_lab.kernel.netlink import Socket
from podnet_lab.printable_names import printable


class _Names(dict):
    """Names of interfaces by their numbers: each is asked for when it is needed."""

    def __init__(self, sock: Socket) -> None:
        super().__init__()
        self._sock = sock

    def get(self, index: int, default: Any = None) -> Any:
        if index not in self:
            name = self._sock.name(index)
            if name is None:
                return default
            self[index] = printable(name)
        return self[index]


READ = {"link", "address", "route", "neighbour", "conf"}
"""Kinds of facts (`podnet_lab.steps.facts`) that can be asked for; what is about an interface itself is always there with it."""


class Part(NamedTuple):
    """What is asked of a namespace: its *links* of these names (None: all), and *kinds* of facts, of `READ`."""

    links: frozenset[str] | None
    kinds: frozenset[str]


def namespace_about(sock: Socket, part: Part) -> dict[str, Any]:
    """
    What `read.namespace` says, as far as it is asked for; the rest is empty.

    On a node with a hundred Pods this takes a fifth of the time.
    """
    names, kinds = _Names(sock), part.kinds
    found = read_links.links(sock) if part.links is None else read_links.links_called(sock, part.links, names)
    numbers = {link["index"]: link["name"] for link in found}
    localnet = {link["name"] for link in found if link.pop("route_localnet")}
    table, learnt = read.routes(sock, names) if "route" in kinds else ([], [])
    return {
        "links": found,
        "addresses": read.addresses(sock, names) if "address" in kinds else [],
        "routes": table,
        "learnt": learnt,
        "neighbours": read.neighbours(sock, names) if "neighbour" in kinds else [],
        "fdb": [],
        "conf": _conf(sock, numbers, localnet) if "conf" in kinds else {},
    }


def _conf(sock: Socket, numbers: dict[int, str], localnet: Collection[str]) -> dict[str, tuple]:
    asked = [
        struct.pack("=Bxxx", socket.AF_INET) + attribute(read.NETCONFA_IFINDEX, struct.pack("=i", number)) for number in (-1, -2, *numbers)
    ]
    return read.conf_told(filter(None, sock.ask(RTM_GETNETCONF, asked)), numbers, localnet)


def node_and_pod(batch: Batch, pod: str, node_part: Part, pod_part: Part) -> dict[str, Any]:
    """
    What `spaces.spaces_at` says of the node's own namespace, called "", and of *pod*'s, as far as it is asked for.

    It is read through the sockets of *batch*, which are there already if something was asked of the kernel before.
    """
    sockets = {name: batch.socket(name or None) for name in ("", pod)}
    found = {"": namespace_about(sockets[""], node_part), pod: namespace_about(sockets[pod], pod_part)}
    spaces.name_others(found, sockets, {name: batch.descriptor(name or None) for name in found})
    return found
