"""
What a kernel can say of a node: links, addresses, routes, neighbours, per network namespace.

Pure and frozen. A namespace of ``None`` is the node's own, a text is the name of a Pod's.
Field names are iproute2's; lines of ``show()`` leave out what differs from run to run (indexes, MACs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.rules import Ruleset

DEFAULT = IPv4Network("0.0.0.0/0")
DEFAULT_TABLE, MAIN_TABLE, LOCAL_TABLE = 253, 254, 255
NO_RULES = Ruleset()


def in_order(name: str) -> list:
    """A sorting key that takes numbers inside names for numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True, slots=True)
class Link:
    """
    An interface. *peer* is (namespace, name) of a veth's other end, None if there is none or it can't be seen.

    *port* is what is unusual about a bridge's port, though it is up: "blocking", "isolated", … (linux/if_bridge.h).
    """

    name: str
    kind: str
    up: bool
    mac: str = ""
    mtu: int = 1500
    arp: bool = True
    master: str | None = None
    peer: tuple[str | None, str] | None = None
    carrier: bool = False
    index: int = 0
    port: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Address:
    """
    An IPv4 address on an interface, with its prefix length.

    *extra* is what no step of the lesson gives an address (a peer, a label), *raw* the kernel's own bytes for it.
    """

    dev: str
    interface: IPv4Interface
    extra: str = ""
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """
    A line of a routing table; *kernel* tells that the kernel made it itself, for an address.

    *extra* is what no step of the lesson gives a route (a source, several ways), *raw* the kernel's own bytes for it.
    """

    to: IPv4Network
    via: IPv4Address | None = None
    dev: str | None = None
    kind: str = "unicast"
    table: int = MAIN_TABLE
    metric: int = 0
    kernel: bool = False
    extra: str = ""
    raw: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        to = "default" if self.to == DEFAULT else str(self.to)
        kind = "" if self.kind == "unicast" else f"{self.kind} "
        via = f" via {self.via}" if self.via else ""
        dev = f" dev {self.dev}" if self.dev else ""
        return f"{kind}{to}{via}{dev}" + (f" metric {self.metric}" if self.metric else "") + (" …" if self.extra else "")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the kernel believes to be the MAC of an address on the same link; *state* as in ``ip neigh``."""

    address: IPv4Address
    dev: str
    mac: str
    state: str


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """
    A policy rule: which table to look in, for which packets (``ip rule``).

    Routes of a prefix of *suppressed* bits or fewer don't count (suppress_prefixlength; -1: all do).
    *extra* is what it asks of a packet beyond source, destination and interfaces: a mark, a port, "not", …
    """

    priority: int
    table: int = MAIN_TABLE
    kind: str = "lookup"
    source: IPv4Network = DEFAULT
    to: IPv4Network = DEFAULT
    came_in: str = ""
    goes_out: str = ""
    suppressed: int = -1
    extra: str = ""

    def __str__(self) -> str:
        """As ``ip rule`` says it; tables by their numbers, but for those that have names."""
        words = [f"from {'all' if self.source == DEFAULT else self.source}"]
        words += [f"to {self.to}"] if self.to != DEFAULT else []
        words += [f"iif {self.came_in}"] if self.came_in else []
        words += [f"oif {self.goes_out}"] if self.goes_out else []
        words += [self.extra] if self.extra else []
        tables = {LOCAL_TABLE: "local", MAIN_TABLE: "main", DEFAULT_TABLE: "default"}
        words.append(f"lookup {tables.get(self.table, self.table)}" if self.kind == "lookup" else self.kind)
        words += [f"suppress_prefixlength {self.suppressed}"] if self.suppressed >= 0 else []
        return f"{self.priority}: {' '.join(words)}"


USUAL_POLICY = (PolicyRule(0, LOCAL_TABLE), PolicyRule(32766, MAIN_TABLE), PolicyRule(32767, DEFAULT_TABLE))
"""The policy rules that every namespace begins with."""


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """A line of a bridge's forwarding table: behind which port a MAC lives; a *permanent* one is the bridge's own."""

    mac: str
    dev: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class Conf:
    """IPv4 settings of one interface, or of ``all`` and ``default`` (net.ipv4.conf.NAME.*)."""

    forwarding: bool
    rp_filter: int = 0
    proxy_arp: bool = False


@dataclass(frozen=True, slots=True)
class Namespace:
    """
    One network namespace as its kernel described it; *rules* is nftables', of a Pod only that there are some.

    *bridged*: whether what its bridges pass on goes through its firewall, too (net.bridge.bridge-nf-call-iptables);
    *silent*: whether it answers no ping (net.ipv4.icmp_echo_ignore_all). *learnt*: how many bytes a packet to an address may
    have, where a router on the way has said so (``ip route show cache``).
    """

    name: str | None
    links: Mapping[str, Link] = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    fdb: tuple[FdbEntry, ...] = ()
    conf: Mapping[str, Conf] = field(default_factory=dict)
    rules: Ruleset = NO_RULES
    policy: tuple[PolicyRule, ...] = USUAL_POLICY
    bridged: bool = False
    silent: bool = False
    learnt: Mapping[IPv4Address, int] = field(default_factory=dict, compare=False)

    @property
    def forwarding(self) -> bool:
        """Whether net.ipv4.ip_forward is 1 here."""
        return "all" in self.conf and self.conf["all"].forwarding

    def addresses_of(self, dev: str) -> tuple[IPv4Interface, ...]:
        """The addresses on *dev*."""
        return tuple(address.interface for address in self.addresses if address.dev == dev)

    def ports_of(self, bridge: str) -> tuple[str, ...]:
        """The interfaces that are plugged into *bridge*."""
        return tuple(link.name for link in self.links.values() if link.master == bridge)

    def routes_to(self, to: IPv4Network) -> tuple[Route, ...]:
        """The routes of the main table to exactly *to*."""
        return tuple(route for route in self.routes if route.to == to and route.table == MAIN_TABLE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A node at one moment: its own namespace under None, the named ones (its Pods) under their names."""

    node: str
    spaces: Mapping[str | None, Namespace]

    @property
    def own(self) -> Namespace:
        """The node's own network namespace."""
        return self.spaces[None]

    @property
    def pods(self) -> Iterator[Namespace]:
        """The named namespaces, by name; pod-1-2 comes before pod-1-10."""
        return (self.spaces[name] for name in sorted((name for name in self.spaces if name is not None), key=in_order))

    def link(self, namespace: str | None, name: str) -> Link | None:
        """The interface *name* in *namespace*, or None."""
        space = self.spaces.get(namespace)
        return space.links.get(name) if space else None
