"""
Interfaces on the way back: which are too many, which are missing, and what is different about those that stayed.

Pure. How one is made again, and when two are the same, its kind says (`podnet_lab.devices`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from podnet_lab.devices.bridge.steps import SetHairpin
from podnet_lab.devices.ip_tunnel import stands_in
from podnet_lab.devices.link_steps import ChangeLink, RemoveLink, SetLinkState, SetMaster
from podnet_lab.devices.registry import kind_of
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.steps.base import Interface, Step

FALLBACKS = frozenset({"tunl0", "gre0", "gretap0", "erspan0", "sit0", "ip_vti0", "ip6tnl0", "ip6_vti0", "ip6gre0"})
"""Interfaces that the kernel puts into every namespace once a tunnel's module is loaded, and that can't be deleted."""


def is_fallback(link: Link) -> bool:
    """Whether an interface is one of those; a TUN device of such a name is somebody's."""
    return link.name in FALLBACKS and not stands_in(link)


_PASSING = ("listening", "learning")
"""States of a bridge's port that pass by themselves."""


def unmakeable(now: Snapshot, namespace: str | None, name: str) -> bool:
    """Whether an interface could not be brought back by any step, if it were deleted."""
    link = now.link(namespace, name)
    if link is None or is_fallback(link):
        return False
    return not (kind_of(link).comes_with_namespace or kind_of(link).remake(namespace, link))


def surplus(now: Snapshot, then: Snapshot) -> set[Interface]:
    """Interfaces that weren't there, or were another kind of thing, or the end of another cable."""
    return {
        (name, dev) for name, space in now.spaces.items() for dev, link in space.links.items() if not _stays(link, then.link(name, dev))
    }


def _stays(link: Link, then: Link | None) -> bool:
    kind = kind_of(link)
    return kind.comes_with_namespace or is_fallback(link) or (then is not None and kind.same(link, then))


def remove(now: Snapshot, gone: Collection[Interface]) -> list[Step]:
    """Delete the interfaces *gone*; of a cable one end."""
    steps, done = [], set()
    for namespace, dev in sorted(gone, key=lambda interface: (interface[0] or "", interface[1])):
        if (namespace, dev) not in done:
            steps.append(RemoveLink(dev, namespace))
            done.add(now.link(namespace, dev).peer)
    return steps


def make(now: Snapshot, then: Snapshot, gone: Collection[Interface]) -> list[Step]:
    """Make what was there *then* and is not *now*, or is *gone* by now; what others sit on comes first."""
    missing = [
        (namespace, link)
        for namespace, space in then.spaces.items()
        for link in space.links.values()
        if (now.link(namespace, link.name) is None or (namespace, link.name) in gone) and not is_fallback(link)
    ]
    steps, done = [], set()
    for namespace, link in sorted(missing, key=lambda place: place[1].lower is not None):
        if (namespace, link.name) not in done:
            steps += kind_of(link).remake(namespace, link)
            done.add(link.peer)
    return steps


def written_macs(then: Snapshot) -> set[str]:
    """MACs that somebody goes by: written down as a neighbour's for good, or given to several interfaces on purpose."""
    links = [link for space in then.spaces.values() for link in space.links.values() if kind_of(link).paired]
    shared = {mac for mac, count in Counter(link.mac for link in links).items() if count > 1}
    return shared | {entry.mac for space in then.spaces.values() for entry in space.neighbours if entry.state == "PERMANENT"}


def change(name: str | None, kept: Mapping[str, Link], then: Namespace, written: Collection[str] = ()) -> list[Step]:
    """MTU, ARP, MAC and bridge of each interface; *kept* are those that need not be made, *written* the MACs that somebody goes by."""
    steps: list[Step] = []
    for dev, link in then.links.items():
        was = kept.get(dev)
        if was is not None:
            steps += _changed(name, was, link)
        elif kind_of(link).remake(name, link):
            steps += kind_of(link).adjust(name, link)
            steps += [ChangeLink(dev, name, mac=link.mac)] if kind_of(link).paired and link.mac in written else []
        if name is None and link.master != (was.master if was else None):
            steps += _plugged_anew(dev, link)
        elif name is None and was and link.master and _is_up(link.master, kept):
            if (usual := _without_hairpin(was)) and not _without_hairpin(link) and usual not in _PASSING:
                steps += [SetMaster(dev, None), *_plugged_anew(dev, link)]  # a port that is plugged in anew is an ordinary one
            elif was.hairpin != link.hairpin:
                steps.append(SetHairpin(dev, link.hairpin))
    return steps


def _plugged_anew(dev: str, link: Link) -> list[Step]:
    return [SetMaster(dev, link.master), *([SetHairpin(dev, on=True)] if link.master and link.hairpin else [])]


def _without_hairpin(port: Link) -> str:
    """What is unusual about a port beside that: it alone has a step."""
    return ", ".join(word for word in port.port.split(", ") if word != "hairpin")


def _is_up(bridge: str, kept: Mapping[str, Link]) -> bool:
    """Whether a bridge is up now: the ports of one that is down are disabled, and come back with it."""
    return bridge in kept and kept[bridge].up


def _changed(name: str | None, was: Link, link: Link) -> list[Step]:
    steps: list[Step] = []
    different = {key: getattr(link, key) for key in ("mtu", "arp") if getattr(was, key) != getattr(link, key)}
    if different:
        steps.append(ChangeLink(link.name, name, **different))
    # One that was made anew meanwhile has a MAC of its own; only the very same interface gets the old one back.
    if was.index == link.index and was.mac != link.mac and kind_of(link).keeps_mac:
        steps.append(ChangeLink(link.name, name, mac=link.mac))
    return steps


def switch(name: str | None, kept: Mapping[str, Link], then: Namespace) -> list[Step]:
    """Switch each interface on or off."""
    steps: list[Step] = []
    for dev, link in then.links.items():
        up = kept[dev].up if dev in kept else False
        there = dev in kept or kind_of(link).comes_with_namespace or kind_of(link).remake(name, link)
        if up != link.up and there:
            steps.append(SetLinkState(dev, name, up=link.up))
    return steps


def restore_tables(name: str | None, now: Namespace, then: Namespace) -> list[Step]:
    """What hangs on an interface of its own kind, such as a tunnel's forwarding entries."""
    return [step for dev, link in then.links.items() for step in kind_of(link).restore_tables(name, dev, now, then)]
