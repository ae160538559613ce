"""
Stage 4: the addresses.

Every Pod gets its own unique address from its node's subnet; the bridge gets the first, and is the Pods' gateway.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from typing import Self

from podnet_lab.model import Address, Snapshot
from podnet_lab.plan import interface_address
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, no_link, on, where
from podnet_lab.steps.implicit_removals import restore_implicit_removals
from podnet_lab.steps.pyroute2_calls import FOREIGN, call, index_of, with_comment
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

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}addr {self.verb} {self.interface} dev {quoted(self.dev)}"

    @property
    def pyroute2(self) -> str:
        where = {
            "index": index_of(self.namespace, self.dev),
            "address": str(self.interface.ip),
            "prefixlen": self.interface.network.prefixlen,
        }
        scope = {"scope": RT_SCOPE_HOST} if self.interface.ip.is_loopback and self.verb == "add" else {}  # as `ip` does
        line = call(self.namespace, "addr", self.verb, **where, **scope)
        return with_comment(line, FOREIGN) if self.raw and self.verb == "add" else line

    def requests(self) -> list[Request]:
        if self.raw:
            return [(f"{self.operation}_raw", self.namespace, {"body": self.raw})]
        return [(self.operation, self.namespace, {"interface": str(self.interface), "dev": self.dev})]

    def touches(self) -> tuple:
        return (("address", self.namespace, self.dev, self.interface),)

    @classmethod
    def of(cls, address: Address, namespace: str | None, raw: bool) -> Self:
        """The step for an address that a kernel had; *raw* with the kernel's own bytes, which name the interface by its number."""
        return cls(address.interface, address.dev, namespace, address.raw if raw else "")


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

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (RemoveAddress(self.interface, self.dev, self.namespace),)


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
