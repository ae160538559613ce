"""
A second interface on the wire of a first: with a MAC, addresses and a namespace of its own.

A Pod that has one needs no bridge and no route on its node: it is a neighbour of the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from podnet_lab.devices.add_link import AddLink
from podnet_lab.devices.link_steps import RemoveLink
from podnet_lab.errors import BadInput
from podnet_lab.model import Snapshot
from podnet_lab.name_suggestions import did_you_mean
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, named, no_link, no_namespace, on, where
from podnet_lab.steps.pyroute2_calls import Code, call, index_of
from podnet_lab.valid_names import interface_name, present_interface, within

MODES = ("bridge", "private", "vepa", "passthru")
"""How those on one lower interface stand to each other: "bridge": they hear each other; "passthru": there is one alone."""


@dataclass(frozen=True)
class AddMacvlan(AddLink):
    """See `add`: *lower* is in *lower_namespace*; it is made in *namespace*."""

    lower: str
    mode: str = "bridge"
    namespace: str | None = None
    lower_namespace: str | None = None
    flags: int = 0

    @property
    def _elsewhere(self) -> bool:
        return self.namespace != self.lower_namespace

    @property
    def command(self) -> str:
        # $$ is the shell's own pid: `ip` takes a process to name the namespace that it lives in.
        there = f" netns {quoted(self.namespace) if self.namespace else '$$'}" if self._elsewhere else ""
        begin = f"ip {on(self.lower_namespace)}link add {named(self.name, 'name')} link {quoted(self.lower)}{there}"
        return f"{begin} type macvlan mode {self.mode}{' nopromisc' if self.flags & 1 else ''}"

    @property
    def pyroute2(self) -> str:
        there = {} if not self._elsewhere else {"net_ns_fd": self.namespace} if self.namespace else {"net_ns_pid": Code("os.getpid()")}
        lower = index_of(self.lower_namespace, self.lower)
        return call(self.lower_namespace, "link", "add", ifname=self.name, kind="macvlan", link=lower, macvlan_mode=self.mode, **there)

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} is a macvlan on {self.lower}{where(self.lower_namespace)}"

    def requests(self) -> list[Request]:
        settings = {"mode": self.mode} | ({"flags": self.flags} if self.flags else {})
        given = {"name": self.name, "kind": "macvlan", "lower": self.lower, "settings": settings}
        return [("link_add", self.lower_namespace, given | ({"netns": self.namespace} if self._elsewhere else {}))]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_namespace(now, self.lower_namespace) or no_link(now, self.namespace, self.name)) is not None:
            return missing
        return self.conflict(now)

    def conflict(self, before: Snapshot) -> str | None:
        link = before.link(self.namespace, self.name)
        if link is None:
            return None
        if link.kind != "macvlan":
            return f"{self.name}{where(self.namespace)} is a {link.kind} interface"
        if link.lower != (self.lower_namespace, self.lower):
            there = f"{link.lower[1]}{where(link.lower[0])}" if link.lower else "something out of sight"
            return f"{self.name}{where(self.namespace)} is a macvlan on {there}"
        mode = link.setting("mode")
        return f"{self.name}{where(self.namespace)} is in mode {mode}" if mode != self.mode else None

    def depends(self) -> set:
        return super().depends() | {("link", self.lower_namespace, self.lower)}

    def moved(self, name: str, namespace: str | None, to: str | None) -> AddMacvlan:
        return replace(self, namespace=to)


def add(name: str, lower: str, namespace: str | None = None, mode: str = "bridge") -> AddMacvlan:
    """
    Make a macvlan interface on the node's interface *lower*, in the node itself or at once in the Pod *namespace*.

    Older kernels (Linux 6.1 is one, 6.18 is none) refuse a name that an interface of the node has, for one in a Pod, too.

    By hand::

        ip link add macvlan0 link eth0 type macvlan mode bridge
        ip link add net1 link eth0 netns pod-1-2 type macvlan mode bridge
    """
    if mode not in MODES:
        raise BadInput(f"a macvlan's mode is one of {', '.join(MODES)}, not {mode!r}{did_you_mean(mode, MODES)}")
    if namespace is None and name == lower:
        raise BadInput(f"{name} can't sit on itself")
    return AddMacvlan(interface_name(name), present_interface(lower), mode, within(namespace))


def remove(name: str, namespace: str | None = None) -> RemoveLink:
    """
    Delete a macvlan interface; the one that it sits on stays.

    By hand::

        ip link del macvlan0
        ip -n pod-1-2 link del net1
    """
    return RemoveLink(present_interface(name), within(namespace))
