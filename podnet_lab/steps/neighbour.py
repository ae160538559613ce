"""
Neighbours written by hand: which MAC an address on the same link has.

The kernel finds neighbours by itself (ARP); one that was written by hand is believed until it is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from podnet_lab.model import Snapshot
from podnet_lab.plan import ip_address, mac_address
from podnet_lab.printable_names import quoted
from podnet_lab.steps.base import Request, Step, no_link, on, where
from podnet_lab.steps.pyroute2_calls import call, index_of
from podnet_lab.valid_names import present_interface, within


@dataclass(frozen=True)
class _Neighbour(Step):
    address: IPv4Address
    dev: str
    mac: str
    namespace: str | None = None

    def _found(self, now: Snapshot) -> str | None:
        space = now.spaces.get(self.namespace)
        entries = [entry for entry in space.neighbours if entry.state == "PERMANENT"] if space else []
        return next((entry.mac for entry in entries if (entry.address, entry.dev) == (self.address, self.dev)), None)

    def touches(self) -> tuple:
        return (("neighbour", self.namespace, self.dev, self.address),)

    def needs_links(self, before: Snapshot) -> set:
        """Its interface: with a new MAC, or switched off, that forgets all its neighbours (neigh_changeaddr, neigh_ifdown)."""
        return {(fact, self.namespace, self.dev) for fact in ("up", "mac")}


class AddNeighbour(_Neighbour):
    """See `add`."""

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}neigh replace {self.address} lladdr {self.mac} dev {quoted(self.dev)} nud permanent"

    @property
    def pyroute2(self) -> str:
        where = {"dst": str(self.address), "lladdr": self.mac, "ifindex": index_of(self.namespace, self.dev)}
        return call(self.namespace, "neigh", "replace", **where, state="permanent")

    @property
    def claim(self) -> str:
        return f"{self.address} is at {self.mac} for good{where(self.namespace)}"

    def requests(self) -> list[Request]:
        return [("neighbour_add", self.namespace, {"address": str(self.address), "dev": self.dev, "mac": self.mac})]

    def contradiction(self, now: Snapshot) -> str | None:
        if (missing := no_link(now, self.namespace, self.dev)) is not None:
            return missing
        mac = self._found(now)
        return None if mac == self.mac else f"nothing is written down for {self.address}" if not mac else f"{self.address} is at {mac}"


class RemoveNeighbour(_Neighbour):
    """See `remove`."""

    @property
    def command(self) -> str:
        return f"ip {on(self.namespace)}neigh del {self.address} dev {quoted(self.dev)}"

    @property
    def pyroute2(self) -> str:
        return call(self.namespace, "neigh", "del", dst=str(self.address), ifindex=index_of(self.namespace, self.dev))

    @property
    def claim(self) -> str:
        return f"nothing is written down for {self.address}{where(self.namespace)}"

    def requests(self) -> list[Request]:
        return [("neighbour_remove", self.namespace, {"address": str(self.address), "dev": self.dev})]

    def contradiction(self, now: Snapshot) -> str | None:
        mac = self._found(now)
        return f"{self.address} is at {mac} for good" if mac else None

    def inverse(self, before: Snapshot, after: Snapshot) -> tuple[Step, ...]:
        return (AddNeighbour(self.address, self.dev, self._found(before) or self.mac, self.namespace),)


def add(address: str, mac: str, dev: str, namespace: str | None = None) -> AddNeighbour:
    """
    Write down, for good, which MAC an address on the same link has.

    By hand::

        ip -n pod-1-2 neigh replace 10.244.1.1 lladdr 02:00:00:00:00:01 dev veth-1-2 nud permanent
    """
    return AddNeighbour(ip_address(address), present_interface(dev), mac_address(mac), within(namespace))


def remove(address: str, dev: str, namespace: str | None = None) -> RemoveNeighbour:
    """
    Forget what was written down about an address.

    By hand::

        ip -n pod-1-2 neigh del 10.244.1.1 dev veth-1-2
    """
    return RemoveNeighbour(ip_address(address), present_interface(dev), "", within(namespace))
