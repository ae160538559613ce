"""
Interfaces, whatever their kind: the steps that switch them, change them, move them, plug them in and delete them.

The functions that a person calls are in link.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from podnet_lab.model import Snapshot
from podnet_lab.model.address import LOOPBACK
from podnet_lab.printable_names import quoted
from podnet_lab.steps.address import AddAddress, RemoveAddress
from podnet_lab.steps.base import Request, Step, named, no_link, no_namespace, on, where
from podnet_lab.steps.implicit_removals import restore_implicit_removals
from podnet_lab.steps.pyroute2_calls import Code, call, index_of

USUAL_MTU = 1500
"""Bytes: what Ethernet carries, and a bridge or a cable that was just made."""


@dataclass(frozen=True)
class SetLinkState(Step):
    """See `up` and `down`."""

    name: str
    namespace: str | None
    up: bool

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}link set dev {quoted(self.name)} {'up' if self.up else 'down'}"

    @property
    def pyroute2(self) -> str:
        state = "up" if self.up else "down"
        return call(self.namespace, "link", "set", index=index_of(self.namespace, self.name), state=state)

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} is {'up' if self.up else 'down'}"

    def requests(self) -> list[Request]:
        return [("link_set", self.namespace, {"name": self.name, "up": self.up})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_link(now, self.namespace, self.name)) is not None:
            return missing
        up = now.link(self.namespace, self.name).up
        return None if up == self.up else f"{self.name}{where(self.namespace)} is {'up' if up else 'down'}"

    def brings(self, before: Snapshot) -> set:
        space = before.spaces.get(self.namespace)
        addresses = [address for address in space.addresses if address.dev == self.name] if space else []
        own = {("address", self.namespace, "lo", LOOPBACK)} if self.name == "lo" and not addresses else set()
        return own | {("route", self.namespace, address.network) for address in addresses} if self.up else set()

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        # Switching lo on gives it 127.0.0.1/8, and switching it off does not take that away.
        had = before.spaces[self.namespace].addresses_of(self.name)
        gained = (address for address in after.spaces[self.namespace].addresses_of(self.name) if address not in had)
        back = (
            *(RemoveAddress(address, self.name, self.namespace) for address in gained),
            SetLinkState(self.name, self.namespace, up=not self.up),
        )
        return (*back, *restore_implicit_removals(before, after, self.namespace, self.name))

    def touches(self) -> tuple:
        return (("up", self.namespace, self.name),)

    def ends(self) -> tuple:
        return (("up", self.namespace, self.name),)


@dataclass(frozen=True)
class ChangeLink(Step):
    """See `change`."""

    name: str
    namespace: str | None = None
    mtu: int | None = None
    mac: str | None = None
    arp: bool | None = None

    @property
    def _wanted(self) -> dict[str, object]:
        known = {"mtu": self.mtu, "mac": self.mac, "arp": self.arp}
        return {key: value for key, value in known.items() if value is not None}

    @property
    def command(self) -> str:
        words = {"mtu": f"mtu {self.mtu}", "mac": f"address {self.mac}", "arp": f"arp {'on' if self.arp else 'off'}"}
        return f"ip {on(self.namespace)}link set dev {quoted(self.name)} {' '.join(words[key] for key in self._wanted)}"

    @property
    def pyroute2(self) -> str:
        names = {"mtu": "mtu", "mac": "address", "arp": "arp"}
        wanted = {names[key]: value for key, value in self._wanted.items()}
        return call(self.namespace, "link", "set", index=index_of(self.namespace, self.name), **wanted)

    @property
    def claim(self) -> str:
        return f"{self.name}{where(self.namespace)} has " + ", ".join(f"{key} {value}" for key, value in self._wanted.items())

    def requests(self) -> list[Request]:
        return [("link_set", self.namespace, {"name": self.name, **self._wanted})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_link(now, self.namespace, self.name)) is not None:
            return missing
        link = now.link(self.namespace, self.name)
        wrong = [f"{key} {getattr(link, key)}" for key, value in self._wanted.items() if getattr(link, key) != value]
        return f"{self.name}{where(self.namespace)} has {', '.join(wrong)}" if wrong else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        was = before.link(self.namespace, self.name)
        return (ChangeLink(self.name, self.namespace, **{key: getattr(was, key) for key in self._wanted}),)

    def touches(self) -> tuple:
        return tuple((key, self.namespace, self.name) for key in self._wanted)


@dataclass(frozen=True)
class RemoveLink(Step):
    """See `remove`."""

    name: str
    namespace: str | None = None

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}link del {named(self.name)}"

    @property
    def pyroute2(self) -> str:
        return call(self.namespace, "link", "del", index=index_of(self.namespace, self.name))

    @property
    def claim(self) -> str:
        return f"no interface is called {self.name}{where(self.namespace)}"

    def requests(self) -> list[Request]:
        return [("link_remove", self.namespace, {"name": self.name})]

    def contradiction(self, now: Snapshot) -> str | None:
        return f"{self.name}{where(self.namespace)} is still there" if now.link(self.namespace, self.name) else None

    def touches(self) -> tuple:
        return (("link", self.namespace, self.name),)

    def ends(self) -> tuple:
        return (("link", self.namespace, self.name),)

    def removes(self) -> tuple:
        return (("link", self.namespace, self.name),)


@dataclass(frozen=True)
class MoveLink(Step):
    """See `move`: into the namespace *to* (None: the node's own)."""

    name: str
    to: str | None
    namespace: str | None = None

    @property
    def command(self) -> str:
        # $$ is the shell's own pid: `ip` takes a process to name the namespace that it lives in.
        return f"ip {on(self.namespace)}link set {named(self.name)} netns {quoted(self.to) if self.to else '$$'}"

    @property
    def pyroute2(self) -> str:
        there = {"net_ns_fd": self.to} if self.to else {"net_ns_pid": Code("os.getpid()")}
        return call(self.namespace, "link", "set", index=index_of(self.namespace, self.name), **there)

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
        back = MoveLink(self.name, self.namespace, self.to)
        # The kernel resets an interface that changes namespaces: what else it had is put back behind it.
        was, space = before.link(self.namespace, self.name), before.spaces[self.namespace]
        again: list[Step] = [SetMaster(self.name, was.master)] if was.master and self.namespace is None else []
        again += [AddAddress(address, self.name, self.namespace) for address in space.addresses_of(self.name)]
        again += [SetLinkState(self.name, self.namespace, up=True)] if was.up else []
        return (back, *again, *restore_implicit_removals(before, after, self.namespace, self.name))

    def touches(self) -> tuple:
        return (("link", self.to, self.name), ("link", self.namespace, self.name))

    def moves(self) -> tuple[str | None, str, str | None]:
        return self.namespace, self.name, self.to

    def ends(self) -> tuple:
        return (("link", self.namespace, self.name),)


@dataclass(frozen=True)
class SetMaster(Step):
    """``ip link set NAME master BRIDGE``, or ``nomaster`` where *into* is None; see `podnet_lab.devices.veth.steps.plug`."""

    name: str
    into: str | None

    @property
    def command(self) -> str:
        return f"ip link set {named(self.name)} {f'master {quoted(self.into)}' if self.into else 'nomaster'}"

    @property
    def pyroute2(self) -> str:
        master = index_of(None, self.into) if self.into else 0
        return call(None, "link", "set", index=index_of(None, self.name), master=master)

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
        return (SetMaster(self.name, before.link(None, self.name).master),)

    def touches(self) -> tuple:
        return (("master", None, self.name),)

    def depends(self) -> set:
        return super().depends() | ({("link", None, self.into)} if self.into else set())

    def ends(self) -> tuple:
        return (("master", None, self.name),)
