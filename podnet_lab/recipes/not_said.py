"""What is different between two snapshots, and no step says: named, so that nothing is left out in silence. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from podnet_lab.devices.registry import kind_of
from podnet_lab.model import Link, Namespace, Snapshot
from podnet_lab.model.neighbour import FdbEntry
from podnet_lab.steps.base import where

ASKED = {"kind": "kind", "mtu": "MTU", "master": "master", "peer": "other end", "lower": "lower interface"}
"""Fields of an interface that are compared, and what they are called; others are told by themselves, its MAC where it is kept."""

NO_MAC = "00:00:00:00:00:00"

SWITCHES = {"up": ("down", "up"), "arp": ("without ARP", "with ARP"), "hairpin": ("no hairpin port", "a hairpin port")}
"""Fields that are true or false, and what an interface is then."""


def not_said(before: Snapshot, said: Snapshot, after: Snapshot) -> list[str]:
    """In words, what of *after* is not as steps have made it (*said*), of what is not as it was *before* all the same."""
    words = [f"the namespace {name} is there" for name in after.spaces if name not in said.spaces]
    words += [f"the namespace {name} is gone" for name in said.spaces if name not in after.spaces]
    for name, space in after.spaces.items():
        if name in said.spaces:
            words += _space(before.spaces.get(name, Namespace(name)), _by_persons(said.spaces[name], after), _by_persons(space, after))
    words += _processes(before, after)
    return words


def _by_persons(space: Namespace, node: Snapshot) -> Namespace:
    """A namespace without the routes that a BIRD keeps: that one runs says so already."""
    keeps = any(process.daemon == "bird" for process in node.processes)
    return replace(space, routes=tuple(route for route in space.routes if not (keeps and route.by_daemon)))


def _space(before: Namespace, said: Namespace, after: Namespace) -> Iterator[str]:
    at = where(after.name)
    for dev in after.links.keys() | said.links.keys():
        yield from _link(before.links.get(dev), said.links.get(dev), after.links.get(dev), at)
        yield from _bridge_mac(before.links.get(dev), after, dev, at)
    yield from _set(
        f"{{}}{at}",
        [f"{one.interface} of {one.dev}" for one in said.addresses],
        [f"{one.interface} of {one.dev}" for one in after.addresses],
    )
    yield from _set(f"the route {{}}{at}", _routes(said), _routes(after))
    yield from _set(f"the neighbour {{}}{at}", _neighbours(said), _neighbours(after))
    yield from _set(f"the policy rule {{}}{at}", list(map(str, before.policy)), list(map(str, after.policy)))
    yield from _set(f"the forwarding entry {{}}{at}", _entries(before, said), _entries(before, after))
    for dev, conf in after.conf.items():
        if dev in said.conf:
            had = said.conf[dev]
            changed = (one.name for one in fields(conf) if getattr(conf, one.name) != getattr(had, one.name))
            yield from (f"{key} of {dev}{at} is {int(getattr(conf, key))}" for key in changed)
    for name, words in (("bridged", "net.bridge.bridge-nf-call-iptables"), ("silent", "net.ipv4.icmp_echo_ignore_all")):
        if getattr(said, name) != getattr(after, name):
            yield f"{words}{at} is {int(getattr(after, name))}"
    yield from _rules(before, after)


def _set(words: str, said: list[str], after: list[str]) -> Iterator[str]:
    for one in sorted(set(said) ^ set(after)):
        yield f"{words.format(one)} is {'there' if one in after else 'gone'}"


def _routes(space: Namespace) -> list[str]:
    return list(map(str, space.routes))


def _neighbours(space: Namespace) -> list[str]:
    return [f"{entry.address} at {entry.mac} of {entry.dev}" for entry in space.neighbours if entry.state == "PERMANENT"]


def _entries(before: Namespace, space: Namespace) -> list[str]:
    """Those that were written by hand: a port's own MAC is the bridge's own entry, and a tunnel's to nobody comes with its remote."""
    own = {link.mac for one in (before, space) for link in one.links.values()}
    entries = (entry for entry in space.fdb if entry.permanent and entry.mac not in own and entry.dev in space.links)
    return [f"{entry.mac} of {entry.dev}{_to(entry)}" for entry in entries if not _is_group(entry)]


