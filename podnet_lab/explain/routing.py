"""
What a place does with a packet: keep it, send it on by a route, or drop it. Pure.

Read off the snapshot, and held against the kernel's own word where it was asked (`podnet_lab.explain.evidence`): the snapshot
has the reasons, the kernel is right. Source: ip_route_input_slow and ip_route_output_key_hash in the kernel's net/ipv4/route.c.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from podnet_lab.explain import causes_l3, causes_routing
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.rp_filter import fails_rp_filter
from podnet_lab.model import Cluster, Namespace, Route
from podnet_lab.model.close_look import RouteAnswer, RouteQuery
from podnet_lab.model.route_lookup import ANYWHERE, hop_limit, is_own, lookup_route, mtu

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipip": 0}
"""By which a kernel is asked; it takes only these three as a question (rtm_getroute_parse_ip_proto), and 0 for any."""

FRA_SPORT_RANGE = 23
"""The attribute of a policy rule that asks for a sender's port (linux/fib_rules.h), as a snapshot keeps it."""

_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EINVAL, errno.EACCES, errno.EXDEV)
"""Errors that are the kernel's answer about a packet, and not about the question."""


@dataclass(frozen=True)
class Packet:
    """
    What the routing of *place* is asked about: a packet that came in by *iif* (None: is sent from here).

    A *source* of None is not chosen yet.
    """

    place: Place
    space: Namespace
    to: IPv4Address
    source: IPv4Address | None
    iif: str | None
    protocol: str
    port: int | None = None
    mark: int = 0
    tos: int = 0


_SAID_BY = {errno.ENETUNREACH: ("unreachable", "goto"), errno.EACCES: ("prohibit",), errno.EINVAL: ("blackhole",)}
"""What a policy rule says where the kernel answers with an error (fib4_rule_action); after a goto, there may be no table left."""


@dataclass(frozen=True)
class Decision:
    """
    The packet is for the place itself (*local*), or takes *route*, or neither, for a *cause*; or that is *unsure*, in words.

    *source* is the address that the kernel would give it, *mtu* and *hop_limit* are the route's own (0: none); *asked*: the kernel
    has said so itself.
    """

    local: bool = False
    route: Route | None = None
    cause: Cause | None = None
    unsure: str = ""
    source: IPv4Address | None = None
    mtu: int = 0
    hop_limit: int = 0
    asked: bool = False


def decide(cluster: Cluster, evidence: Evidence, packet: Packet) -> Decision:
    """What a place does with a packet: as its kernel says, if it was asked; else as its snapshot does."""
    from_snapshot = read_off(cluster, packet)
    protocol = PROTOCOLS[packet.protocol]
    query = RouteQuery(packet.to, packet.source, packet.iif or "", protocol, packet.port or 0, packet.mark, packet.tos)
    answer = evidence.route(packet.place, query)
    if answer is None:
        return from_snapshot
    settled = _settled(packet, from_snapshot, answer)
    doubt = packet.protocol != "icmp" and from_snapshot.unsure and _goes_by_ports(evidence, packet)
    return (
        replace(settled, unsure=f"{place_name(packet.place)}: which of several ways it takes goes by the sender's port")
        if doubt
        else settled
    )


def _goes_by_ports(evidence: Evidence, packet: Packet) -> bool:
    """Whether routing there goes by the sender's port, which nobody knows before: of one way of several, or of a policy rule."""
    look = evidence.look(packet.place)
    by_hash = look is not None and look.setting("ipv4/fib_multipath_hash_policy") != 0
    return by_hash or any(f" {FRA_SPORT_RANGE}:" in f" {rule.extra}" for rule in packet.space.policy)


