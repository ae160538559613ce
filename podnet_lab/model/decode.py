"""The frozen model, made of the plain data that an agent reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from podnet_lab.model import (
    NO_RULES,
    USUAL_POLICY,
    Address,
    FdbEntry,
    Ipv4Conf,
    Link,
    Namespace,
    Neighbour,
    PolicyRule,
    Process,
    Route,
    Snapshot,
)
from podnet_lab.model.firewall import devices_of
from podnet_lab.model.nftables import Ruleset, ruleset

# Values that hundreds of Pods share are made once: it takes less time, and a fifth less memory.
_network, _address, _conf = lru_cache(4096)(IPv4Network), lru_cache(4096)(IPv4Address), lru_cache(64)(Ipv4Conf)
_POD_TABLES = Ruleset(problem="this Pod has nftables of its own, and they are not read")


def _read(listing: str, devices: Sequence[Sequence[Any]] = ()) -> Ruleset:
    try:
        return ruleset(json.loads(listing)["nftables"], devices_of(devices))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:  # what a newer nft may list, and we have never seen
        return Ruleset(problem=f"nft lists something that podnet_lab can't read ({type(error).__name__}: {error})")


def rules_of(agent: Any, has: dict[str, Any]) -> Ruleset:
    """The nftables that an agent read; it sends them only where they are not the ones that it sent last."""
    if has["problem"]:
        return Ruleset(problem=f"what nftables does here is not known: {has['problem']}")
    if has["listing"] is not None:
        agent.known = (has["generation"], _read(has["listing"], has.get("devices", ())) if has["listing"] else NO_RULES)
    return agent.known[1]


def snapshot(node: str, spaces: dict[str, Any], rules: Ruleset = NO_RULES, processes: Sequence[dict[str, Any]] = ()) -> Snapshot:
    """A node's snapshot from what its agent read; *rules* are its own nftables, *processes* what runs in the background."""
    read = {name or None: _namespace(name or None, space, NO_RULES if name else rules) for name, space in spaces.items()}
    return Snapshot(node, read, tuple(map(process, processes)))


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


def _namespace(name: str | None, has: dict[str, Any], rules: Ruleset) -> Namespace:
    return Namespace(
        name,
        {link["name"]: _link(link) for link in has["links"]},
        tuple(Address(dev, IPv4Interface(interface), extra, raw) for dev, interface, extra, raw in has["addresses"]),
        tuple(
            Route(_network(to), _address(via) if via else None, dev, kind, table, metric, kernel, *_beyond(extra, raw))
            for to, via, dev, kind, table, metric, kernel, extra, raw in has["routes"]
        ),
        tuple(Neighbour(IPv4Address(address), dev, mac, state) for address, dev, mac, state in has["neighbours"]),
        tuple(FdbEntry(mac, dev, permanent, _address(remote) if remote else None) for mac, dev, permanent, remote in has["fdb"]),
        {dev: _conf(*values) for dev, values in has["conf"].items()},
        _POD_TABLES if has.get("tables") else rules,
        _policy(tuple(tuple(one) for one in has["policy"])) if "policy" in has else USUAL_POLICY,
        has.get("bridged", False),
        has.get("silent", False),
        {IPv4Address(to): size for to, size in has.get("learnt", ())},
    )


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