def _to(entry: FdbEntry) -> str:
    """Where a tunnel's entry leads; one with a port, a number, an interface or a group of its own is read as leading to 0.0.0.0."""
    if entry.remote is None:
        return ""
    return f" to {entry.remote}" if int(entry.remote) else ", with a port, a number, an interface or a nexthop group of its own,"


def _is_group(entry: FdbEntry) -> bool:
    """Whether it is a group's, which the kernel writes."""
    return entry.remote is None and int(entry.mac[:2], 16) & 1 == 1


def _link(before: Link | None, said: Link | None, after: Link | None, at: str) -> Iterator[str]:
    if said is None or after is None:
        link = said or after
        yield f"{link.name} ({link.kind}){at} is {'gone' if after is None else 'there'}"
        return
    name = after.name
    yield from _fields(said, after, at)
    if before is not None and before.index == after.index and kind_of(after).keeps_mac and said.mac != after.mac:
        yield f"the MAC of {name}{at} is {after.mac}"
    if set(after.aliases) != set(before.aliases if before else ()):
        yield f"{name}{at} has other names or notes: {', '.join(after.aliases) or 'none'}"
    if (port := _port(after)) != (_port(before) if before else "") and after.master:
        yield f"the bridge's port {name}{at} is {port or 'an ordinary one'}"


def _bridge_mac(before: Link | None, space: Namespace, dev: str, at: str) -> Iterator[str]:
    """A MAC that somebody gave a bridge: by itself it has the lowest of its ports', and none once the last has left."""
    link = space.links.get(dev)
    if link is None or before is None or not kind_of(link).switches or before.index != link.index or before.mac == link.mac:
        return
    own = min((port.mac for port in space.links.values() if port.master == dev), default=NO_MAC)
    if link.mac != own:
        yield f"the MAC of {dev}{at} is {link.mac}, and not its ports'"


def _fields(said: Link, after: Link, at: str) -> Iterator[str]:
    name = after.name
    for what, called in ASKED.items():
        if getattr(said, what) != getattr(after, what):
            yield f"the {called} of {name}{at} is {_value(getattr(after, what))}"
    for what, words in SWITCHES.items():
        if getattr(said, what) != (now := getattr(after, what)):
            yield f"{name}{at} is {words[now]}"
    had, has = dict(said.settings), dict(after.settings)
    for what in sorted(had.keys() | has.keys()):
        if had.get(what) != has.get(what):
            yield f"{what} of {name}{at} is {_value(has.get(what))}"


def _value(value: object) -> str:
    """One value; another interface, which is known by its namespace and its name, with both."""
    if isinstance(value, tuple):
        namespace, dev = value
        return f"{dev}{where(namespace)}"
    return "none" if value is None else str(value)


def _port(link: Link) -> str:
    """What is unusual about a bridge's port beside what has a step, and what passes."""
    return ", ".join(word for word in link.port.split(", ") if word not in ("hairpin", "listening", "learning", "disabled"))


def _rules(before: Namespace, after: Namespace) -> Iterator[str]:
    was, rules = before.rules, after.rules
    if rules.problem and (after.name is None or rules != was):
        yield f"rules{where(after.name)}: {rules.problem}"
    elif was.problem and rules != was:
        yield f"rules{where(after.name)}: what they were is not known: {was.problem}"
    for family, why in rules.unread if rules.unread != was.unread else ():
        yield f"rules of the family {family}{where(after.name)}: {why}"


def _processes(before: Snapshot, after: Snapshot) -> list[str]:
    mine, theirs = ({(one.pid, one.born, one.command): one for one in seen.processes if not one.daemon} for seen in (before, after))
    started = [f"runs in the background: {theirs[key]}" for key in theirs if key not in mine]
    return started + [f"does not run any more: {mine[key]}" for key in mine if key not in theirs]
