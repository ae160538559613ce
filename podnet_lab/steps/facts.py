"""
Facts that steps change, read off a snapshot: what undo compares, to take nobody's work along. Pure.

A fact is a key: ("namespace", name), ("link", ns, dev), ("up"|"master"|"mtu"|"arp"|"mac"|"hairpin", ns, dev), ("address", ns, dev,
interface), ("route", ns, to), ("neighbour", ns, dev, address), ("fdb", ns, dev, mac), ("conf", ns, dev, setting), ("bridged", ns),
("nft", None, kind, family, table, …), ("daemon", ns, name), ("file", None, path).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.model import FdbEntry, Link, Namespace, Snapshot
from podnet_lab.steps.base import where


def facts(now: Snapshot, key: tuple) -> object:
    """What *now* says of one fact; None where its namespace or interface is gone."""
    kind, namespace, *rest = key
    if kind == "daemon":
        return _daemon(now, namespace, rest[0])
    if kind == "file":
        return now.files.get(rest[0])
    space = now.spaces.get(namespace)
    if space is None:
        return None
    return _READ[kind](space, *rest) if kind in _READ else getattr(space.links.get(rest[0]), kind, None)


def _link_facts(space: Namespace, name: str) -> object:
    link = space.links.get(name)
    if link is None:
        return None
    return {
        "kind": link.kind,
        "state": "up" if link.up else "down",
        "mtu": link.mtu,
        "master": link.master,
        "other end": link.peer,
        "other names": sorted(link.aliases),
        "addresses": sorted(map(str, space.addresses_of(name))),
        "ports": sorted(space.ports_of(name)),
        "routes": sorted(str(route) for route in space.routes if route.dev == name and not route.kernel),
        "neighbours": sorted(
            f"{entry.address} at {entry.mac}" for entry in space.neighbours if (entry.dev, entry.state) == (name, "PERMANENT")
        ),
        "IPv6": sorted(entry.words for entry in space.ipv6 if entry.dev == name),
        # Its own MAC is an entry of the kernel's, and a bridge takes another one with its ports.
        "forwarding entries": sorted(f"{one.mac} {one.remote or ''}".strip() for one in space.fdb if _is_written(one, link)),
        "interfaces on it": sorted(other.name for other in space.links.values() if other.lower is not None and other.lower[1] == name),
    }


def _is_written(entry: FdbEntry, link: Link) -> bool:
    return entry.permanent and entry.dev == link.name and entry.mac != link.mac


OF_ITSELF = "the namespace"
"""What stands for a namespace itself among its interfaces."""


def _namespace(space: Namespace) -> object:
    itself = {"policy rules": sorted(map(str, space.policy)), "firewall": "rules" if space.rules else "no rules"}
    return {OF_ITSELF: itself, **{name: _link_facts(space, name) for name in sorted(space.links)}}


def _address(space: Namespace, dev: str, interface: IPv4Interface) -> object:
    return interface in space.addresses_of(dev)


def _route(space: Namespace, to: IPv4Network) -> object:
    return sorted(map(str, space.routes_to(to)))


def _daemon(now: Snapshot, namespace: str | None, name: str) -> object:
    """With what a daemon was started; None if it does not run."""
    specs = {process.spec for process in now.processes if (process.daemon, process.namespace) == (name, namespace)}
    return sorted(specs) or None


def _neighbour(space: Namespace, dev: str, address: IPv4Address) -> object:
    return [entry.mac for entry in space.neighbours if (entry.dev, entry.address, entry.state) == (dev, address, "PERMANENT")]


def _fdb(space: Namespace, dev: str, mac: str) -> object:
    return sorted(str(entry.remote) for entry in space.fdb if entry.permanent and (entry.dev, entry.mac) == (dev, mac))


def _conf(space: Namespace, dev: str, setting: str) -> object:
    return getattr(space.conf.get(dev), setting, None)


def _master(space: Namespace, dev: str) -> object:
    return [space.links[dev].master] if dev in space.links else None


class NotKnown(str):
    """Why nobody can say what a fact is."""


def _nft_facts(space: Namespace, kind: str, *path: str) -> object:
    if space.rules.problem:
        return NotKnown(space.rules.problem)
    rules = space.rules.rules.get(path)
    if kind.endswith("rules"):
        return rules
    if kind == "members":
        return space.rules.members.get(path)
    described = space.rules.objects.get((kind, *path))
    return (described, rules) if kind == "chain" and described is not None else described


_READ: dict[str, Callable[..., object]] = {
    "namespace": _namespace,
    "link": _link_facts,
    "address": _address,
    "route": _route,
    "neighbour": _neighbour,
    "fdb": _fdb,
    "conf": _conf,
    "bridged": lambda space: space.bridged,
    "master": _master,
    "nft": _nft_facts,
}


def difference(key: tuple, then: object, now: object) -> str:
    """In words, how one fact differs from what it was."""
    kind, namespace, *rest = key
    if isinstance(now, NotKnown):
        return f"nft's {rest[0]} {' '.join(rest[1:])} can't be read: {now}"
    if kind == "nft":
        return f"nft's {rest[0]} {' '.join(rest[1:])} {'is gone' if now is None else 'is not what it was'}"
    if kind == "bridged":
        return f"net.bridge.bridge-nf-call-iptables is {_words(now)} now, {_words(then)} when the step ran"
    if kind == "daemon" and now and then:
        return f"{rest[0]}{where(namespace)} runs with other options or files"
    if kind == "file" and now is not None and then is not None:
        return f"{rest[0]} has {now!r} now, {then!r} when the step ran"
    name = namespace if kind == "namespace" else str(rest[0])
    if now is None or then is None:
        return f"{name} is {'gone' if now is None else 'there again'}"
    if kind == "namespace" and then.keys() == now.keys():
        changed = next(dev for dev in now if then[dev] != now[dev])
        return difference(("link", name, changed), then[changed], now[changed])
    if kind == "namespace":
        held, holds = (", ".join(dev for dev in one if dev != OF_ITSELF) for one in (then, now))
        return f"{name} now holds {holds}, not {held}"
    if isinstance(now, dict):
        what = next(what for what in now if then[what] != now[what])
        return f"{name}{where(namespace)}: {what} {_words(now[what])} now, {_words(then[what])} when the step ran"
    return f"{kind} {' '.join(map(str, rest))}{where(namespace)} is {_words(now)} now, {_words(then)} when the step ran"


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value) or "none"
    return "none" if value is None else str(value)
