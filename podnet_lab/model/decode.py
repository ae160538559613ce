"""The frozen model, made of the plain data that an agent reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from types import MappingProxyType
from typing import Any

from podnet_lab.model import (
    NO_RULES,
    Address,
    FdbEntry,
    Ipv4Conf,
    Ipv6Entry,
    Link,
    Namespace,
    Neighbour,
    PolicyRule,
    Process,
    Route,
    Snapshot,
)
from podnet_lab.model.bgp import speaker
from podnet_lab.model.nftables import Ruleset, devices_of, ruleset
from podnet_lab.model.shared_parts import shared

# Values that hundreds of Pods share are made once: it takes less time, and a fifth less memory.
_network, _address, _conf = lru_cache(4096)(IPv4Network), lru_cache(4096)(IPv4Address), lru_cache(64)(Ipv4Conf)
_POD_TABLES = Ruleset(problem="this Pod has nftables of its own, and they are not read")


def _read(listing: str, devices: Sequence[Sequence[Any]] = ()) -> Ruleset:
    try:
        return ruleset(json.loads(listing)["nftables"], devices_of(devices))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:  # what a newer nft may list, and we have never seen
        return Ruleset(problem=f"nft lists something that podnet_lab can't read ({type(error).__name__}: {error})")


def rules_read(has: dict[str, Any]) -> Ruleset:
    """The nftables that were read as those of whom nothing was known."""
    if has["problem"]:
        return Ruleset(problem=f"what nftables does here is not known: {has['problem']}")
    return _read(has["listing"], has.get("devices", ())) if has["listing"] else NO_RULES


def rules_of(agent: Any, has: dict[str, Any]) -> Ruleset:
    """The nftables that an agent read; it sends them only where they are not the ones that it sent last."""
    if has["problem"]:
        return rules_read(has)
    if has["listing"] is not None:
        agent.known = (has["generation"], rules_read(has))
    return agent.known[1]


def snapshot(
    node: str,
    spaces: dict[str, Any],
    rules: Ruleset = NO_RULES,
    processes: Sequence[dict[str, Any]] = (),
    files: Mapping[str, str] | None = None,
    bgp: Mapping[str, Any] | None = None,
    last: Mapping[str | None, Namespace] = MappingProxyType({}),
) -> Snapshot:
    """
    A node's snapshot from what its agent read: *rules* are its own nftables, *bgp* is what its BIRD says.

    A namespace of which it says nothing (None) is what it was in *last*, but for those rules; so is a subject of which it says nothing.
    """
    read = {
        name or None: _same(last[name or None], rules) if space is None else _namespace(name or None, space, rules, last.get(name or None))
        for name, space in spaces.items()
    }
    return Snapshot(node, read, tuple(map(process, processes)), files or {}, speaker(bgp))


def _same(space: Namespace, rules: Ruleset) -> Namespace:
    return space if space.name or space.rules is rules else replace(space, rules=rules)


def process(fields: dict[str, Any]) -> Process:
    """A process, from what its node's agent said of it."""
    return Process(**fields | {"listens": tuple(map(tuple, fields["listens"]))})


def _link(has: dict[str, Any]) -> Link:
    peer, lower, settings = has["peer"], has["lower"], has["settings"]
    return Link(
        has["name"],
        has["kind"],
        has["up"],
        has["mac"],
        has["mtu"],
        has["arp"],
        has["master"],
        tuple(peer) if peer else None,
        has["carrier"],
        has["index"],
        has["port"],
        tuple(lower) if lower else None,
        tuple(sorted(settings.items())) if settings else (),
        has["info"],
        tuple(has.get("aliases", ())),
        "hairpin" in has["port"].split(", "),
    )


SUBJECTS: dict[str, Callable[[Any], Any]] = {
    "links": lambda links: {link["name"]: _link(link) for link in links},
    "addresses": lambda all_: tuple(Address(dev, IPv4Interface(interface), extra, raw) for dev, interface, extra, raw in all_),
    "routes": lambda routes: tuple(
        Route(_network(to), _address(via) if via else None, dev, kind, table, metric, kernel, *_beyond(extra, raw), *protocol)
        for to, via, dev, kind, table, metric, kernel, extra, raw, *protocol in routes
    ),
    "neighbours": lambda all_: tuple(Neighbour(IPv4Address(address), *more) for address, *more in all_),
    "fdb": lambda entries: tuple(
        FdbEntry(mac, dev, permanent, _address(remote) if remote else None) for mac, dev, permanent, remote in entries
    ),
    "conf": lambda conf: {dev: _conf(*values) for dev, values in conf.items()},
    "policy": lambda rules: _policy(tuple(tuple(one) for one in rules)),
    "bridged": bool,
    "silent": bool,
    "learnt": lambda sizes: {IPv4Address(to): size for to, size in sizes},
    "ipv6": lambda entries: tuple(Ipv6Entry(*entry) for entry in entries),
}
"""What an agent reads of a namespace, by the name of the field of `Namespace` that is made of it."""


def _namespace(name: str | None, has: dict[str, Any], rules: Ruleset, last: Namespace | None) -> Namespace:
    """
    A namespace from what an agent read of it: what it says nothing of is as in *last*, or as in any new namespace.

    It is made of the parts of *last* wherever those are equal: snapshots take as much room as has changed, and are compared quickly.
    """
    fields = {subject: decode(has[subject]) for subject, decode in SUBJECTS.items() if subject in has}
    if name is None:
        fields["rules"] = rules
    elif "tables" in has:
        fields["rules"] = _POD_TABLES if has["tables"] else NO_RULES
    if last is None:
        return Namespace(name, **fields)
    new = {field: made for field, value in fields.items() if (made := shared(value, was := getattr(last, field))) is not was}
    return replace(last, **new) if new else last


def _beyond(extra: str, raw: str) -> tuple[str, str, str, bool]:
    """What is unusual about a route: *extra* without "onlink", the kernel's bytes, no IPv6 next hop, and whether it is onlink."""
    words = extra.split()
    return (" ".join(word for word in words if word != "onlink"), raw, "", "onlink" in words) if extra else ("", raw, "", False)


@lru_cache(64)
def _policy(rules: tuple[tuple, ...]) -> tuple[PolicyRule, ...]:
    """One value for the many Pods that have the usual rules alone."""
    return tuple(
        PolicyRule(priority, table, kind, IPv4Network(source), IPv4Network(to), *rest) for priority, table, kind, source, to, *rest in rules
    )
