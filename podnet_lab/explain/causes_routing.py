"""
Causes that a routing table, or a policy rule, says itself: what stands there is obeyed, and leads nowhere. Pure.
"""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import IPv4Address

from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.model import DEFAULT, LOCAL_TABLE, MAIN_TABLE, Address, Namespace, PolicyRule, Route
from podnet_lab.model.route_lookup import has_nexthop_object, only_metrics, thrown_by
from podnet_lab.steps.base import on
from podnet_lab.steps.route import RemoveRoute


def said_by_routing(place: Place, space: Namespace, to: IPv4Address) -> Cause | None:
    """Why there is no route though the main table may have one: nobody looks there, or a route of kind throw ends the search."""
    if not any(rule.table == MAIN_TABLE and rule.kind == "lookup" and rule.suppressed < 0 for rule in space.policy):
        return main_not_asked(place, to)
    thrown = thrown_by(space, to)
    return rejecting_route(place, thrown, to) if thrown else None


def main_not_asked(place: Place, to: IPv4Address) -> Cause:
    """No policy rule leads to the main table any more (ip rule flush): the routes are there, and nobody looks at them."""
    text = f"{place_name(place)} has no policy rule that asks its main table, and so no route to {to}"
    question = f"Which tables does {place_name(place)} ask, and in which order?"
    return Cause(text, "route", place, question, f"ip {on(place[1])}rule", mend=f"ip {on(place[1])}rule add lookup main pref 32766")


def rejecting_route(place: Place, bad: Route, to: IPv4Address) -> Cause:
    """The route is of the kind blackhole, unreachable or prohibit."""
    text = f"{place_name(place)}'s route to {to} is {bad.kind}"
    question = f"Which of {place_name(place)}'s routes fits {to} best?"
    look = f"ip {on(place[1])}route get {to}"
    if has_nexthop_object(bad):  # `ip route` says of it what it does not take again
        return Cause(text, "route", place, question, look, mend=f"ip {on(place[1])}route del {_destination(bad)}")
    return Cause(text, "route", place, question, look, RemoveRoute.of(bad, place[1], raw=bool(bad.extra)))


def _destination(route: Route) -> str:
    table = f" table {route.table}" if route.table != MAIN_TABLE else ""
    return ("default" if route.to == DEFAULT else str(route.to)) + table


def refused_by_rule(place: Place, rule: PolicyRule, to: IPv4Address) -> Cause:
    """A policy rule is of the kind blackhole, unreachable or prohibit, and comes before the routing tables."""
    text = f"{place_name(place)}'s policy rule {rule.priority} says {rule.kind}"
    question = f"Which rules does {place_name(place)} ask before its main routing table?"
    return Cause(text, "route", place, question, f"ip {on(place[1])}rule", mend=f"ip {on(place[1])}rule del priority {rule.priority}")


def kernel_refuses(place: Place, to: IPv4Address, source: IPv4Address | None, iif: str | None, code: int) -> Cause:
    """The kernel, asked for the packet's way, says no, and the snapshot does not show why."""
    packet = f"from {source} " * (source is not None) + f"iif {iif}" * (iif is not None)
    came = f" that came in by {iif}" if iif else ""
    text = f"{place_name(place)}'s kernel has no way for a packet to {to}{came}: {os.strerror(code).lower()}"
    question = f"What does {place_name(place)}'s routing say of such a packet?"
    return Cause(text, "route", place, question, f"ip {on(place[1])}route get {to} {packet}".rstrip())


def route_mtu_too_small(place: Place, route: Route, most: int, size: int) -> Cause:
    """A route has an MTU of its own (``ip route add … mtu``), smaller than its interface's."""
    text = f"{place_name(place)}'s route to {_destination(route)} has an mtu of {most}, and the packet has {size} bytes"
    question = f"How big a packet may go by the route that {place_name(place)} takes, and how big is this one ({size} bytes)?"
    look = f"ip {on(place[1])}route show {_destination(route)}"
    return Cause(text, "route", place, question, look, mend=without_metrics(place, route))


def without_metrics(place: Place, route: Route) -> str:
    """The command that takes a route's metrics (an mtu, a hoplimit) away; none if it has more that would go with them."""
    return f"ip {on(place[1])}route change {replace(route, extra='')}" if only_metrics(route) else ""


def not_taken_for_own(place: Place, space: Namespace, own: Address) -> Cause:
    """A place has an address, and looks for it elsewhere: the table local has no route to it, or no policy rule leads there."""
    ip = own.interface.ip
    asked = any(rule.table == LOCAL_TABLE and rule.kind == "lookup" for rule in space.policy)
    why = f"its table local has no route to {ip}" if asked else "no policy rule asks its table local"
    text = f"{place_name(place)} has {ip}, and does not take it for its own: {why}"
    question = f"By what does {place_name(place)} know that {ip} is its own?"
    inside = f"ip {on(place[1])}"
    look = f"{inside}route show table local" if asked else f"{inside}rule"
    add = f"{inside}route add local {ip} dev {own.dev} table local src {ip}" if asked else f"{inside}rule add pref 0 lookup local"
    return Cause(text, "route", place, question, look, mend=add)
