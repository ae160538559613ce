"""
A toy kernel, which takes the steps' requests and changes a snapshot by them.

It does what Linux does with what the steps ask, refusals and side effects included, as far as a snapshot shows
it. Where Linux surprises (routes go with an interface that goes down, secondary addresses with the primary), so does it.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import shlex
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from toy_nft import Tables

from podnet_lab.model import Address, FdbEntry, Ipv4Conf, Link, Namespace, Neighbour, Process, Route, Snapshot

_numbers = itertools.count(10)
NEW_CONF = {name: Ipv4Conf(False) for name in ("all", "default", "lo")}


def lo(up: bool = False) -> Link:
    return Link("lo", "loopback", up, mac="00:00:00:00:00:00", mtu=65536, index=1)


def _refuse(code: int) -> None:
    raise OSError(code, os.strerror(code))


class Space:
    """One namespace that can change."""

    def __init__(self, was: Namespace) -> None:
        self.name = was.name
        self.links, self.conf = dict(was.links), dict(was.conf)
        self.addresses, self.routes, self.neighbours = list(was.addresses), list(was.routes), list(was.neighbours)
        self.fdb, self.tables = list(was.fdb), Tables(was.rules)

    def frozen(self) -> Namespace:
        kept = (tuple(self.addresses), tuple(self.routes), tuple(self.neighbours))
        return Namespace(self.name, self.links, *kept, tuple(self.fdb), self.conf, self.tables.frozen())

    def link(self, name: str) -> Link:
        return self.links.get(name) or _refuse(errno.ENODEV)

    def of(self, dev: str) -> list[IPv4Interface]:
        return [one.interface for one in self.addresses if one.dev == dev]

    def make(self, name: str, kind: str, peer: tuple | None = None) -> None:
        if name in self.links:
            _refuse(errno.EEXIST)
        index = next(_numbers)
        self.links[name] = Link(name, kind, False, mac=f"02:00:00:01:{index // 256:02x}:{index % 256:02x}", peer=peer, index=index)
        self.conf[name] = self.conf["default"]

    def drop(self, name: str) -> None:
        self.links.pop(name, None)
        self.conf.pop(name, None)
        self.addresses, self.routes, self.neighbours = (
            [one for one in kept if one.dev != name] for kept in (self.addresses, self.routes, self.neighbours)
        )
        self.fdb = [entry for entry in self.fdb if entry.dev != name]
        self.links = {dev: replace(link, master=None) if link.master == name else link for dev, link in self.links.items()}

    def switch(self, name: str, up: bool) -> None:
        if self.links[name].up == up:
            return
        self.links[name] = replace(self.links[name], up=up)
        if not up:
            self.routes = [one for one in self.routes if one.dev != name]
        elif name == "lo" and not self.of("lo"):
            self.addresses.append(Address("lo", IPv4Interface("127.0.0.1/8")))
        for interface in self.of(name) if up else ():
            self.connect(name, interface)

    def connect(self, dev: str, interface: IPv4Interface) -> None:
        """The route that the kernel makes for an address; the loopback's is in a table of its own."""
        if self.links[dev].up and dev != "lo" and interface.network.prefixlen < 32:
            found = Route(interface.network, dev=dev, kernel=True)
            self.routes += [] if found in self.routes else [found]


