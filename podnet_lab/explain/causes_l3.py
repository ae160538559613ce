"""
Causes inside a node or a Pod: addresses, routes, forwarding, filters. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from podnet_lab.devices import link
from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import bridge_of, gateways, pod_subnets
from podnet_lab.explain import causes_routing
from podnet_lab.explain.cause import Cause, Place, place_name
from podnet_lab.explain.causes_l2 import remove_own
from podnet_lab.explain.causes_tunnel import no_tunnel
from podnet_lab.explain.lowest_layer import link_without_address, missing_link
from podnet_lab.explain.tunnel_end import tunnel_end
from podnet_lab.explain.tunnel_evidence import behind, leads_through
from podnet_lab.model import DEFAULT, Address, Cluster, Namespace, Route
from podnet_lab.model.route_lookup import lookup_route
from podnet_lab.steps import address, forwarding, route
from podnet_lab.steps.base import Step, on
from podnet_lab.steps.route import RemoveRoute


def no_source(place: Place, dev: str, to: IPv4Address) -> Cause:
    """The sender has no address that may be a packet's source on this way (inet_select_addr): none at all, or none of scope global."""
    text = f"{place_name(place)} has no address that it could send from to {to}"
    question = f"Which addresses has {place_name(place)}, and of which scope?"
    return Cause(text, "address", place, question, f"ip {on(place[1])}addr show dev {dev}")


def duplicate_address(place: Place, ip: IPv4Address, own: Address | None) -> Cause:
    """A place on the way has the target's address, too."""
    question = f"Who else has {ip}?"
    text = f"{place_name(place)} has {ip}, too"
    return Cause(text, "address", place, question, f"ip {on(place[1])}addr", mend=remove_own(place, own))


def no_forwarding(place: Place) -> Cause:
    """A node that has to forward the packet does not (net.ipv4.ip_forward is 0)."""
    question = f"What does {place_name(place)} do with a packet that is not for itself?"
    text = f"{place_name(place)} does not forward"
    return Cause(text, "forwarding", place, question, "sysctl net.ipv4.ip_forward", forwarding.on(place[1]))


def no_forwarding_from(place: Place, dev: str) -> Cause:
    """Forwarding is off for the packet's iif."""
    text = f"{place_name(place)} does not forward what comes in through {dev}"
    question = f"Does {place_name(place)} forward from each of its interfaces?"
    return Cause(
        text, "forwarding", place, question, f"sysctl net/ipv4/conf/{dev}/forwarding", forwarding.setting(dev, "forwarding", 1, place[1])
    )


USUAL_TTL = 64
"""The time to live that Linux gives its packets (net.ipv4.ip_default_ttl, RFC 1700)."""


def no_route(cluster: Cluster, place: Place, space: Namespace, to: IPv4Address) -> Cause:
    """No route fits; or what is missing below it, that the route went with."""
    lower = missing_link(place, space) or link_without_address(place, space) or _tunnel_gone(cluster, place, to)
    if lower is not None:
        return lower.suffixed(f", and so no route to {to}")
    if (own := causes_routing.said_by_routing(place, space, to)) is not None:
        return own
    down = [
        one.name for one in space.links.values() if not one.up and space.addresses_of(one.name) and not kind_of(one).comes_with_namespace
    ]
    text = f"{place_name(place)} has no route to {to}" + (f"; {' and '.join(down)} in {place_name(place)} is down" if down else "")
    repair = [link.up(dev, place[1]) for dev in down] or route_to(cluster, place, to)
    return Cause(
        text, "cable" if down else "route", place, f"Which way does {place_name(place)} send what is for {to}?", _routes(place, to), *repair
    )


def _tunnel_gone(cluster: Cluster, place: Place, to: IPv4Address) -> Cause | None:
    """The cause if the way to *to* is a tunnel's, and a node has no end of it any more."""
    return no_tunnel(cluster, cluster[place[0]]) if place[1] is None and behind(cluster, to, place[0]) else None


def _routes(place: Place, to: IPv4Address) -> str:
    return f"ip {on(place[1])}route get {to}"


