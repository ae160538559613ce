"""
The steps that bring a node from how it is to how it was: what undo of a removal, roll-back, reset and goto are made of.

Pure. One pass may not be enough (an interface that goes takes its routes along, one that comes has none yet): whoever
runs it looks again until nothing is left to do.
"""

from __future__ import annotations

from dataclasses import replace

from podnet_lab.devices.bridge.steps import AddBridge
from podnet_lab.devices.link import ChangeLink, RemoveLink, SwitchLink
from podnet_lab.devices.veth.steps import AddVeth, MoveVeth, PlugVeth
from podnet_lab.model import Ipv4Conf, Link, Namespace, Snapshot
from podnet_lab.steps.address import AddAddress, RemoveAddress
from podnet_lab.steps.base import Step
from podnet_lab.steps.forwarding import SETTINGS, SetForwarding, SetSetting
from podnet_lab.steps.namespace import AddNamespace, RemoveNamespace
from podnet_lab.steps.neighbour import AddNeighbour, RemoveNeighbour
from podnet_lab.steps.nft.mend import restore_tables
from podnet_lab.steps.route import AddRoute, RemoveRoute

MOST_PASSES = 6
"""Looks that a restore may take before whoever runs it gives up."""

_MADE = ("bridge", "veth")
_PASSING = ("listening", "learning")

FALLBACKS = frozenset({"tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip_vti0", "ip6tnl0", "ip6_vti0", "ip6gre0"})
"""Interfaces that the kernel puts into every namespace once a tunnel's module is loaded, and that can't be deleted."""


def unmakeable(now: Snapshot, namespace: str | None, name: str) -> bool:
    """Whether an interface is of a kind that no step could bring back: neither a node's bridge nor a cable seen whole."""
    link = now.link(namespace, name)
    if link is None or link.kind == "loopback" or name in FALLBACKS:
        return False
    return not ((link.kind == "bridge" and namespace is None) or (link.kind == "veth" and link.peer is not None))


def restore(now: Snapshot, then: Snapshot) -> list[Step]:
    """The steps from *now* towards *then*; empty when nothing of what steps can change differs."""
    gone = _surplus_links(now, then)
    steps: list[Step] = [*_remove_links(now, gone)]
    steps += [RemoveNamespace(name) for name in now.spaces if name not in then.spaces]
    steps += [AddNamespace(name) for name in then.spaces if name not in now.spaces]
    steps += _add_links(now, then, gone)
    for name, space in then.spaces.items():
        was = now.spaces.get(name) or Namespace(name)
        here = {dev for namespace, dev in gone if namespace == name}
        kept = {dev: link for dev, link in was.links.items() if dev not in here}
        steps += _links(name, kept, space)
        steps += _addresses(name, was, space, here)
        steps += _switches(name, kept, space)
        steps += _settings(name, was, space, here)
        steps += _routes(
            name, was, space, here, touched={one.dev for one in steps if isinstance(one, RemoveAddress) and one.namespace == name}
        )
        steps += _neighbours(name, was, space, here)
    return [*steps, *restore_tables(now.own.rules, then.own.rules)]


def _same(one: Link, other: Link) -> bool:
    return one.kind == other.kind and (one.peer == other.peer or other.peer is None)


def _surplus_links(now: Snapshot, then: Snapshot) -> set[tuple[str | None, str]]:
    """Interfaces that weren't there, or were another kind of thing, or the end of another cable."""
    return {
        (name, dev)
        for name, space in now.spaces.items()
        for dev, link in space.links.items()
        if link.kind != "loopback" and dev not in FALLBACKS and not ((was := then.link(name, dev)) and _same(link, was))
    }


def _remove_links(now: Snapshot, gone: set) -> list[Step]:
    steps, done = [], set()
    for namespace, dev in sorted(gone, key=lambda one: (one[0] or "", one[1])):
        if (namespace, dev) not in done:
            steps.append(RemoveLink(dev, namespace))
            done.add(now.link(namespace, dev).peer)
    return steps


def _add_links(now: Snapshot, then: Snapshot, gone: set) -> list[Step]:
    steps, done = [], set()
    for namespace, space in then.spaces.items():
        for dev, link in space.links.items():
            there = now.link(namespace, dev) is not None and (namespace, dev) not in gone
            if there or (namespace, dev) in done or link.kind not in _MADE:
                continue
            if link.kind == "bridge" and namespace is None:
                steps.append(AddBridge(dev))
            elif link.kind == "veth" and link.peer is not None:
                steps += _cable(namespace, dev, link)
                done.add(link.peer)
    return steps


def _cable(namespace: str | None, dev: str, link: Link) -> list[Step]:
    other_namespace, other = link.peer
    if namespace is None:
        return [AddVeth(dev, other, other_namespace)]
    if other_namespace is None:
        return [AddVeth(other, dev, namespace)]
    return [AddVeth(dev, other, other_namespace), MoveVeth(dev, namespace)]


