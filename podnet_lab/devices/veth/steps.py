"""
Stage 3: the cables.

A veth pair is a virtual network cable: what goes in at one end comes out at the other. One end goes into the Pod,
the other is plugged into the bridge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from podnet_lab.devices.link import move as move_link
from podnet_lab.devices.link_steps import MoveLink, RemoveLink, SetMaster
from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, named, no_link, on, where
from podnet_lab.steps.pyroute2_calls import call
from podnet_lab.valid_names import interface_name, present_interface, within


@dataclass(frozen=True)
class AddVeth(Step):
    """See `add`. *namespace* is where the first end is: the node's own, unless a later step of a recipe moved it."""

    name: str
    peer: str
    peer_namespace: str | None = None
    namespace: str | None = None

    @property
    def command(self) -> str:
        there = f" netns {quoted(self.peer_namespace)}" if self.peer_namespace else ""
        return f"ip link add {named(self.name, 'name')} type veth peer name {quoted(self.peer)}{there}"

    @property
    def pyroute2(self) -> str:
        there = {"net_ns_fd": self.peer_namespace} if self.peer_namespace else {}
        return call(None, "link", "add", ifname=self.name, kind="veth", peer={"ifname": self.peer} | there)

    @property
    def claim(self) -> str:
        return f"a cable joins {self.name}{where(self.namespace)} and {self.peer}{where(self.peer_namespace)}"

    def requests(self) -> list[Request]:
        return [
            ("link_add", None, {"name": self.name, "kind": "veth", "settings": {"peer": self.peer, "peer_namespace": self.peer_namespace}})
        ]

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

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveLink(self.name, self.namespace),)

    def touches(self) -> tuple:
        return (("link", self.namespace, self.name), ("link", self.peer_namespace, self.peer))

    def makes(self) -> tuple:
        return (((self.namespace, self.name), (self.peer_namespace, self.peer)),)

    def moved(self, name: str, namespace: str | None, to: str | None) -> AddVeth:
        """The same cable after one of its ends was moved: what a recipe adds up to."""
        if (name, namespace) == (self.name, self.namespace):
            return replace(self, namespace=to)
        return replace(self, peer_namespace=to)


@dataclass(frozen=True)
class AddVethInside(AddVeth):
    """A cable that is made inside the Pod *namespace*, as when one between two Pods is made again: no name is taken on the node."""

    @property
    def command(self) -> str:
        return super().command.replace("ip link", f"ip {on(self.namespace)}link", 1)

    @property
    def pyroute2(self) -> str:
        return call(
            self.namespace, "link", "add", ifname=self.name, kind="veth", peer={"ifname": self.peer, "net_ns_fd": self.peer_namespace}
        )

    def requests(self) -> list[Request]:
        (request,) = super().requests()
        return [(request[0], self.namespace, request[2])]


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


def move(name: str, to: str | None, namespace: str | None = None) -> MoveLink:
    """
    Move one end of a cable into the namespace *to* (None: the node's own); it arrives switched off, without addresses.

    By hand::

        ip link set veth-1-2 netns pod-1-2
    """
    return move_link(name, to, namespace)


def plug(name: str, into: str) -> SetMaster:
    """
    Plug one end of a cable into a bridge.

    By hand::

        ip link set veth-1-2-br master v-net-0
    """
    return SetMaster(present_interface(name), present_interface(into))


def unplug(name: str) -> SetMaster:
    """
    Pull one end of a cable out of its bridge.

    By hand::

        ip link set veth-1-2-br nomaster
    """
    return SetMaster(present_interface(name), None)


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete a cable, both ends, by the name of one.

    By hand::

        ip link del veth-1-2-br
    """
    return RemoveLink(present_interface(name), within(namespace))