def _settled(packet: Packet, read: Decision, answer: RouteAnswer) -> Decision:
    """The kernel's *answer*, with the reasons that were *read* off the snapshot where both say the same."""
    name = place_name(packet.place)
    if answer.error and answer.error not in _NO_WAY:
        return replace(read, unsure=read.unsure or f"{name}: the kernel does not say which way ({os.strerror(answer.error)})")
    if answer.error:
        refused = causes_routing.kernel_refuses(packet.place, packet.to, packet.source, packet.iif, answer.error)
        return Decision(cause=read.cause or _refused_by_rule(packet, answer.error) or refused)
    if answer.kind == "local":
        return Decision(local=True, source=answer.source, asked=True)
    if answer.kind != "unicast":
        return _to_no_host(packet, answer.kind)
    if answer.encapsulated:
        return Decision(unsure=f"{name}: the route to {packet.to} puts packets into others (ip route … encap)")
    route = read.route
    if route is None or (route.via, route.dev, "") != (answer.via, answer.dev, answer.via6):
        route = Route(IPv4Network(packet.to), answer.via, answer.dev, via6=answer.via6)
    return Decision(route=route, source=answer.source, mtu=answer.mtu, hop_limit=answer.hop_limit, asked=True)


def _to_no_host(packet: Packet, kind: str) -> Decision:
    """What is no one host's address; but by a route of type multicast or anycast one's own packets do go out (__mkroute_output)."""
    if kind in ("multicast", "anycast") and packet.iif is None and not packet.to.is_multicast:
        here = place_name(packet.place)
        return Decision(unsure=f"{here}: the route to {packet.to} is of type {kind}, and who gets what {here} sends is not followed")
    return Decision(cause=causes_l3.no_host(packet.place, packet.to, kind))


def _refused_by_rule(packet: Packet, error: int) -> Cause | None:
    """The cause if one policy rule, which asks for what a snapshot can't judge, explains the kernel's no: without it there is a way."""
    space = packet.space
    saying = [rule for rule in space.policy if rule.kind in _SAID_BY.get(error, ()) and (rule.extra or rule.kind == "goto")]
    if len(saying) != 1:
        return None
    rest = replace(space, policy=tuple(rule for rule in space.policy if rule != saying[0]))
    way = lookup_route(rest, packet.to, packet.source or ANYWHERE, packet.iif or "")
    sure = way.route is not None and way.route.kind == "unicast" and not way.unsure
    return causes_routing.refused_by_rule(packet.place, saying[0], packet.to) if sure else None


def read_off(cluster: Cluster, packet: Packet) -> Decision:
    """What the snapshot alone says."""
    place, space, to, iif = packet.place, packet.space, packet.to, packet.iif
    if is_own(space, to):
        return Decision(local=True, cause=iif and fails_rp_filter(place, space, packet.source or ANYWHERE, to, iif))
    if iif is not None and (cause := _no_forwarding(place, space, iif)):
        return Decision(cause=cause)
    decision = _look_up(cluster, packet)
    if decision.route is not None and iif is not None:
        cause = fails_rp_filter(place, space, packet.source or ANYWHERE, to, iif, decision.route.dev)
        return replace(decision, cause=cause, route=None if cause else decision.route)
    return decision


def _look_up(cluster: Cluster, packet: Packet) -> Decision:
    place, space, to = packet.place, packet.space, packet.to
    choice = lookup_route(space, to, packet.source or ANYWHERE, packet.iif or "")
    route = choice.route
    if choice.unsure or (route is not None and route.kind == "unicast" and route.dev is None):
        several = f"there are several ways to {to}, or one that is an object of its own"
        return Decision(unsure=f"{place_name(place)}: {choice.unsure or several}")
    if route is None:
        return Decision(cause=causes_l3.no_route(cluster, place, space, to))
    if route.kind in ("broadcast", "multicast", "anycast"):
        return _to_no_host(packet, route.kind)
    if route.kind != "unicast":
        if choice.rule is not None and choice.rule.kind != "lookup":
            return Decision(cause=causes_routing.refused_by_rule(place, choice.rule, to))
        return Decision(cause=causes_routing.rejecting_route(place, route, to))
    return Decision(route=route, mtu=mtu(space, route), hop_limit=hop_limit(route))


def _no_forwarding(place: Place, space: Namespace, iif: str) -> Cause | None:
    """The setting of the packet's iif decides (ip_route_input_slow); "all" only writes all of them."""
    conf = space.conf.get(iif)
    if conf is None or conf.forwarding:
        return None
    return causes_l3.no_forwarding_from(place, iif) if space.forwarding else causes_l3.no_forwarding(place)
