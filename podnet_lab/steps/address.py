"""
Stage 4: the addresses.

Every Pod gets its own unique address from its node's subnet; the bridge gets the first, and is the Pods' gateway.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from typing import Self

from podnet_lab.model import Address, Snapshot
from podnet_lab.model.address import SCOPES
from podnet_lab.plan import interface_address
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, no_link, on, where
from podnet_lab.steps.implicit_removals import restore_implicit_removals
from podnet_lab.steps.pyroute2_calls import call, index_of
from podnet_lab.valid_names import present_interface, within

RT_SCOPE_HOST = 254
"""What an address of 127.0.0.0/8 is good for (linux/rtnetlink.h)."""


@dataclass(frozen=True)
class _Address(Step):
    verb, operation = "", ""  # what ip and pyroute2 call it, and the agents

    interface: IPv4Interface
    dev: str
    namespace: str | None = None
    raw: str = field(default="", compare=False, repr=False)  # the kernel's own bytes, where a plain request would lose something
    extra: str = field(default="", compare=False, repr=False)  # what is unusual about it, as `Address.extra` has it

    @property
    def _unusual(self) -> dict[str, str]:
        """Its peer, label and scope, where they are not the usual ones; of one that goes, the peer, without which it is not found."""
        said = dict(word.split(" ", 1) for word in self.extra.split(", ")) if self.extra else {}
        return said if self.verb == "add" else {name: value for name, value in said.items() if name == "peer"}

    @property
    def command(self) -> str:
        unusual, prefix = self._unusual, self.interface.network.prefixlen
        what = f"{self.interface.ip} peer {unusual['peer']}/{prefix}" if "peer" in unusual else str(self.interface)
        words = [f"scope {SCOPES.get(unusual['scope'], unusual['scope'])}"] if "scope" in unusual else []
        words += [f"label {quoted(unusual['label'])}"] if "label" in unusual else []
        return " ".join([f"ip {on(self.namespace)}addr {self.verb} {what} dev {quoted(self.dev)}", *words])

    @property
    def pyroute2(self) -> str:
        unusual = self._unusual
        where = {"index": index_of(self.namespace, self.dev), "address": unusual.get("peer", str(self.interface.ip))}
        where |= {"local": str(self.interface.ip)} if "peer" in unusual else {}
        where |= {"prefixlen": self.interface.network.prefixlen}
        where |= {"label": unusual["label"]} if "label" in unusual else {}
        if "scope" in unusual:
            where["scope"] = int(unusual["scope"])
        elif self.interface.ip.is_loopback and self.verb == "add":
            where["scope"] = RT_SCOPE_HOST  # as `ip` does
        return call(self.namespace, "addr", self.verb, **where)

    def requests(self) -> list[Request]:
        if self.raw:
            return [(f"{self.operation}_raw", self.namespace, {"body": self.raw})]
        return [(self.operation, self.namespace, {"interface": str(self.interface), "dev": self.dev})]

    def touches(self) -> tuple:
        return (("address", self.namespace, self.dev, self.interface),)

    @classmethod
    def of(cls, address: Address, namespace: str | None, raw: bool) -> Self:
        """The step for an address that a kernel had; *raw* with the kernel's own bytes, which name the interface by its number."""
        return cls(address.interface, address.dev, namespace, *((address.raw, address.extra) if raw else ()))


class AddAddress(_Address):
    """See `add`."""

    verb, operation = "add", "address_add"

    @property
    def claim(self) -> str:
        return f"{self.dev}{where(self.namespace)} has {self.interface}"

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_link(now, self.namespace, self.dev)) is not None:
            return missing
        addresses = now.spaces[self.namespace].addresses_of(self.dev)
        if self.interface in addresses:
            return None
        return f"{self.dev}{where(self.namespace)} has {', '.join(map(str, addresses)) or 'no address'}"

    def brings(self, before: Snapshot) -> set:
        return {("route", self.namespace, Address(self.dev, self.interface, self.extra).network)}

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveAddress(self.interface, self.dev, self.namespace, self.raw, self.extra),)


class RemoveAddress(_Address):
    """See `remove`."""

    verb, operation = "del", "address_remove"

    @property
    def claim(self) -> str:
        return f"{self.dev}{where(self.namespace)} does not have {self.interface}"

    def contradiction(self, now: Snapshot) -> str | None:
        space = now.spaces.get(self.namespace)
        if space and self.interface in space.addresses_of(self.dev):
            return f"{self.dev}{where(self.namespace)} still has {self.interface}"
        return None

    def takes_away(self) -> tuple:
        return self.touches()

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        # Secondary addresses go with their first.
        left = after.spaces[self.namespace].addresses
        gone = [address for address in before.spaces[self.namespace].addresses if address.dev == self.dev and address not in left]
        back = (AddAddress.of(address, self.namespace, raw=bool(address.extra)) for address in gone)
        return (*back, *restore_implicit_removals(before, after, self.namespace, self.dev))


def _read(interface: str, dev: str, namespace: str | None) -> tuple[IPv4Interface, str, str | None]:
    return interface_address(interface), present_interface(dev), within(namespace)


def add(interface: str, dev: str, namespace: str | None = None) -> AddAddress:
    """
    Give an interface an address with its prefix length, like 10.244.1.2/24: the address, and which others are near.

    By hand::

        ip addr add 10.244.1.1/24 dev v-net-0
        ip -n pod-1-2 addr add 10.244.1.2/24 dev veth-1-2
    """
    return AddAddress(*_read(interface, dev, namespace))


def remove(interface: str, dev: str, namespace: str | None = None) -> RemoveAddress:
    """
    Take an address away from an interface; routes that needed it go with it.

    By hand::

        ip addr del 10.244.1.1/24 dev v-net-0
    """
    return RemoveAddress(*_read(interface, dev, namespace))
