"""
What can stop a packet: each cause with its layer, three levels of hint, and the steps that mend it, where a step can.

Pure. An `Obstacle` is its own words, so it can be printed where a reason is wanted.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.checks import bridge_of
from podnet_lab.model import Link, Namespace, Neighbour, Route, Snapshot
from podnet_lab.steps import Step, forwarding, link, neighbour, route, veth
from podnet_lab.steps.base import on
from podnet_lab.steps.route import RemoveRoute

Place = tuple[str, str | None]
"""A node, and a namespace on it (None: the node itself)."""

LAYERS = ("cable", "address", "route", "forwarding", "neighbour", "firewall")
"""From below to above; what is wrong at one keeps those above from working."""


def name(place: Place) -> str:
    """The Pod, or the node."""
    return place[1] or place[0]


class Obstacle(str):
    """
    The first thing that stops a packet, in words.

    *layer* is one of `LAYERS`, *place* where it is. *hints* are a question, where to look, and the command that mends it;
    *repair* the same as steps for the node, empty where no step of the lesson does it.
    """

    __slots__ = ("hints", "layer", "place", "repair")

    layer: str
    place: Place
    hints: tuple[str, str, str]
    repair: tuple[Step, ...]

    def __new__(cls, text: str, layer: str, place: Place, question: str, look: str, *repair: Step, mend: str = "") -> Obstacle:
        self = super().__new__(cls, text)
        command = "; ".join(step.command for step in repair) or mend
        self.layer, self.place, self.repair = layer, place, repair
        self.hints = (question, f"{place[0]}# {look}", f"{place[0]}# {command}" if command else "no single command does it")
        return self

    def behind(self, words: str) -> Obstacle:
        """The same, with words in front."""
        other = str.__new__(Obstacle, f"{words}{self}")
        other.layer, other.place, other.repair, other.hints = self.layer, self.place, self.repair, self.hints
        return other


def no_address(who: str, place: Place) -> Obstacle:
    """Somebody who is to be reached, or to send, has no address."""
    look = f"ip {on(place[1])}addr"
    return Obstacle(f"{who} has no address", "address", place, f"Which address has {who}?", look, mend=f"ip {on(place[1])}addr add …")


def twice(place: Place, address: IPv4Address, own: str) -> Obstacle:
    """Somebody else on the way has the target's address."""
    question = f"Who else has {address}?"
    text = f"{name(place)} has {address}, too"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}addr", mend=f"ip {on(place[1])}addr del {address}/… dev {own}")


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


def no_route(cluster: dict[str, Snapshot], place: Place, space: Namespace, to: IPv4Address) -> Obstacle:
    """Nothing in the routing table fits."""
    down = [link.name for link in space.links.values() if not link.up and space.addresses_of(link.name) and link.kind != "loopback"]
    text = f"{name(place)} has no route to {to}" + (f"; {' and '.join(down)} in {name(place)} is down" if down else "")
    repair = [link.up(dev, place[1]) for dev in down] or _route_to(cluster, place, to)
    return Obstacle(
        text, "cable" if down else "route", place, f"Which way does {name(place)} send what is for {to}?", _routes(place, to), *repair
    )


def _routes(place: Place, to: IPv4Address) -> str:
    return f"ip {on(place[1])}route get {to}"


def _route_to(cluster: dict[str, Snapshot], place: Place, to: IPv4Address) -> list[Step]:
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


def closed(place: Place, found: Route, to: IPv4Address) -> Obstacle:
    """A route that says no: blackhole, unreachable, prohibit."""
    text = f"{name(place)}'s route to {to} is {found.kind}"
    question = f"Which of {name(place)}'s routes fits {to} best?"
    return Obstacle(text, "route", place, question, _routes(place, to), RemoveRoute.of(found, place[1], raw=False))


def down(place: Place, dev: str) -> Obstacle:
    """An interface on the way is down."""
    question = f"Is each interface on the way of {name(place)} up?"
    text = f"{dev} in {name(place)} is down"
    return Obstacle(text, "cable", place, question, f"ip {on(place[1])}link show dev {dev}", link.up(dev, place[1]))


def swallowed(place: Place, found: Link) -> Obstacle:
    """An interface with an address is a bridge's port."""
    text = f"{found.name} in {name(place)} is plugged into {found.master}, and what it hears goes there"
    question = f"Who gets what {found.name} hears?"
    return Obstacle(text, "cable", place, question, f"ip {on(place[1])}link show dev {found.name}", veth.unplug(found.name))


def deaf(place: Place, dev: str) -> Obstacle:
    """An interface does not answer ARP."""
    question = f"Does {name(place)} say where its address is, if somebody asks?"
    text = f"{dev} in {name(place)} does not answer ARP"
    return Obstacle(text, "neighbour", place, question, f"ip {on(place[1])}link show dev {dev}", link.change(dev, place[1], arp=True))


def stale(place: Place, found: Neighbour) -> Obstacle:
    """A neighbour is believed to be where it is not."""
    question = f"Where does {name(place)} believe {found.address} to be, and where is it?"
    text = f"{name(place)} has a MAC for {found.address} that is no longer its own"
    forget = neighbour.remove(str(found.address), found.dev, place[1])
    repair = (forget,) if found.state == "PERMANENT" else ()
    return Obstacle(text, "neighbour", place, question, f"ip {on(place[1])}neigh", *repair, mend=forget.command)


def loose(place: Place, dev: str, node: Snapshot) -> Obstacle:
    """A cable's end hangs in the air."""
    bridge = bridge_of(node)
    question = f"Where does the other end of the cable lead, and what is {dev} plugged into?"
    repair = (veth.plug(dev, into=bridge.name),) if bridge and place[1] is None else ()
    return Obstacle(f"{dev} is not plugged into anything", "cable", place, question, f"ip link show dev {dev}", *repair)


def nobody(place: Place, dev: str, address: IPv4Address) -> Obstacle:
    """Nobody who hears the question has the address."""
    question = f"Who of those that {name(place)}'s {dev} reaches has {address}?"
    text = f"nobody beyond {name(place)}'s {dev} has {address}"
    return Obstacle(text, "address", place, question, f"ip {on(place[1])}neigh show {address}", mend="ip addr add … (where it belongs)")


def round_and_round(place: Place, to: IPv4Address) -> Obstacle:
    """Routers send a packet to each other."""
    text = f"the packet goes round and round until its time to live is over, past {name(place)}"
    question = f"Where does each node on the way send what is for {to}?"
    return Obstacle(text, "route", place, question, _routes(place, to), mend=f"ip route del … (the one that leads back), to {to}")


def reverse_path(place: Place, dev: str, sender: IPv4Address) -> Obstacle:
    """A strict reverse-path filter: the way back to the sender leads out of another interface (RFC 3704, ip-sysctl)."""
    text = f"{name(place)} drops what comes in through {dev} from {sender}: its own way there is another (rp_filter is strict)"
    question = f"Would {name(place)} send an answer to {sender} out of the interface that it came in by?"
    look = f"sysctl net/ipv4/conf/all/rp_filter net/ipv4/conf/{dev}/rp_filter"
    return Obstacle(text, "forwarding", place, question, look, *(forwarding.setting(one, "rp_filter", 0, place[1]) for one in ("all", dev)))


def filtered(place: Place, chain: str, rule: str) -> Obstacle:
    """A firewall's chain drops it."""
    question = f"Which rules does a packet meet on {name(place)} at the hook {chain}?"
    return Obstacle(f"{name(place)}'s firewall drops it: {rule}", "firewall", place, question, "nft list ruleset", mend="nft delete rule …")
