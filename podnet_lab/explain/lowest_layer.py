"""
The lowest layer first: where an interface or an address is missing, that is the cause, and not the route that went with it. Pure.

A kernel deletes the routes of an address with the address, and both with the interface (net/ipv4/fib_frontend.c).
"""

from __future__ import annotations

from podnet_lab.checks.reachability import Endpoint
from podnet_lab.devices.registry import kind_of
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.model import Cluster, Link, Namespace
from podnet_lab.steps.base import on


def without_address(cluster: Cluster, end: Endpoint) -> Cause:
    """The cause if an end has no address: it has no interface, or one without an address."""
    place = (end.node, end.namespace)
    space = cluster[place[0]].spaces[place[1]] if place[0] in cluster else None
    if space is not None and (cause := missing_link(place, space) or link_without_address(place, space)) is not None:
        return cause
    look = f"ip {on(place[1])}addr"
    return Cause(f"{end.name} has no address", "address", place, f"Which address has {end.name}?", look)


def missing_link(place: Place, space: Namespace) -> Cause | None:
    """The cause if a place has no interface that leads anywhere: a Pod none but lo, a node none to the other nodes."""
    if _leading(place, space):
        return None
    what = "no interface but lo" if place[1] else "no interface to the other nodes"
    text = f"{place_name(place)} has {what}"
    return Cause(text, "cable", place, f"Which interfaces has {place_name(place)}?", f"ip {on(place[1])}link")


def link_without_address(place: Place, space: Namespace) -> Cause | None:
    """The cause if none of the interfaces that lead away from a place has an address."""
    leading = _leading(place, space)
    if not leading or any(space.addresses_of(link.name) for link in leading):
        return None
    names = " and ".join(link.name for link in leading)
    text = f"{place_name(place)} has no address on {names}"
    return Cause(text, "address", place, f"Which address has {place_name(place)}?", f"ip {on(place[1])}addr")


def _leading(place: Place, space: Namespace) -> list[Link]:
    """Of a Pod every interface but lo, of a node those whose other end is out of sight: a node's other cables lead to its Pods."""
    links = [link for link in space.links.values() if not kind_of(link).comes_with_namespace]
    if place[1] is not None:
        return links
    # A bridge that such a cable is plugged into takes its place.
    outer = [link for link in links if kind_of(link).faces_outside and link.peer is None]
    return [space.links.get(link.master, link) if link.master else link for link in outer]
