"""
Causes inside a node or a Pod: addresses, routes, forwarding, filters. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from podnet_lab.devices import link
from podnet_lab.devices.registry import kind_of
from podnet_lab.devices.roles import bridge_of
from podnet_lab.explain.cause import Obstacle, Place, name
from podnet_lab.model import Namespace, PolicyRule, Route, Snapshot
from podnet_lab.model.route_lookup import choose
from podnet_lab.steps import address, forwarding, route
from podnet_lab.steps.base import Step, on
from podnet_lab.steps.route import RemoveRoute


def no_address(who: str, place: Place) -> Obstacle:
    """Somebody who is to be reached, or to send, has no address."""
    look = f"ip {on(place[1])}addr"
    return Obstacle(f"{who} has no address", "address", place, f"Which address has {who}?", look, mend=f"ip {on(place[1])}addr add …")


def twice(place: Place, ip: IPv4Address, own: str) -> Obstacle:
    """Somebody else on the way has the target's address."""
    question = f"Who else has {ip}?"
    text = f"{name(place)} has {ip}, too"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}addr", mend=f"ip {on(place[1])}addr del {ip}/… dev {own}")


def no_forwarding(place: Place) -> Obstacle:
    """A node that has to pass a packet on is no router."""
    question = f"What does {name(place)} do with a packet that is not for itself?"
    return Obstacle(f"{name(place)} does not forward", "forwarding", place, question, "sysctl net.ipv4.ip_forward", forwarding.on(place[1]))


def no_forwarding_from(place: Place, dev: str) -> Obstacle:
    """Forwarding is off for the interface that the packet came in by."""
    text = f"{name(place)} does not forward what comes in through {dev}"
    question = f"Does {name(place)} forward from each of its interfaces?"
    return Obstacle(
        text, "forwarding", place, question, f"sysctl net/ipv4/conf/{dev}/forwarding", forwarding.setting(dev, "forwarding", 1, place[1])
    )


def no_route(cluster: Mapping[str, Snapshot], place: Place, space: Namespace, to: IPv4Address) -> Obstacle:
    """Nothing in the routing table fits."""
    down = [
        link.name
        for link in space.links.values()
        if not link.up and space.addresses_of(link.name) and not kind_of(link).comes_with_namespace
    ]
    text = f"{name(place)} has no route to {to}" + (f"; {' and '.join(down)} in {name(place)} is down" if down else "")
    repair = [link.up(dev, place[1]) for dev in down] or _route_to(cluster, place, to)
    return Obstacle(
        text, "cable" if down else "route", place, f"Which way does {name(place)} send what is for {to}?", _routes(place, to), *repair
    )


def _routes(place: Place, to: IPv4Address) -> str:
    return f"ip {on(place[1])}route get {to}"


def _route_to(cluster: Mapping[str, Snapshot], place: Place, to: IPv4Address) -> list[Step]:
    """The route that the lesson would give: a Pod's way out is its bridge, a node's way to Pods is their node."""
    if place[1] is not None:
        bridge = bridge_of(cluster[place[0]])
        gateways = cluster[place[0]].own.addresses_of(bridge.name) if bridge else ()
        near = [one for one in gateways if any(one.ip in has.interface.network for has in cluster[place[0]].spaces[place[1]].addresses)]
        return [route.add("default", via=near[0].ip, namespace=place[1])] if near else []
    for other, node in cluster.items():
        bridge = bridge_of(node)
        subnets = [one.network for one in node.own.addresses_of(bridge.name) if to in one.network] if bridge else []
        own = [one.interface.ip for one in cluster[place[0]].own.addresses for has in node.own.addresses if _near(one, has)]
        if other != place[0] and subnets and own:
            via = next(has.interface.ip for one in cluster[place[0]].own.addresses for has in node.own.addresses if _near(one, has))
            return [route.add(str(subnets[0]), via=via)]
    return []


def _near(one, other) -> bool:
    return one.dev != "lo" and other.dev != "lo" and one.interface.network == other.interface.network and one.interface != other.interface


def no_gateway(cluster: Mapping[str, Snapshot], place: Place, space: Namespace, found: Route, to: IPv4Address) -> Obstacle:
    """Nobody has the address that a route names as the next hop: the route is wrong, or, if others go by it too, the hop is gone."""
    text = f"nobody beyond {name(place)}'s {found.dev} has {found.via}, by which it sends what is for {to}"
    others = [pod for pod in cluster[place[0]].pods if place[1] not in (None, pod.name)]
    if (bridge := bridge_of(cluster[place[0]])) and any(one.via == found.via for pod in others for one in pod.routes):
        near = next((one.network.prefixlen for one in space.addresses_of(found.dev) if found.via in one.network), 32)
        gone = address.add(f"{found.via}/{near}", dev=bridge.name)
        return Obstacle(text, "address", place, f"Who has {found.via}, and who had it?", "ip addr", mend=gone.command)
    wrong = RemoveRoute.of(found, place[1], raw=False)
    left = replace(space, routes=tuple(one for one in space.routes if one != found))
    right = [] if choose(left, to).route else _route_to(cluster, place, to)
    question = f"By whom does {name(place)} send what is for {to}, and is anybody there?"
    return Obstacle(text, "address", place, question, _routes(place, to), wrong, *right)