def route_to(cluster: Cluster, place: Place, to: IPv4Address) -> list[Step]:
    """The route that a network would give: to its own subnet; else to a Pod's bridge, or to the other node or its tunnel's end."""
    space = cluster[place[0]].spaces[place[1]]
    if any(to in own.interface.network for own in _on_links(space)):
        return _to_own_subnet(space, place, to)
    if place[1] is not None:
        subnets = [own.interface.network for own in space.addresses]
        near = [gateway.ip for gateway in gateways(cluster[place[0]]) if any(gateway.ip in subnet for subnet in subnets)]
        if not near and bridge_of(cluster[place[0]]) is None:
            return _by_nobodys_gateway(cluster, place, space)
        return [*_to_own_subnet(space, place, near[0]), route.add("default", via=near[0], namespace=place[1])] if near else []
    far, own = behind(cluster, to, place[0]), tunnel_end(cluster[place[0]])
    if leads_through(own, far):
        behind_it = next(subnet for subnet in pod_subnets(far.node) if to in subnet)
        return [route.add(str(behind_it), via=str(far.gateway), dev=own.dev, onlink=True)]
    for name, node in cluster.items():
        subnet = next((subnet for subnet in pod_subnets(node) if to in subnet), None)
        via = next((hop.interface.ip for own in space.addresses for hop in node.own.addresses if _adjacent(own, hop)), None)
        if name != place[0] and subnet and via:
            return [*_to_own_subnet(space, place, via), route.add(str(subnet), via=via)]
    return []


def _by_nobodys_gateway(cluster: Cluster, place: Place, space: Namespace) -> list[Step]:
    """The routes of a Pod that hangs on no bridge, as other Pods have them: to their gateway, which nobody has, and by it to everything."""
    pods = (pod for node in cluster.values() for pod in node.pods if (node.node, pod.name) != place)
    via = next((route.via for pod in pods for route in pod.routes_to(DEFAULT) if route.via is not None), None)
    dev = next((own.dev for own in space.addresses if own.dev != "lo" and own.interface.network.prefixlen == 32), None)
    if via is None or dev is None:
        return []
    near = [] if lookup_route(space, via).route else [route.add(f"{via}/32", dev=dev, namespace=place[1])]
    return [*near, route.add("default", via=str(via), dev=dev, namespace=place[1])]


def _on_links(space: Namespace) -> list[Address]:
    return [own for own in space.addresses if own.dev != "lo" and own.interface.network.prefixlen < 32]


def _to_own_subnet(space: Namespace, place: Place, to: IPv4Address) -> list[Step]:
    """The route to the subnet of one of its own addresses, which the kernel makes with the address, if that is gone."""
    if lookup_route(space, to).route is not None:
        return []
    own = next((own for own in _on_links(space) if to in own.interface.network), None)
    return [route.add(str(own.interface.network), dev=own.dev, namespace=place[1])] if own else []


def _adjacent(own: Address, hop: Address) -> bool:
    """Whether two addresses are in one subnet, loopbacks aside, and so one can be the other's next hop."""
    return "lo" not in (own.dev, hop.dev) and own.interface.network == hop.interface.network and own.interface != hop.interface


def no_gateway(cluster: Cluster, place: Place, space: Namespace, bad: Route, to: IPv4Address) -> Cause:
    """Nobody has the next hop's address of route *bad*: the route is wrong, or, if other Pods use it, too, the gateway is gone."""
    text = f"nobody beyond {place_name(place)}'s {bad.dev} has {bad.via}, by which it sends what is for {to}"
    pods = [pod for pod in cluster[place[0]].pods if place[1] not in (None, pod.name)]
    if (bridge := bridge_of(cluster[place[0]])) and any(route.via == bad.via for pod in pods for route in pod.routes):
        near = next((interface.network.prefixlen for interface in space.addresses_of(bad.dev) if bad.via in interface.network), 32)
        gone = address.add(f"{bad.via}/{near}", dev=bridge.name)
        return Cause(text, "address", place, f"Who has {bad.via}, and who had it?", "ip addr", mend=gone.command)
    question = f"By whom does {place_name(place)} send what is for {to}, and is anybody there?"
    written = _written(space, bad, to)
    if written is None:
        return Cause(text, "address", place, question, _routes(place, to), undecided="which of its routes leads there can't be told")
    removal = RemoveRoute.of(written, place[1], raw=bool(written.extra))
    left = replace(space, routes=tuple(route for route in space.routes if route != written))
    right = [] if lookup_route(left, to).route else route_to(cluster, place, to)
    return Cause(text, "address", place, question, _routes(place, to), removal, *right)


