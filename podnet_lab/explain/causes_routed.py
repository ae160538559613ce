"""
Causes where Pods hang on no bridge: each has a route of its own, and its node answers for a gateway that nobody has. Pure.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from podnet_lab.devices import link
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.model import Link, Namespace, Route
from podnet_lab.steps import forwarding, neighbour, route
from podnet_lab.steps.base import Step
from podnet_lab.steps.route import RemoveRoute

LAST = 4096
"""The metric of a default route that leads nowhere: one that leads somewhere comes first."""


def no_pod_route(place: Place, space: Namespace, pod: Namespace, port: Link, to: IPv4Address, taken: Route | None) -> Cause:
    """A node has no route to one of its own Pods: it went with the cable's end, was deleted, or another one stands in its place."""
    repair = _pod_route(space, pod, port, to, taken)
    if not port.up:
        text = f"{port.name} in {place_name(place)} is down, and so there is no route to {to}"
        question = f"Are both ends of {pod.name}'s cable up?"
        return Cause(text, "cable", place, question, f"ip link show dev {port.name}", link.up(port.name), *repair)
    instead = f": what is for it takes the route {taken}" if taken is not None else ""
    text = f"{place_name(place)} has no route to {to} out of {port.name}, the cable of {pod.name}{instead}"
    question = f"Which way does {place_name(place)} send what is for {pod.name}, its own Pod?"
    return Cause(text, "route", place, question, f"ip route get {to}", *repair)


def _pod_route(space: Namespace, pod: Namespace, port: Link, to: IPv4Address, taken: Route | None) -> list[Step]:
    """The Pod's route, in place of another one to just that address; and who is behind it, if that is not known any more."""
    alone = IPv4Network(f"{to}/32")
    steps: list[Step] = [RemoveRoute.of(taken, None, raw=bool(taken.extra))] if taken is not None and taken.to == alone else []
    steps.append(route.add(str(alone), dev=port.name))
    inside = next((end for end in pod.links.values() if end.peer == (None, port.name)), None)
    known = any((entry.address, entry.dev, entry.state) == (to, port.name, "PERMANENT") for entry in space.neighbours)
    return steps if known or inside is None else [*steps, neighbour.add(str(to), inside.mac, dev=port.name)]


def no_way_back(place: Place, space: Namespace, iif: str, source: IPv4Address) -> Cause:
    """A rule drops what comes by an interface by which its source would not be answered (Calico's reverse-path check of Pods)."""
    text = f"{place_name(place)} drops what comes in by {iif} from {source}: what is for {source} would not leave by {iif}"
    question = f"Which way does {place_name(place)} send what is for {source}, and who sends from there?"
    undecided = f"either the route to {source}, or the sender's address, has to be another"
    return Cause(text, "route", place, question, f"ip {'-n ' + place[1] + ' ' if place[1] else ''}route get {source}", undecided=undecided)


def proxy_arp_off(place: Place, dev: str, address: IPv4Address) -> Cause:
    """A node's end of a Pod's cable does not answer ARP for an address that nobody has: proxy_arp is off."""
    text = f"nobody has {address}, and {place_name(place)} does not answer for it at {dev}: proxy_arp is 0"
    question = f"Nobody has {address}: who is to answer when a Pod asks for it?"
    look = f"sysctl net/ipv4/conf/{dev}/proxy_arp"
    return Cause(text, "neighbour", place, question, look, forwarding.setting(dev, "proxy_arp", 1, place[1]))


def no_route_for_proxy(place: Place, dev: str, address: IPv4Address, uplink: str) -> Cause:
    """A node answers ARP for others, but only for what it has a route to, out of another interface: it has no default route."""
    text = f"{place_name(place)} has no route to {address}, not even a default route, and so it does not answer for it at {dev} (proxy_arp)"
    question = f"A router answers for an address that it has a way to: by which route would {place_name(place)} reach {address}?"
    return Cause(text, "route", place, question, f"ip route get {address}", route.add("default", dev=uplink, metric=LAST))
