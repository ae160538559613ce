"""
What every step is: a small frozen value that knows its command, its request, what must then be true, and its inverse.

Pure. A node runs a step; a step never meets a kernel itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podnet_lab.model import Snapshot
from podnet_lab.printable_names import quoted
from podnet_lab.steps.pyroute2_calls import literal

Request = tuple[str, str | None, dict[str, Any]]
"""(operation, namespace, arguments), as `podnet_lab.kernel.apply` takes it."""


Interface = tuple[str | None, str]
"""(namespace, name)."""

OF_A_LINK = {"up", "master", "mtu", "arp", "mac", "address", "link", "fdb", "hairpin", "neighbour"}
"""Kinds of facts (see `podnet_lab.steps.facts`) that are about an interface."""


@dataclass(frozen=True)
class Step:
    """One thing that a person would type on a node."""

    @property
    def command(self) -> str:
        """What a person would type, as root on the node."""
        raise NotImplementedError

    @property
    def brief(self) -> str:
        """The same, where it stands among other words: long texts that it writes are left out, and said to be."""
        return self.command

    @property
    def pyroute2(self) -> str:
        """
        What a Python program on the node does for the same, as one line or a few, with *ip* an ``IPRoute()``.

        Inside a Pod it is a ``with NetNS(…) as pod:`` of its own (`podnet_lab.steps.pyroute2_calls`). What pyroute2 has no
        call for is run as a person would type it.
        """
        return f"subprocess.run({literal(['bash', '-c', self.command])}, check=True)"

    @property
    def unsaid(self) -> str:
        """What of it the command can't say, in words; "" if it says all."""
        return ""

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

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...] | None:
        """
        The steps that take it back; *before* and *after* are the node around it.

        None if that is best told by what is different then (`podnet_lab.recipes.reconcile`).
        """
        return None

    def touches(self) -> tuple[Hashable, ...]:
        """The facts that it changes, as `podnet_lab.steps.facts` names them: what undo compares."""
        raise NotImplementedError

    def ends(self) -> tuple[Hashable, ...]:
        """Facts of earlier steps that no longer stand once this one is done: those that it changes, unless it says otherwise."""
        return self.touches()

    def brings(self, before: Snapshot) -> set[Hashable]:
        """The facts that may come with it unasked, on a node that is as *before*: the route of an address."""
        return set()

    def takes_away(self) -> tuple[Hashable, ...]:
        """The facts whose end it claims, of those that may come with other steps unasked."""
        return ()

    # What steps of one recipe do to each other (`podnet_lab.recipes.net_effect`)

    def depends(self) -> set[Hashable]:
        """Its facts, and those that they can't stand without: an address needs its interface, and that its namespace."""
        facts: set = set()
        for fact in self.touches():
            facts.update((fact, ("namespace", fact[1])))
            if fact[0] in OF_A_LINK:
                facts.add(("link", fact[1], fact[2]))
        return facts

    def needs_links(self, before: Snapshot) -> set[Hashable]:
        """Facts of interfaces that go with it on a node that is as *before*, though it does not name them."""
        return set()

    def makes(self) -> tuple[tuple[Interface, ...], ...]:
        """The interfaces that it makes; those in one tuple come and go together."""
        return ()

    def moves(self) -> tuple[str | None, str, str | None] | None:
        """The interface that it moves: from which namespace, its name, and to which; None if it moves none."""
        return None

    def moved(self, name: str, namespace: str | None, to: str | None) -> Step:
        """The same step where an interface that it makes was moved later."""
        return self

    def removes(self) -> tuple[Hashable, ...]:
        """The interfaces and namespaces that it removes, as facts: what is in them, or at their other ends, goes along."""
        return ()


Recipe = Mapping[str, Sequence[Step]]
"""Steps for each node, by its name."""


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
    return f"{word} {quoted(name)}" if any(word.startswith(name) for word in WORDS) else quoted(name)


def on(namespace: str | None) -> str:
    """ip's words for a namespace, with a blank behind: nothing for the node's own."""
    return f"-n {quoted(namespace)} " if namespace else ""


def inside(namespace: str | None) -> str:
    """A shell's words for running a command inside a namespace."""
    return f"ip netns exec {quoted(namespace)} " if namespace else ""


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
