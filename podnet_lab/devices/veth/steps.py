"""
Stage 3: the cables.

A veth pair is a virtual network cable: what goes in at one end comes out at the other. One end goes into the Pod,
the other is plugged into the bridge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from shlex import quote

from podnet_lab.devices.link import RemoveLink, SwitchLink
from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.plan import interface_name, within
from podnet_lab.steps.address import AddAddress
from podnet_lab.steps.base import Request, Step, lost, named, no_link, no_namespace, on, where


@dataclass(frozen=True)
class AddVeth(Step):
    """See `add`. *namespace* is where the first end is: the node's own, unless a later step of a recipe moved it."""

    name: str
    peer: str
    peer_namespace: str | None = None
    namespace: str | None = None

    @property
    def command(self) -> str:
        there = f" netns {quote(self.peer_namespace)}" if self.peer_namespace else ""
        return f"ip link add {named(self.name, 'name')} type veth peer name {quote(self.peer)}{there}"

    @property
    def claim(self) -> str:
        return f"a cable joins {self.name}{where(self.namespace)} and {self.peer}{where(self.peer_namespace)}"

    def requests(self) -> list[Request]:
        return [("veth_add", None, {"name": self.name, "peer": self.peer, "peer_namespace": self.peer_namespace})]

    def contradiction(self, now: Snapshot) -> str | None:
        for namespace, name in ((self.namespace, self.name), (self.peer_namespace, self.peer)):
            if (missing := no_link(now, namespace, name)) is not None:
                return missing
        return self.conflict(now)

    def conflict(self, before: Snapshot) -> str | None:
        ends = ((self.namespace, self.name), (self.peer_namespace, self.peer))
        for (namespace, name), other in zip(ends, reversed(ends), strict=True):
            link = before.link(namespace, name)
            if link and link.kind != "veth":
                return f"{name}{where(namespace)} is a {link.kind} interface"
            if link and link.peer != other:
                there = f"{link.peer[1]}{where(link.peer[0])}" if link.peer else "somewhere out of sight"
                return f"{name}{where(namespace)} is the end of another cable, whose other end is {there}"
        return None

    def ends(self) -> tuple:
        return self.touches()

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveLink(self.name, self.namespace),)

    def touches(self) -> tuple:
        return (("link", self.namespace, self.name), ("link", self.peer_namespace, self.peer))

    def moved(self, name: str, namespace: str | None, to: str | None) -> AddVeth:
        """The same cable after one of its ends was moved: what a recipe adds up to."""
        if (name, namespace) == (self.name, self.namespace):
            return replace(self, namespace=to)
        return replace(self, peer_namespace=to)


@dataclass(frozen=True)
class MoveVeth(Step):
    """See `move`."""

    name: str
    to: str | None
    namespace: str | None = None

    @property
    def command(self) -> str:
        # $$ is the shell's own pid: `ip` takes a process to name the namespace that it lives in.
        return f"ip {on(self.namespace)}link set {named(self.name)} netns {quote(self.to) if self.to else '$$'}"

    @property
    def claim(self) -> str:
        return f"{self.name} is in {self.to or 'the node itself'}"

    def requests(self) -> list[Request]:
        return [("link_set", self.namespace, {"name": self.name, "to": self.to})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.to)) is not None:
            return missing
        if not now.link(self.to, self.name):
            return f"{self.name} is not in {self.to or 'the node itself'}"
        if now.link(self.namespace, self.name):
            return f"{self.name} is{where(self.namespace) or ' in the node itself'}, and another one{where(self.to) or ' there'}, too"
        return None

    def conflict(self, before: Snapshot) -> str | None:
        both = before.link(self.namespace, self.name) and before.link(self.to, self.name)
        return f"another {self.name} is there already{where(self.to)}" if both else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        back = MoveVeth(self.name, self.namespace, self.to)
        # The kernel resets an interface that changes namespaces: what else it had is put back behind it.
        was, space = before.link(self.namespace, self.name), before.spaces[self.namespace]
        again: list[Step] = [PlugVeth(self.name, was.master)] if was.master and self.namespace is None else []
        again += [AddAddress(one, self.name, self.namespace) for one in space.addresses_of(self.name)]
        again += [SwitchLink(self.name, self.namespace, up=True)] if was.up else []
        return (back, *again, *lost(before, after, self.namespace, self.name))

    def touches(self) -> tuple:
        return (("link", self.to, self.name), ("link", self.namespace, self.name))

    def ends(self) -> tuple:
        return (("link", self.namespace, self.name),)


@dataclass(frozen=True)
class PlugVeth(Step):
    """See `plug` and `unplug`: *into* None is unplugged."""

    name: str
    into: str | None

    @property
    def command(self) -> str:
        return f"ip link set {named(self.name)} {f'master {quote(self.into)}' if self.into else 'nomaster'}"

    @property
    def claim(self) -> str:
        return f"{self.name} is plugged into {self.into}" if self.into else f"{self.name} is not plugged in"

    def requests(self) -> list[Request]:
        return [("link_set", None, {"name": self.name, "master": self.into or ""})]

    def contradiction(self, now: Snapshot) -> str | None:
        for name in (self.name, self.into) if self.into else (self.name,):
            if (missing := no_link(now, None, name)) is not None:
                return missing
        master = now.link(None, self.name).master
        if master == self.into:
            return None
        return f"{self.name} is plugged into {master}" if master else f"{self.name} is not plugged into anything"

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (PlugVeth(self.name, before.link(None, self.name).master),)

    def touches(self) -> tuple:
        return (("master", None, self.name),)

    def ends(self) -> tuple:
        return (("master", None, self.name),)


def add(name: str, peer: str, peer_namespace: str | None = None) -> AddVeth:
    """
    Make a cable: two interfaces, *name* and *peer*; with *peer_namespace*, the peer is made in that Pod at once.

    By hand::

        ip link add veth-1-2 type veth peer name veth-1-2-br
        ip link add veth-1-2-br type veth peer name veth-1-2 netns pod-1-2
    """
    if interface_name(name) == interface_name(peer) and peer_namespace is None:
        raise BadInput(f"both ends of a cable can't be called {name} in one namespace")
    return AddVeth(name, peer, within(peer_namespace))


def move(name: str, to: str | None, namespace: str | None = None) -> MoveVeth:
    """
    Move one end of a cable into the namespace *to* (None: the node's own); it arrives switched off, without addresses.

    By hand::

        ip link set veth-1-2 netns pod-1-2
    """
    to, namespace = (within(one) for one in (to, namespace))
    if to == namespace:
        raise BadInput(f"{name} can't move from a namespace into the same one")
    return MoveVeth(interface_name(name), to, namespace)


def plug(name: str, into: str) -> PlugVeth:
    """
    Plug one end of a cable into a bridge.

    By hand::

        ip link set veth-1-2-br master v-net-0
    """
    return PlugVeth(interface_name(name), interface_name(into))


def unplug(name: str) -> PlugVeth:
    """
    Pull one end of a cable out of its bridge.

    By hand::

        ip link set veth-1-2-br nomaster
    """
    return PlugVeth(interface_name(name), None)


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete a cable, both ends, by the name of one.

    By hand::

        ip link del veth-1-2-br
    """
    return RemoveLink(interface_name(name), within(namespace))
