"""
Which route the kernel takes for a packet: policy rules in order, in each table the longest prefix, then the lowest metric.

Pure. Source: ip-rule(8), ip-route(8); attribute numbers of what a route has beyond the usual: linux/rtnetlink.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.model import DEFAULT, LOCAL_TABLE, MAIN_TABLE, Namespace, PolicyRule, Route

RTA_PREFSRC, RTA_METRICS, RTA_NH_ID, RTAX_MTU, RTAX_HOPLIMIT = 7, 8, 30, 2, 10
ANYWHERE = IPv4Address(0)


@dataclass(frozen=True)
class RouteLookup:
    """
    The chosen route (None: none), the policy *rule* that led to it, and what could not be judged, in words.

    *after_main*: the rule says "unreachable", of what no route of the main table that counts was for.
    """

    route: Route | None
    rule: PolicyRule | None = None
    unsure: str = ""
    after_main: bool = False


def lookup_route(space: Namespace, to: IPv4Address, source: IPv4Address = ANYWHERE, iif: str = "") -> RouteLookup:
    """
    The route for a packet that came in by *iif*, or ("") is sent from here.

    A rule that says "unreachable" where every other table, the main one before it, has no route either changes nothing: that
    is no route. (The VMs have such rules, which keep the lesson's packets off the card that Vagrant reaches them by.)
    """
    main_asked, ended = False, None
    for rule in space.policy:
        fits = _fits(rule, to, source, iif)
        if fits is None:
            return ended or RouteLookup(None, rule, f"policy rule {rule.priority} asks for more than addresses and interfaces")
        if not fits or rule.kind == "nop":
            continue
        if rule.kind != "lookup":
            ended = ended or RouteLookup(Route(DEFAULT, kind=rule.kind), rule, after_main=main_asked and rule.kind == "unreachable")
            if rule.kind == "unreachable" and main_asked:
                continue  # it counts only if something after it would have taken the packet
            return ended
        main_asked = main_asked or rule.table == MAIN_TABLE
        route = _in_table(space, rule.table, to)
        if route is not None and route.kind != "throw" and route.to.prefixlen > rule.suppressed:
            return ended or RouteLookup(route, rule)
    return RouteLookup(None)


def _fits(rule: PolicyRule, to: IPv4Address, source: IPv4Address, iif: str) -> bool | None:
    """Whether a policy rule matches this packet; None if that is not known."""
    if to not in rule.to or (rule.source != DEFAULT and source not in rule.source):
        return rule.extra.startswith("not") and None
    # The kernel says "lo" of what is sent from here.
    if (rule.iif and rule.iif != (iif or "lo")) or rule.oif:
        return rule.extra.startswith("not") and None
    return None if rule.extra or rule.kind == "goto" else True


def _in_table(space: Namespace, table: int, to: IPv4Address) -> Route | None:
    # Of what is equal the kernel takes the first; min() does, too.
    fits = (route for route in space.routes if route.table == table and to in route.to)
    return min(fits, key=lambda route: (-route.to.prefixlen, route.metric), default=None)


def thrown_by(space: Namespace, to: IPv4Address) -> Route | None:
    """The route of kind throw that ends the search in a table where another route would fit; None if there is none."""
    for rule in space.policy:
        fits = [route for route in space.routes if route.table == rule.table and to in route.to] if rule.kind == "lookup" else []
        chosen = _in_table(space, rule.table, to)
        if chosen is not None and chosen.kind == "throw" and any(route.kind != "throw" for route in fits):
            return chosen
    return None


def is_own(space: Namespace, address: IPv4Address) -> bool:
    """Whether *address* is one of this namespace's own, on any of its interfaces, or made so by a route in the table local."""
    if any(own.interface.ip == address or (own.dev == "lo" and address in own.interface.network) for own in space.addresses):
        return True
    return any(route.table == LOCAL_TABLE and route.kind == "local" and address in route.to for route in space.routes)


def source_for(space: Namespace, route: Route | None, to: IPv4Address) -> IPv4Address | None:
    """The source address: the route's (src), else the interface's in the next hop's subnet, else any of the interface, else any."""
    if route is None or route.dev is None:
        return None
    if (own := _attribute(route, RTA_PREFSRC)) is not None:
        return IPv4Address(own)
    on_dev = space.addresses_of(route.dev)
    near = [own.ip for own in on_dev if (route.via or to) in own.network]
    elsewhere = [own.interface.ip for own in space.addresses if not own.interface.is_loopback and own.dev != route.dev]
    return (near or [own.ip for own in on_dev] or elsewhere or [None])[0]


def mtu(space: Namespace, route: Route) -> int:
    """The largest packet that may take *route*, in bytes: the smaller of the route's MTU and its interface's."""
    of_link = space.links[route.dev].mtu
    metrics = _attribute(route, RTA_METRICS)
    own = _metrics(metrics).get(RTAX_MTU) if metrics is not None else None
    return min(own, of_link) if own else of_link


def hop_limit(route: Route) -> int:
    """The time to live that *route* gives what is sent by it; 0 if it gives none."""
    metrics = _attribute(route, RTA_METRICS)
    return _metrics(metrics).get(RTAX_HOPLIMIT, 0) if metrics is not None else 0


def has_nexthop_object(route: Route) -> bool:
    """Whether *route* goes by an object of its own (``ip nexthop``)."""
    return _attribute(route, RTA_NH_ID) is not None


def only_metrics(route: Route) -> bool:
    """Whether what *route* has beyond the usual is metrics alone, such as an MTU."""
    return all(word.startswith(f"{RTA_METRICS}:") for word in route.extra.split())


def _attribute(route: Route, kind: int) -> bytes | None:
    """The bytes of a route attribute (RTA_…), which a snapshot keeps in `extra` as "kind:hex" (kernel/read.py); None: not there."""
    values = (word.partition(":")[2] for word in route.extra.split() if word.startswith(f"{kind}:"))
    return next((bytes.fromhex(value) for value in values), None)


def _metrics(data: bytes) -> dict[int, int]:
    metrics, at = {}, 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length == 8:
            metrics[kind] = struct.unpack_from("=I", data, at + 4)[0]
        at += max(length + 3 & ~3, 4)
    return metrics
