"""
What every step is: a small frozen value that knows its command, its request, what must then be true, and its inverse.

Pure. A node runs a step; a step never meets a kernel itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podnet_lab.model import Namespace, Snapshot

Request = tuple[str, str | None, dict[str, Any]]
"""(operation, namespace, arguments), as `podnet_lab.kernel.apply` takes it."""


@dataclass(frozen=True)
class Step:
    """One thing that a person would type on a node."""

    @property
    def command(self) -> str:
        """What a person would type, as root on the node."""
        raise NotImplementedError

    @property
    def claim(self) -> str:
        """What is true once it is done, in a few words."""
        raise NotImplementedError

    def requests(self) -> list[Request]:
        """What to ask of the kernel."""
        raise NotImplementedError

    def contradiction(self, now: Snapshot) -> str | None:
        """What in *now* contradicts the claim, or None if it holds."""
        raise NotImplementedError

    def conflict(self, before: Snapshot) -> str | None:
        """What in *before* takes the name that this step is to give, or None. Asked only where the claim doesn't hold."""
        return None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        """The steps that take it back; *before* and *after* are the node around it."""
        from podnet_lab.recipes.reconcile import restore  # here: restore is written in steps

        return tuple(restore(after, before))

    def touches(self) -> tuple[Hashable, ...]:
        """The facts that it changes, as `facts` names them: what undo compares."""
        raise NotImplementedError

    def ends(self) -> tuple[Hashable, ...]:
        """Facts of earlier steps that no longer stand once this one is done."""
        return ()


Recipe = Mapping[str, Sequence[Step]]
"""Steps for each node, by its name."""


def lost(before: Snapshot, after: Snapshot, namespace: str | None, dev: str) -> tuple[Step, ...]:
    """Steps that bring back the routes and the written-down neighbours of *dev* which a step took along without being asked."""
    from podnet_lab.steps.neighbour import AddNeighbour  # here: they are steps, too
    from podnet_lab.steps.route import AddRoute

    had, has = before.spaces[namespace], after.spaces[namespace]
    routes = [one for one in had.routes if one.dev == dev and not one.kernel and one not in has.routes]
    known = [one for one in had.neighbours if one.dev == dev and one.state == "PERMANENT" and one not in has.neighbours]
    return (
        *(AddNeighbour(one.address, dev, one.mac, namespace) for one in known),
        *(AddRoute.of(one, namespace, raw=bool(one.extra)) for one in sorted(routes, key=lambda one: (one.via is not None, str(one)))),
    )


WORDS = (
    *("address", "addrgenmode", "alias", "allmulticast", "arp", "broadcast", "carrier", "dev", "down", "dynamic", "group", "help", "index"),
    *(
        "link",
        "lladdr",
        "master",
        "mode",
        "mtu",
        "multicast",
        "name",
        "netns",
        "nomaster",
        "numrxqueues",
        "numtxqueues",
        "parentdev",
        "peer",
    ),
    *("promisc", "protodown", "qlen", "state", "trailers", "txqlen", "txqueuelen", "type", "up", "vf", "xdp", "broadcast", "brd"),
)
"""Words of `ip link`, which it also takes when they are cut short."""


def named(name: str, word: str = "dev") -> str:
    """A name for `ip link`, with *word* before it where `ip` would take the name itself for one of its words."""
    return f"{word} {shlex.quote(name)}" if any(one.startswith(name) for one in WORDS) else shlex.quote(name)


def on(namespace: str | None) -> str:
    """ip's words for a namespace, with a blank behind: nothing for the node's own."""
    return f"-n {shlex.quote(namespace)} " if namespace else ""


def inside(namespace: str | None) -> str:
    """A shell's words for running a command inside a namespace."""
    return f"ip netns exec {shlex.quote(namespace)} " if namespace else ""


def where(namespace: str | None) -> str:
    """Words for a person: which namespace."""
    return f" in {namespace}" if namespace else ""


def no_namespace(now: Snapshot, namespace: str | None) -> str | None:
    """The contradiction that comes before all others: the namespace isn't there."""
    return None if namespace in now.spaces else f"no namespace is called {namespace}"


def no_link(now: Snapshot, namespace: str | None, name: str) -> str | None:
    """The contradiction that an interface isn't there."""
    if (missing := no_namespace(now, namespace)) is not None:
        return missing
    return None if now.link(namespace, name) else f"no interface is called {name}{where(namespace)}"


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
        "addresses": sorted(map(str, space.addresses_of(name))),
        "ports": sorted(space.ports_of(name)),
        "routes": sorted(str(route) for route in space.routes if route.dev == name and not route.kernel),
    }


def facts(now: Snapshot, key: tuple) -> object:
    """
    What *now* says of one fact; None where its namespace or interface is gone.

    Keys: ("namespace", name), ("link", ns, dev), ("up"|"master"|"mtu"|"arp"|"mac", ns, dev), ("address", ns, dev, interface),
    ("route", ns, to), ("neighbour", ns, dev, address), ("conf", ns, dev, setting), ("nft", None, kind, family, table, …).
    """
    kind, namespace, *rest = key
    space = now.spaces.get(namespace)
    if space is None:
        return None
    match kind:
        case "namespace":
            return {name: _link_facts(space, name) for name in sorted(space.links)}
        case "link":
            return _link_facts(space, rest[0])
        case "address":
            return rest[1] in space.addresses_of(rest[0])
        case "route":
            return sorted(map(str, space.routes_to(rest[0])))
        case "neighbour":
            return [one.mac for one in space.neighbours if (one.dev, one.address) == tuple(rest) and one.state == "PERMANENT"]
        case "conf":
            return getattr(space.conf.get(rest[0]), rest[1], None)
        case "nft":
            return _nft_facts(space, *rest)
        case "master":
            return [space.links[rest[0]].master] if rest[0] in space.links else None
        case _:
            return getattr(space.links.get(rest[0]), kind, None)


def _nft_facts(space: Namespace, kind: str, *path: str) -> object:
    if space.rules.problem:
        return space.rules.problem
    rules = space.rules.rules.get(path)
    if kind.endswith("rules"):
        return rules
    found = space.rules.objects.get((kind, *path))
    return (found, rules) if kind == "chain" and found is not None else found


def difference(key: tuple, then: object, now: object) -> str:
    """In words, how one fact differs from what it was."""
    kind, namespace, *rest = key
    if kind == "nft":
        return f"nft's {rest[0]} {' '.join(rest[1:])} {'is gone' if now is None else 'is not what it was'}"
    name = namespace if kind == "namespace" else str(rest[0])
    if now is None or then is None:
        return f"{name} is {'gone' if now is None else 'there again'}"
    if kind == "namespace" and then.keys() == now.keys():
        changed = next(dev for dev in now if then[dev] != now[dev])
        return difference(("link", name, changed), then[changed], now[changed])
    if kind == "namespace":
        return f"{name} now holds {', '.join(now)}, not {', '.join(then)}"
    if isinstance(now, dict):
        what = next(what for what in now if then[what] != now[what])
        return f"{name}{where(namespace)}: {what} {_words(now[what])} now, {_words(then[what])} when the step ran"
    return f"{kind} {' '.join(map(str, rest))}{where(namespace)} is {_words(now)} now, {_words(then)} when the step ran"


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_words(one) for one in value) or "none"
    return "none" if value is None else str(value)