class Kernel:
    """The kernel of one node; every method whose name ends in _ is an operation of a step's requests."""

    def __init__(self, was: Snapshot) -> None:
        self.node, self.spaces = was.node, {name: Space(space) for name, space in was.spaces.items()}
        self.processes = list(was.processes)

    def snapshot(self) -> Snapshot:
        return Snapshot(self.node, {name: space.frozen() for name, space in self.spaces.items()}, tuple(self.processes))

    def do(self, operation: str, namespace: str | None, arguments: dict) -> None:
        if namespace not in self.spaces:
            _refuse(errno.ENOENT)
        getattr(self, f"{operation}_")(self.spaces[namespace], **arguments)

    def namespace_add_(self, _: Space, name: str) -> None:
        if name in self.spaces:
            _refuse(errno.EEXIST)
        self.spaces[name] = Space(Namespace(name, {"lo": lo()}, conf=NEW_CONF))

    def namespace_remove_(self, _: Space, name: str) -> None:
        if name not in self.spaces:
            _refuse(errno.ENOENT)
        for dev in [dev for dev in self.spaces[name].links if dev != "lo"]:
            if dev in self.spaces[name].links:
                self.link_remove_(self.spaces[name], dev)
        del self.spaces[name]
        self.processes = [one for one in self.processes if one.namespace != name]

    def daemon_start_(self, space: Space, **spec) -> None:
        listens = tuple(map(tuple, spec["listens"]))
        if any(set(listens) & set(one.listens) for one in self.processes if one.namespace == space.name):
            raise OSError("Address already in use")
        words = json.dumps(spec)
        self.processes.append(Process(shlex.join(spec["command"]), space.name, spec["name"], words, listens, next(_numbers)))

    def daemon_reload_(self, space: Space, **spec) -> None:
        self.daemon_stop_(space, **spec)
        self.daemon_start_(space, **spec)

    def daemon_stop_(self, space: Space, **spec) -> None:
        self.processes = [one for one in self.processes if (one.namespace, one.daemon) != (space.name, spec["name"])]

    def nft_(self, space: Space, commands: list) -> None:
        space.tables.do(commands)

    def link_add_(self, space: Space, name: str, kind: str, settings: dict | None = None, lower: str = "", **there) -> None:
        if kind == "veth":
            return self._cable(space, name, **settings)
        where = self.spaces.get(there.get("netns", space.name)) or _refuse(errno.ENOENT)
        where.make(name, kind)
        below = (space.name, space.link(lower).name) if lower else None
        where.links[name] = replace(where.links[name], settings=tuple(sorted((settings or {}).items())), lower=below)
        return None

    def fdb_add_(self, space: Space, mac: str, dev: str, remote: str) -> None:
        space.link(dev)
        space.fdb.append(FdbEntry(mac, dev, True, IPv4Address(remote)))

    def fdb_remove_(self, space: Space, mac: str, dev: str, remote: str) -> None:
        entry = FdbEntry(mac, dev, True, IPv4Address(remote))
        space.fdb.remove(entry) if entry in space.fdb else _refuse(errno.ENOENT)

    def link_remove_(self, space: Space, name: str) -> None:
        link = space.link(name)
        if name == "lo":
            _refuse(errno.EOPNOTSUPP)
        space.drop(name)
        if link.peer:
            self.spaces[link.peer[0]].drop(link.peer[1])

    def _cable(self, space: Space, name: str, peer: str, peer_namespace: str | None) -> None:
        there = self.spaces.get(peer_namespace) or _refuse(errno.ENOENT)
        if name in space.links or peer in there.links or (there is space and name == peer):
            _refuse(errno.EEXIST)
        space.make(name, "veth", (peer_namespace, peer))
        there.make(peer, "veth", (space.name, name))

    def link_set_(self, space: Space, name: str, **given) -> None:
        link = space.link(name)
        if given.get("master"):
            bridge = space.link(given["master"])
            if bridge.kind != "bridge" or link.kind == "bridge" or name == "lo":
                _refuse(errno.EINVAL)
        if "master" in given:
            link = replace(link, master=given["master"] or None, port="", hairpin=False)
        if "hairpin" in given:
            if link.master is None:
                _refuse(errno.EINVAL)
            link = replace(link, port="hairpin" if given["hairpin"] else "", hairpin=given["hairpin"])
        space.links[name] = replace(link, **{key: given[key] for key in ("mtu", "mac", "arp") if key in given})
        if "up" in given:
            space.switch(name, given["up"])
        if "to" in given:
            self._move(space, name, self.spaces.get(given["to"]) or _refuse(errno.ENOENT))

    def _move(self, space: Space, name: str, there: Space) -> None:
        if name in there.links:
            _refuse(errno.EEXIST)
        link = space.links[name]
        space.drop(name)
        there.links[name] = replace(link, up=False, master=None)
        there.conf[name] = there.conf["default"]
        if link.peer:
            other = self.spaces[link.peer[0]]
            other.links[link.peer[1]] = replace(other.links[link.peer[1]], peer=(there.name, name))

    def address_add_(self, space: Space, interface: str, dev: str) -> None:
        added = Address(dev, IPv4Interface(interface))
        space.link(dev)
        if added in space.addresses:
            _refuse(errno.EEXIST)
        space.addresses.append(added)
        space.connect(dev, added.interface)

    def address_remove_(self, space: Space, interface: str, dev: str) -> None:
        space.link(dev)
        gone = IPv4Interface(interface)
        if gone not in space.of(dev):
            _refuse(errno.EADDRNOTAVAIL)
        twins = [one for one in space.of(dev) if one.network == gone.network]
        lost = twins if twins[0] == gone else [gone]
        space.addresses = [one for one in space.addresses if one.dev != dev or one.interface not in lost]
        left = space.of(dev)
        mine = [one for one in space.routes if one.dev == dev]
        kept = [one for one in mine if left and not (one.kernel and one.to == gone.network and lost == twins)]
        space.routes = [one for one in space.routes if one not in mine or one in kept]

    def route_add_(self, space: Space, to: str, via=None, dev=None, kind="unicast", table=254, metric=0, onlink=False) -> None:
        gateway = IPv4Address(via) if via else None
        near = next((one.dev for one in space.addresses if gateway and gateway in one.interface.network and space.links[one.dev].up), None)
        near = near or next((one.dev for one in space.routes if gateway and gateway in one.to and one.via is None), None)
        if gateway and not near and not onlink:
            _refuse(errno.ENETUNREACH)
        if dev and not space.link(dev).up:
            _refuse(errno.ENETDOWN)
        made = Route(IPv4Network(to), gateway, dev or near, kind, table, metric, onlink=onlink)
        if any((one.to, one.table, one.metric) == (made.to, table, metric) for one in space.routes):
            _refuse(errno.EEXIST)
        space.routes.append(made)

    def route_remove_(self, space: Space, to: str, via=None, dev=None, kind="unicast", table=254, metric=0, onlink=False) -> None:
        for one in sorted(space.routes, key=lambda one: one.metric):
            fits = (one.to, one.table) == (IPv4Network(to), table) and metric in (0, one.metric)
            if fits and via in (None, str(one.via)) and dev in (None, one.dev):
                space.routes.remove(one)
                return
        _refuse(errno.ESRCH)

    def neighbour_add_(self, space: Space, address: str, dev: str, mac: str) -> None:
        space.link(dev)
        space.neighbours = [one for one in space.neighbours if (str(one.address), one.dev) != (address, dev)]
        space.neighbours.append(Neighbour(IPv4Address(address), dev, mac, "PERMANENT"))

    def neighbour_remove_(self, space: Space, address: str, dev: str) -> None:
        left = [one for one in space.neighbours if (str(one.address), one.dev) != (address, dev)]
        if left == space.neighbours:
            _refuse(errno.ENOENT)
        space.neighbours = left

    def sysctl_(self, space: Space, key: str, value: int) -> None:
        *_, dev, name = f"ipv4/conf/all/{key}".replace("ipv4/conf/all/ipv4/ip_forward", "ipv4/conf/all/forwarding").split("/")
        if dev not in space.conf:
            _refuse(errno.ENOENT)
        every = space.conf if (dev, name) == ("all", "forwarding") else (dev,)
        for one in every:
            space.conf[one] = replace(space.conf[one], **{name: value if name == "rp_filter" else bool(value)})
