"""Routes, and the policy rules that say which table of them is asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

DEFAULT = IPv4Network("0.0.0.0/0")
DEFAULT_TABLE, MAIN_TABLE, LOCAL_TABLE = 253, 254, 255

KERNEL, BOOT, STATIC, BIRD, FELIX = 2, 3, 4, 12, 80
"""Who made a route (its protocol, linux/rtnetlink.h): the kernel, somebody by `ip`, the same and saying so, BIRD, Calico's Felix."""

TABLES = {DEFAULT_TABLE: "default", MAIN_TABLE: "main", LOCAL_TABLE: "local"}
"""As ``ip`` calls them; all others go by their numbers."""

PROTOCOLS = {KERNEL: "kernel", BOOT: "boot", STATIC: "static", BIRD: "bird"}
"""As ``ip route`` calls them; all others here by their numbers."""

_PERSONS = (0, 1, KERNEL, BOOT, STATIC, 9, 16)
"""Those of a kernel, a person, or what configures a machine's cards: not said of a route."""


@dataclass(frozen=True, slots=True)
class Route:
    """
    A line of a routing table; *kernel* tells that the kernel made it itself, for an address.

    *onlink*: the gateway is taken to be on *dev*'s link, whatever the addresses there say. *extra* is what no step gives a route
    (a source, several ways), *raw* the kernel's own bytes for it, *via6* a next hop that is an IPv6 address, where the kernel
    itself was asked for the way. *protocol* is the number of who made it.
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
    via6: str = ""
    onlink: bool = False
    protocol: int = BOOT

    @property
    def by_daemon(self) -> bool:
        """Whether a daemon keeps it: it comes and goes with what that is told, and nobody else makes it again."""
        return self.protocol == BIRD

    @property
    def maker(self) -> str:
        """The program that made it, as ``ip route`` says it ("bird", "80"); "" if a person may have typed it, or the kernel made it."""
        return "" if self.protocol in _PERSONS else PROTOCOLS.get(self.protocol, str(self.protocol))

    def __str__(self) -> str:
        to = "default" if self.to == DEFAULT else str(self.to)
        kind = "" if self.kind == "unicast" else f"{self.kind} "
        via = f" via {self.via}" if self.via else ""
        dev = f" dev {self.dev}" if self.dev else ""
        more = (
            (f" proto {self.maker}" if self.maker else "")
            + (" onlink" if self.onlink else "")
            + (f" metric {self.metric}" if self.metric else "")
            + (f" table {TABLES.get(self.table, self.table)}" if self.table != MAIN_TABLE else "")
            + (" …" if self.extra else "")
        )
        return f"{kind}{to}{via}{dev}{more}"


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
    iif: str = ""
    oif: str = ""
    suppressed: int = -1
    extra: str = ""

    def __str__(self) -> str:
        """As ``ip rule`` says it; tables by their numbers, but for those that have names."""
        words = [f"from {'all' if self.source == DEFAULT else self.source}"]
        words += [f"to {self.to}"] if self.to != DEFAULT else []
        words += [f"iif {self.iif}"] if self.iif else []
        words += [f"oif {self.oif}"] if self.oif else []
        words += [self.extra] if self.extra else []
        words.append(f"lookup {TABLES.get(self.table, self.table)}" if self.kind == "lookup" else self.kind)
        words += [f"suppress_prefixlength {self.suppressed}"] if self.suppressed >= 0 else []
        return f"{self.priority}: {' '.join(words)}"


USUAL_POLICY = (PolicyRule(0, LOCAL_TABLE), PolicyRule(32766, MAIN_TABLE), PolicyRule(32767, DEFAULT_TABLE))
"""The policy rules that every namespace begins with."""
