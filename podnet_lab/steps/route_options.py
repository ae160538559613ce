"""
What a route may have beyond the usual: its own address, how far it leads, a type of service, an MTU. Pure.

`Route.extra` has them as the kernel's own numbers and bytes; here are the words for `ip`, and the arguments for pyroute2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any

from podnet_lab.model.address import SCOPES
from podnet_lab.printable_names import quoted
from podnet_lab.steps.pyroute2_calls import index_of

RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH, RTA_NH_ID = 7, 8, 9, 30
WAY, RTA_GATEWAY = 8, 5
"""The size of struct rtnexthop, and what stands behind it."""

RTNH_F_PASSING = 0x1 | 0x10
"""Dead, or its cable is down: what a way may be for a while."""

METRICS = {2: "mtu", 3: "window", 8: "advmss", 10: "hoplimit", 11: "initcwnd", 14: "initrwnd"}
"""Of RTA_METRICS, those that are plain numbers (RTAX_… in linux/rtnetlink.h), as `ip route` and pyroute2 call them."""

LEFT = {RTA_MULTIPATH: "several ways", RTA_NH_ID: "a nexthop object"}


@dataclass(frozen=True)
class RouteOptions:
    """The *words* for `ip route add`, the *arguments* for pyroute2, and in words what is *left*, that neither says."""

    words: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    left: tuple[str, ...] = ()


@lru_cache(256)
def options(extra: str, raw: str = "", namespace: str | None = None) -> RouteOptions:
    """What `Route.extra` says; the names of interfaces are in the kernel's *raw* bytes for the route."""
    words: list[str] = []
    arguments: dict[str, Any] = {}
    left: list[str] = []
    parts = iter(extra.split())
    for part in parts:
        kind, _, value = part.partition(":")
        if part in ("tos", "scope"):
            number = next(parts)
            if part == "scope" and f"{RTA_MULTIPATH}:" in extra and int(number) == 0:
                continue  # what several ways have by themselves
            words.append(f"{part} {SCOPES.get(number, number) if part == 'scope' else hex(int(number))}")
            arguments[part] = int(number)
        elif kind == str(RTA_PREFSRC):
            source = str(IPv4Address(bytes.fromhex(value)))
            words.append(f"src {source}")
            arguments["prefsrc"] = source
        elif kind == str(RTA_METRICS) and (metrics := _metrics(bytes.fromhex(value))) is not None:
            words += [f"{name} {number}" for name, number in metrics.items()]
            arguments["metrics"] = metrics
        elif kind == str(RTA_MULTIPATH) and (ways := _ways(bytes.fromhex(value), _names(raw))) is not None:
            words += [f"nexthop via {via} dev {quoted(dev)} weight {weight}" for via, dev, weight in ways]
            arguments["multipath"] = [{"gateway": via, "oif": index_of(namespace, dev), "hops": weight - 1} for via, dev, weight in ways]
        else:
            left.append(LEFT.get(int(kind), f"the kernel's attribute {kind}"))
    return RouteOptions(tuple(words), arguments, tuple(left))


def _metrics(data: bytes) -> dict[str, int] | None:
    """Numbers by name; None where one has no name here."""
    found = {}
    while data:
        size, kind = struct.unpack_from("=HH", data)
        if kind not in METRICS or size != 8:
            return None
        found[METRICS[kind]] = struct.unpack_from("=I", data, 4)[0]
        data = data[size:]
    return found


def _names(raw: str) -> dict[int, str]:
    """The names of the interfaces that the kernel's bytes call by numbers (`podnet_lab.kernel.replay`)."""
    found = (word.partition("=") for word in raw.split(" ")[1:])
    return {int(number): name for number, _, name in found}


def _ways(data: bytes, names: Mapping[int, str]) -> list[tuple[str, str, int]] | None:
    """(gateway, interface, weight) of each of several ways (struct rtnexthop); None where one is of another kind."""
    ways = []
    while len(data) >= WAY:
        size, flags, hops, index = struct.unpack_from("=HBBi", data)
        if size != WAY + 8 or flags & ~RTNH_F_PASSING or index not in names or struct.unpack_from("=HH", data, WAY) != (8, RTA_GATEWAY):
            return None
        ways.append((str(IPv4Address(data[WAY + 4 : WAY + 8])), names[index], hops + 1))
        data = data[size:]
    return ways
