"""
One namespace, told without its kernel: what comes and goes with interfaces and addresses that come and go. Pure.

`podnet_lab.recipes.predict` has the node around it.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import NoReturn

from podnet_lab.model import Address, Ipv4Conf, Link, Namespace, Route

_numbers = itertools.count(100_000)
NEW_CONF = {name: Ipv4Conf(False) for name in ("all", "default", "lo")}
"""The settings of a namespace that was just made on a node of a lab."""

SOURCE = 7
"""A route's own address (RTA_PREFSRC), as `Route.extra` names it: "7:" and four bytes in hexadecimal."""


def loopback(up: bool = False) -> Link:
    """The interface that every namespace has."""
    return Link("lo", "loopback", up, mac="00:00:00:00:00:00", mtu=65536, index=1)


def refuse(code: int) -> NoReturn:
    """Raise the OSError that the kernel would answer with."""
    raise OSError(code, os.strerror(code))


class PredictedSpace:
    """One namespace that can change."""

    def __init__(self, was: Namespace) -> None:
        self.was, self.name = was, was.name
        self.links, self.conf, self.bridged = dict(was.links), dict(was.conf), was.bridged
        self.addresses, self.routes, self.neighbours = list(was.addresses), list(was.routes), list(was.neighbours)
        self.fdb = list(was.fdb)

    def frozen(self) -> Namespace:
        """As it is now."""
        return replace(
            self.was,
            links=self.links,
            addresses=tuple(self.addresses),
            routes=tuple(self.routes),
            neighbours=tuple(self.neighbours),
            fdb=tuple(self.fdb),
            conf=self.conf,
            bridged=self.bridged,
        )

    def link(self, name: str) -> Link:
        """An interface that is there, or no such device."""
        return self.links.get(name) or refuse(errno.ENODEV)

    def of(self, dev: str) -> list[IPv4Interface]:
        """The addresses of an interface, the first of each subnet first."""
        return [one.interface for one in self.addresses if one.dev == dev]

    def make(self, name: str, kind: str, **more: object) -> None:
        """A new interface, down, with settings as ``default`` says."""
        if name in self.links:
            refuse(errno.EEXIST)
        index = next(_numbers)
        mac = f"02:00:00:{index >> 16 & 255:02x}:{index >> 8 & 255:02x}:{index & 255:02x}"
        self.links[name] = replace(Link(name, kind, False, mac=mac, index=index), **more)
        self.conf[name] = self.conf.get("default", Ipv4Conf(False))

    def drop(self, name: str) -> None:
        """An interface goes, with all that hangs on it."""
        self.links.pop(name, None)
        self.conf.pop(name, None)
        self.addresses, self.routes, self.neighbours, self.fdb = (
            [one for one in kept if one.dev != name] for kept in (self.addresses, self.routes, self.neighbours, self.fdb)
        )
        self.links = {
            dev: replace(link, master=None, port="", hairpin=False) if link.master == name else link for dev, link in self.links.items()
        }

    def switch(self, name: str, up: bool) -> None:
        """Up or down, with what that brings and takes."""
        if self.links[name].up == up:
            return
        self.links[name] = replace(self.links[name], up=up)
        if not up:
            self.routes = [one for one in self.routes if one.dev != name]
            self.forget_neighbours(name)
        elif name == "lo" and not self.of("lo"):
            self.addresses.append(Address("lo", IPv4Interface("127.0.0.1/8")))
        for address in [one for one in self.addresses if one.dev == name] if up else ():
            self.connect(address)

    def forget_neighbours(self, dev: str) -> None:
        """Those that were written down go, too: with the interface that goes down, or gets another MAC (neigh_flush_dev)."""
        self.neighbours = [one for one in self.neighbours if one.dev != dev]

    def connect(self, address: Address) -> None:
        """The route that the kernel makes for an address; the loopback's is in a table of its own."""
        to = address.network
        if self.links[address.dev].up and address.dev != "lo" and (to.prefixlen < 32 or to.network_address != address.interface.ip):
            found = Route(to, dev=address.dev, kernel=True)
            self.routes += [] if found in self.routes else [found]

    def disconnect(self, dev: str, gone: Iterable[Address]) -> None:
        """What goes with addresses: their own routes, those that name them as source, and all with the interface's last."""
        left = [one for one in self.addresses if one.dev == dev]
        if not left:
            self.forget_neighbours(dev)  # fib_disable_ip, arp_ifdown
        networks = {one.network for one in gone} - {one.network for one in left}
        elsewhere = {one.interface.ip for one in self.addresses}
        sources = {f"{SOURCE}:{one.interface.ip.packed.hex()}" for one in gone if one.interface.ip not in elsewhere}
        self.routes = [
            one
            for one in self.routes
            if not (one.dev == dev and (not left or (one.kernel and one.to in networks))) and not sources & set(one.extra.split())
        ]