def _links(name: str | None, kept: dict[str, Link], space: Namespace) -> list[Step]:
    steps: list[Step] = []
    for dev, link in space.links.items():
        was = kept.get(dev)
        if was is None:
            if link.kind in _MADE and (link.mtu != 1500 or not link.arp):
                steps.append(ChangeLink(dev, name, mtu=link.mtu, arp=link.arp))
        elif was.mtu != link.mtu or was.arp != link.arp:
            steps.append(ChangeLink(dev, name, mtu=link.mtu, arp=link.arp))
        # A bridge takes its MAC from its ports, and a link made anew has a new one: only one that stayed is put back.
        if was and was.index == link.index and was.mac != link.mac and link.kind not in ("bridge", "loopback"):
            steps.append(ChangeLink(dev, name, mac=link.mac))
        if name is None and link.master != (was.master if was else None):
            steps.append(PlugVeth(dev, link.master))
        elif name is None and was and link.master and was.port and not link.port and was.port not in _PASSING:
            steps += [PlugVeth(dev, None), PlugVeth(dev, link.master)]  # a port that is plugged in anew is an ordinary one
    return steps


def _addresses(name: str | None, was: Namespace, space: Namespace, gone: set[str]) -> list[Step]:
    had = {one for one in was.addresses if one.dev not in gone}
    want = set(space.addresses)
    # Switching lo on gives it 127.0.0.1/8 by itself.
    up = "lo" in was.links and was.links["lo"].up
    by_itself = {one for one in want - had if one.dev == "lo" and one.interface.is_loopback and not up}
    lost = {one for one in want & had if (one.dev, one.interface) in _lost_kernel_routes(was, space)}
    steps: list[Step] = [RemoveAddress.of(one, name, raw=True) for one in sorted((had - want) | (had & lost), key=str)]
    add = sorted((want - had - by_itself) | lost, key=str)
    return steps + [AddAddress.of(one, name, raw=bool(one.extra) and _stayed(one.dev, was, space)) for one in add]


def _stayed(dev: str | None, was: Namespace, space: Namespace) -> bool:
    """Whether an interface is the very one that it was: what the kernel said of it then still names it."""
    return dev in was.links and dev in space.links and was.links[dev].index == space.links[dev].index


def _lost_kernel_routes(was: Namespace, space: Namespace) -> set:
    """Addresses whose own route was deleted by hand: only giving the address again brings it back as the kernel's."""
    routes = {(route.dev, route.to) for route in was.routes}
    lost = {(route.dev, route.to) for route in space.routes if route.kernel and (route.dev, route.to) not in routes}
    up = {dev for dev, link in was.links.items() if link.up}
    return {(one.dev, one.interface) for one in space.addresses if one.dev in up and (one.dev, one.interface.network) in lost}


def _switches(name: str | None, kept: dict[str, Link], space: Namespace) -> list[Step]:
    steps = []
    for dev, link in space.links.items():
        up = kept[dev].up if dev in kept else False
        if up != link.up and (dev in kept or link.kind in (*_MADE, "loopback")):
            steps.append(SwitchLink(dev, name, up=link.up))
    return steps


def _settings(name: str | None, was: Namespace, space: Namespace, gone: set[str]) -> list[Step]:
    if "all" not in space.conf:
        return []
    # What comes anew starts as ``default`` says, a namespace with all settings off.
    fresh = was.conf.get("default", Ipv4Conf(False))
    now = {dev: fresh if dev in gone else was.conf.get(dev, fresh) for dev in space.conf}
    steps: list[Step] = []
    if was.forwarding != space.forwarding:
        steps.append(SetForwarding(space.forwarding, name))  # changes every interface
        now = {dev: replace(conf, forwarding=space.forwarding) for dev, conf in now.items()}
    return steps + [
        SetSetting(dev, key, int(getattr(conf, key)), name)
        for dev, conf in space.conf.items()
        for key in SETTINGS
        if getattr(now[dev], key) != getattr(conf, key)
    ]


def _routes(name: str | None, was: Namespace, space: Namespace, gone: set[str], touched: set[str]) -> list[Step]:
    had = {route for route in was.routes if not route.kernel and route.dev not in gone}
    want = {route for route in space.routes if not route.kernel}
    down = {dev for dev, link in space.links.items() if not link.up}
    # Those that go by themselves, with an address or an interface that goes down, are left to the next look.
    surplus = sorted((route for route in had - want if route.dev not in touched | down), key=str)
    steps: list[Step] = [RemoveRoute.of(route, name, raw=True) for route in surplus]
    missing = sorted(want - had, key=lambda one: (one.via is not None, str(one)))
    return steps + [AddRoute.of(route, name, raw=bool(route.extra) and _stayed(route.dev, was, space)) for route in missing]


def _neighbours(name: str | None, was: Namespace, space: Namespace, gone: set[str]) -> list[Step]:
    had = {one for one in was.neighbours if one.state == "PERMANENT" and one.dev not in gone}
    want = {one for one in space.neighbours if one.state == "PERMANENT"}
    steps: list[Step] = [RemoveNeighbour(one.address, one.dev, one.mac, name) for one in sorted(had - want, key=str)]
    return steps + [AddNeighbour(one.address, one.dev, one.mac, name) for one in sorted(want - had, key=str)]