def closed(place: Place, found: Route, to: IPv4Address) -> Obstacle:
    """A route that says no: blackhole, unreachable, prohibit."""
    text = f"{name(place)}'s route to {to} is {found.kind}"
    question = f"Which of {name(place)}'s routes fits {to} best?"
    return Obstacle(text, "route", place, question, _routes(place, to), RemoveRoute.of(found, place[1], raw=False))


def round_and_round(place: Place, to: IPv4Address) -> Obstacle:
    """Routers send a packet to each other."""
    text = f"the packet goes round and round until its time to live is over, past {name(place)}"
    question = f"Where does each node on the way send what is for {to}?"
    return Obstacle(text, "route", place, question, _routes(place, to), mend=f"ip route del … (the one that leads back), to {to}")


def reverse_path(place: Place, dev: str, sender: IPv4Address, why: str) -> Obstacle:
    """A reverse-path filter: strict, it wants the way back to the sender to lead out of where the packet came in (RFC 3704, ip-sysctl)."""
    text = f"{name(place)} drops what comes in through {dev} from {sender}: {why}"
    question = f"Would {name(place)} send an answer to {sender} out of the interface that it came in by?"
    look = f"sysctl net/ipv4/conf/all/rp_filter net/ipv4/conf/{dev}/rp_filter"
    return Obstacle(text, "forwarding", place, question, look, *(forwarding.setting(one, "rp_filter", 0, place[1]) for one in ("all", dev)))


def filtered(place: Place, chain: str, rule: str) -> Obstacle:
    """A firewall's chain drops it."""
    question = f"Which rules does a packet meet on {name(place)} at the hook {chain}?"
    return Obstacle(f"{name(place)}'s firewall drops it: {rule}", "firewall", place, question, "nft list ruleset", mend="nft delete rule …")


def own_source(place: Place, sender: IPv4Address) -> Obstacle:
    """Who gets a packet has its sender's address, too: the kernel takes it for forged (fib_validate_source)."""
    text = f"{name(place)} drops what comes from {sender}: it has that address itself"
    question = f"Who has {sender}?"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}addr", mend=f"ip {on(place[1])}addr del {sender}/… dev …")


def ruled_out(place: Place, rule: PolicyRule, to: IPv4Address) -> Obstacle:
    """A policy rule refuses it, before any routing table is looked at."""
    text = f"{name(place)}'s policy rule {rule.priority} says {rule.kind}"
    question = f"Which rules does {name(place)} ask before its main routing table?"
    return Obstacle(text, "route", place, question, f"ip {on(place[1])}rule", mend=f"ip {on(place[1])}rule del priority {rule.priority}")


def too_big(place: Place, dev: str, most: int, size: int) -> Obstacle:
    """A router may not cut the packet, and can't send it whole (RFC 1191)."""
    text = f"{name(place)} can send {most} bytes at most through {dev}, and the packet has {size}"
    question = f"How big a packet may each interface on the way take, and how big is this one ({size} bytes)?"
    return Obstacle(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], mtu=1500))


def stranger(place: Place, asked: IPv4Address, answers: IPv4Address) -> Obstacle:
    """The answer comes from an address that was not asked: the node that rewrote the question never saw it."""
    text = f"{name(place)} asked {asked}, and gets an answer from {answers}: it went past the node that rewrote the question"
    question = "Which way does the answer take, and who has to put its source back?"
    return Obstacle(text, "firewall", place, question, "nft list ruleset", mend="nft add rule … masquerade")


def silent(place: Place) -> Obstacle:
    """Who gets an echo request is told to answer none; the network is in order."""
    text = f"{name(place)} answers no ping (icmp_echo_ignore_all is 1)"
    question = f"Does {name(place)} answer what arrives?"
    mend = f"ip netns exec {place[1]} " if place[1] else ""
    setting = "sysctl -w net.ipv4.icmp_echo_ignore_all=0"
    return Obstacle(text, "firewall", place, question, f"{mend}sysctl net.ipv4.icmp_echo_ignore_all", mend=f"{mend}{setting}")


def learnt_too_small(place: Place, to: IPv4Address, most: int, size: int) -> Obstacle:
    """A router has said once that big packets do not pass, and is believed for ten minutes (net.ipv4.route.mtu_expires)."""
    text = f"{name(place)} has learnt that {most} bytes pass on the way to {to}, and does not send {size} until it has forgotten that"
    question = f"What has {name(place)} been told about the way to {to}?"
    flush = f"ip {on(place[1])}route flush cache"
    return Obstacle(text, "route", place, question, f"ip {on(place[1])}route get {to}", mend=flush)