def _written(space: Namespace, way: Route, to: IPv4Address) -> Route | None:
    """The route of a namespace by which its kernel took a *way*: that itself, or one of several ways; None if it is not known which."""
    if way in space.routes:
        return way
    chosen = lookup_route(space, to).route
    return chosen if chosen is not None and chosen.kind == "unicast" and chosen.dev is None else None


def not_on_link(cluster: Cluster, place: Place, space: Namespace, bad: Route, to: IPv4Address) -> Cause:
    """A route without a gateway, which no address of its interface stands for, says that *to* is on the link, and nobody has it there."""
    text = f"{place_name(place)}'s route to {bad.to} says that {to} is on {bad.dev}'s own link, and nobody there has it"
    question = f"Is {to} on the link of {bad.dev}, or behind a gateway?"
    left = replace(space, routes=tuple(route for route in space.routes if route != bad))
    right = [] if lookup_route(left, to).route else route_to(cluster, place, to)
    return Cause(text, "route", place, question, _routes(place, to), RemoveRoute.of(bad, place[1], raw=bool(bad.extra)), *right)


def routing_loop(place: Place, to: IPv4Address) -> Cause:
    """Routers send a packet round in a loop."""
    text = f"the packet goes round and round until its time to live is over, past {place_name(place)}"
    question = f"Where does each node on the way send what is for {to}?"
    return Cause(text, "route", place, question, _routes(place, to), undecided="which of the routes on its way is wrong can't be told")


def no_host(place: Place, to: IPv4Address, kind: str) -> Cause:
    """The address is not one host's: of a broadcast, multicast or anycast address (ip_route_input_slow)."""
    text = f"for {place_name(place)}, {to} is a {kind} address, and no one host answers to that"
    question = f"Which prefixes does {place_name(place)} have, and what is {to} in each?"
    return Cause(text, "address", place, question, f"ip {on(place[1])}route show table local {to}")


def time_exceeded(place: Place, sender: Place, ttl: int, given_by: Route | None = None) -> Cause:
    """
    A router gets a packet whose time to live has run out (ip_forward); *ttl* is what *sender* gave it.

    *given_by* is the route that told the sender so, None where its own default did.
    """
    text = f"the packet's time to live ({ttl} when it was sent) is over at {place_name(place)}"
    question = f"How many routers may {place_name(sender)}'s packet pass, and how many are on its way?"
    inside = f"ip netns exec {sender[1]} " if sender[1] else ""
    look = f"{inside}sysctl net.ipv4.ip_default_ttl; ip {on(sender[1])}route; nft list ruleset"
    if ttl >= USUAL_TTL:
        return Cause(text, "route", place, question, look)
    mend = (
        f"{inside}sysctl -w net.ipv4.ip_default_ttl={USUAL_TTL}" if given_by is None else causes_routing.without_metrics(sender, given_by)
    )
    return Cause(text, "route", sender, question, look, mend=mend)


def nobody_listens(place: Place, protocol: str, port: int, elsewhere: str) -> Cause:
    """No socket of the target waits at the port; *elsewhere* names those that wait there at another address ("": none)."""
    text = f"nobody listens on {protocol} port {port} in {place_name(place)}" + (f"; {elsewhere} does" if elsewhere else "")
    question = f"Who waits at port {port} in {place_name(place)}, and at which address?"
    inside = f"ip netns exec {place[1]} " if place[1] else ""
    return Cause(text, "socket", place, question, f"{inside}ss -ln{protocol[0]}")


def blocked_by_xfrm(place: Place, direction: str, what: str) -> Cause:
    """An IPsec policy blocks the packet."""
    text = f"{place_name(place)}'s IPsec policy ({direction}) blocks it: {what}"
    question = f"Which IPsec policies does {place_name(place)} have?"
    return Cause(text, "firewall", place, question, f"ip {on(place[1])}xfrm policy", mend=f"ip {on(place[1])}xfrm policy flush")


def reverse_path_filter(place: Place, dev: str, sender: IPv4Address, why: str) -> Cause:
    """rp_filter drops it: strict, it wants the route back to the sender to have the packet's iif as its oif (RFC 3704, ip-sysctl)."""
    text = f"{place_name(place)} drops what comes in through {dev} from {sender}: {why}"
    question = f"Would {place_name(place)} send an answer to {sender} out of the interface that it came in by?"
    look = f"sysctl net/ipv4/conf/all/rp_filter net/ipv4/conf/{dev}/rp_filter"
    return Cause(text, "forwarding", place, question, look, *(forwarding.setting(conf, "rp_filter", 0, place[1]) for conf in ("all", dev)))


def dropped_by_firewall(place: Place, chain: str, rule: str) -> Cause:
    """A rule, or a policy, of nftables drops it."""
    question = f"Which rules does a packet meet on {place_name(place)} at the hook {chain}?"
    text = f"{place_name(place)}'s firewall drops it: {rule}"
    undecided = "whether the rule, its place or the whole table is wrong, only who wrote it knows"
    return Cause(text, "firewall", place, question, "nft -a list ruleset", undecided=undecided)


def martian_source(place: Place, sender: IPv4Address, own: Address | None, at: Place | None = None) -> Cause:
    """
    The receiver has the packet's source address, too: a martian source, which the kernel drops (fib_validate_source).

    *own* is that address where it is to be taken away: *at* the sender, or else at the receiver.
    """
    text = f"{place_name(place)} drops what comes from {sender}: it has that address itself"
    question, at = f"Who has {sender}?", at or place
    return Cause(text, "address", at, question, f"ip {on(at[1])}addr", mend=remove_own(at, own))


def fragmentation_needed(place: Place, dev: str, most: int, size: int, usual: int) -> Cause:
    """A router may not fragment the packet, and can't send it whole (RFC 1191); *usual*: the MTU that the interface should have."""
    text = f"{place_name(place)} can send {most} bytes at most through {dev}, and the packet has {size}"
    question = f"How big a packet may each interface on the way take, and how big is this one ({size} bytes)?"
    return Cause(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], mtu=usual))


def reply_from_other_address(place: Place, asked: IPv4Address, answers: IPv4Address) -> Cause:
    """The reply comes from another address than the request went to: it went past the node that had translated the request."""
    text = f"{place_name(place)} asked {asked}, and gets an answer from {answers}: it went past the node that rewrote the question"
    question = "Which way does the answer take, and who has to put its source back?"
    undecided = "either the answer's way, or where the question is rewritten, has to be another"
    return Cause(text, "firewall", place, question, "nft list ruleset", undecided=undecided)


def ignores_echo(place: Place) -> Cause:
    """The target ignores echo requests (icmp_echo_ignore_all); the network is in order."""
    text = f"{place_name(place)} answers no ping (icmp_echo_ignore_all is 1)"
    question = f"Does {place_name(place)} answer what arrives?"
    mend = f"ip netns exec {place[1]} " if place[1] else ""
    setting = "sysctl -w net.ipv4.icmp_echo_ignore_all=0"
    return Cause(text, "firewall", place, question, f"{mend}sysctl net.ipv4.icmp_echo_ignore_all", mend=f"{mend}{setting}")


def path_mtu_too_small(place: Place, to: IPv4Address, most: int, size: int) -> Cause:
    """The kernel has learned a smaller path MTU from a router, and keeps it for ten minutes (net.ipv4.route.mtu_expires)."""
    text = f"{place_name(place)} has learnt that {most} bytes pass on the way to {to}, and does not send {size} until it has forgotten that"
    question = f"What has {place_name(place)} been told about the way to {to}?"
    flush = f"ip {on(place[1])}route flush cache"
    return Cause(text, "route", place, question, f"ip {on(place[1])}route get {to}", mend=flush)
