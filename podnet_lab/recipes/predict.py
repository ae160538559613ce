"""
What a node's kernel makes of steps, told without it: refusals and side effects included, as far as a snapshot shows them. Pure.

Interfaces, addresses, routes, neighbours and settings; nftables and daemons are not its subject. Where Linux surprises (routes go
with an interface that goes down, secondary addresses with the first), so does this. It is for whoever has to say what a list of
steps will lead to (`podnet_lab.recipes.by_hand`); whoever has a kernel asks that.
"""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from podnet_lab.devices.ip_tunnel import OVERHEAD, TUNL0
from podnet_lab.devices.link_steps import USUAL_MTU
from podnet_lab.devices.vxlan.kind import NOBODY
from podnet_lab.model import Address, FdbEntry, Ipv4Conf, Namespace, Neighbour, Route, Snapshot
from podnet_lab.recipes.predicted_space import NEW_CONF, PredictedSpace, loopback, refuse
from podnet_lab.steps.base import Step
from podnet_lab.steps.forwarding import MOST


class PredictedNode:
    """The kernel of one node; every method that is called _do_… is an operation of a step's requests."""

    space = PredictedSpace

    def __init__(self, was: Snapshot) -> None:
        self.was = was
        self.spaces = {name: self.space(space) for name, space in was.spaces.items()}
        self.files = dict(was.files)

    def snapshot(self) -> Snapshot:
        """The node as it is now."""
        return replace(self.was, spaces={name: space.frozen() for name, space in self.spaces.items()}, files=dict(self.files))

    def take(self, step: Step) -> None:
        """Do what a step asks; OSError where the kernel would refuse it."""
        for operation, namespace, arguments in step.requests():
            self.do(operation, namespace, arguments, step)

    def do(self, operation: str, namespace: str | None, arguments: dict, step: Step | None = None) -> None:
        """One request; *step* says what its raw bytes mean."""
        if namespace not in self.spaces:
            refuse(errno.ENOENT)
        more = {"step": step} if operation.endswith("_raw") else {}
        getattr(self, f"_do_{operation}")(self.spaces[namespace], **arguments, **more)

    def _there(self, name: str | None) -> PredictedSpace:
        return self.spaces[name] if name in self.spaces else refuse(errno.ENOENT)

    # Namespaces and interfaces

    def _do_namespace_add(self, _: PredictedSpace, name: str) -> None:
        if name in self.spaces:
            refuse(errno.EEXIST)
        self.spaces[name] = self.space(Namespace(name, {"lo": loopback()}, conf=NEW_CONF))

    def _do_namespace_remove(self, _: PredictedSpace, name: str) -> None:
        for dev in [dev for dev in self._there(name).links if dev != "lo"]:
            self._delete(name, dev)
        del self.spaces[name]

    def _do_link_add(self, space: PredictedSpace, name: str, kind: str, settings: dict | None = None, lower: str = "", **there) -> None:
        if kind == "veth":
            self._cable(space, name, **settings or {})
            return
        below = (space.name, space.link(lower).name) if lower else None
        kept = {key: value for key, value in (settings or {}).items() if value not in (None, "")}
        self._there(there.get("netns", space.name)).make(name, kind, settings=tuple(sorted(kept.items())), lower=below)
        if kept.get("remote"):  # a tunnel's one other host: an entry for what is found nowhere else comes with it
            space.fdb.append(FdbEntry(NOBODY, name, True, IPv4Address(kept["remote"])))

    def _do_link_add_raw(self, space: PredictedSpace, name: str, info: str, mac: str, mtu: int, step, lower: str = "", netns=None) -> None:
        below = (space.name, space.link(lower).name) if lower else None
        self._there(netns if lower else space.name).make(name, step.kind, info=info, mac=mac, mtu=mtu, lower=below)

    def _do_tun_add(self, space: PredictedSpace, name: str, mode: str) -> None:
        settings = {"mode": mode, "persists": True}
        bare = {"mac": "", "arp": False} if mode == "tun" else {}
        space.make(name, "tun", settings=tuple(settings.items()), carrier=False, **bare)

    def _do_module_load(self, _: PredictedSpace, name: str) -> None:
        for space in self.spaces.values():
            if TUNL0 not in space.links:
                space.make(TUNL0, name, mac="00:00:00:00", arp=False, mtu=USUAL_MTU - OVERHEAD)

    def _do_module_unload(self, _: PredictedSpace, name: str) -> None:
        for namespace, space in self.spaces.items():
            for dev in [dev for dev, link in space.links.items() if link.kind == name]:
                self._delete(namespace, dev)

    def _cable(self, space: PredictedSpace, name: str, peer: str, peer_namespace: str | None) -> None:
        there = self._there(peer_namespace)
        if name in space.links or peer in there.links or (there is space and name == peer):
            refuse(errno.EEXIST)
        space.make(name, "veth", peer=(peer_namespace, peer))
        there.make(peer, "veth", peer=(space.name, name))

    def _do_link_remove(self, space: PredictedSpace, name: str) -> None:
        if space.link(name).kind == "loopback":
            refuse(errno.EOPNOTSUPP)
        self._delete(space.name, name)

    def _delete(self, namespace: str | None, name: str) -> None:
        """An interface goes, its other end with it, and what sits on it."""
        link = self.spaces[namespace].links.get(name)
        if link is None:
            return
        self.spaces[namespace].drop(name)
        everywhere = [(there, dev, one) for there, space in self.spaces.items() for dev, one in space.links.items()]
        uppers = [(there, dev) for there, dev, one in everywhere if one.lower == (namespace, name)]
        for there, dev in [*uppers, *([link.peer] if link.peer else [])]:
            self._delete(there, dev)

    def _do_link_set(self, space: PredictedSpace, name: str, **given) -> None:
        link = space.link(name)
        if given.get("master"):
            bridge = space.link(given["master"])
            if bridge.kind != "bridge" or link.kind == "bridge" or name == "lo":
                refuse(errno.EINVAL)
        if "master" in given:
            link = replace(link, master=given["master"] or None, port="", hairpin=False)
        if "hairpin" in given:
            if link.master is None:
                refuse(errno.EINVAL)
            link = replace(link, port="hairpin" if given["hairpin"] else "", hairpin=given["hairpin"])
        space.links[name] = replace(link, **{key: given[key] for key in ("mtu", "mac", "arp") if key in given})
        if (space.links[name].mac, space.links[name].arp) != (link.mac, link.arp):
            space.forget_neighbours(name)
        if "up" in given:
            space.switch(name, given["up"])
        if "to" in given:
            self._move(space, name, self._there(given["to"]))

    def _move(self, space: PredictedSpace, name: str, there: PredictedSpace) -> None:
        if name in there.links:
            refuse(errno.EEXIST)
        link = space.links[name]
        space.drop(name)
        there.links[name] = replace(link, up=False, master=None, port="", hairpin=False)
        there.conf[name] = there.conf.get("default", Ipv4Conf(False))
        if link.peer:
            other = self.spaces[link.peer[0]]
            other.links[link.peer[1]] = replace(other.links[link.peer[1]], peer=(there.name, name))
        for one in self.spaces.values():
            for dev in [dev for dev, upper in one.links.items() if upper.lower == (space.name, name)]:
                one.links[dev] = replace(one.links[dev], lower=(there.name, name))

    def _do_fdb_add(self, space: PredictedSpace, mac: str, dev: str, remote: str) -> None:
        space.fdb.append(FdbEntry(mac, space.link(dev).name, True, IPv4Address(remote)))

    def _do_fdb_remove(self, space: PredictedSpace, mac: str, dev: str, remote: str) -> None:
        entry = FdbEntry(mac, dev, True, IPv4Address(remote))
        space.fdb.remove(entry) if entry in space.fdb else refuse(errno.ENOENT)

    # Addresses, routes, neighbours, settings, files

    def _do_address_add(self, space: PredictedSpace, interface: str, dev: str) -> None:
        self._address(space, Address(dev, IPv4Interface(interface)))

    def _do_address_add_raw(self, space: PredictedSpace, body: str, step) -> None:
        self._address(space, Address(step.dev, step.interface, step.extra, body))

    def _address(self, space: PredictedSpace, added: Address) -> None:
        if added.interface in space.of(space.link(added.dev).name):
            refuse(errno.EEXIST)
        space.addresses.append(added)
        space.connect(added)

    def _do_address_remove_raw(self, space: PredictedSpace, body: str, step) -> None:
        self._do_address_remove(space, str(step.interface), step.dev)

    def _do_address_remove(self, space: PredictedSpace, interface: str, dev: str) -> None:
        gone = IPv4Interface(interface)
        if gone not in space.of(space.link(dev).name):
            refuse(errno.EADDRNOTAVAIL)
        here = [one for one in space.addresses if one.dev == dev]
        which = next(one for one in here if one.interface == gone)
        twins = [one for one in here if (one.network, one.interface.network.prefixlen) == (which.network, gone.network.prefixlen)]
        lost = twins if twins[0] == which else [which]
        space.addresses = [one for one in space.addresses if one not in lost]
        space.disconnect(dev, lost)

    def _do_route_add_raw(self, space: PredictedSpace, body: str, step) -> None:
        beyond = step.extra, body, "", step.onlink, step.protocol
        self._route(space, Route(step.to, step.via, step.dev, step.kind, step.table, step.metric, False, *beyond))

    def _do_route_add(self, space: PredictedSpace, to: str, via=None, dev=None, kind="unicast", table=254, metric=0, **more) -> None:
        self._route(space, Route(IPv4Network(to), IPv4Address(via) if via else None, dev, kind, table, metric, **more))

    def _route(self, space: PredictedSpace, made: Route) -> None:
        near = self._near(space, made.via) if made.via else None
        if made.via and not near and not made.onlink:
            refuse(errno.ENETUNREACH)
        if made.dev and not space.link(made.dev).up:
            refuse(errno.ENETDOWN)
        made = replace(made, dev=made.dev or near)
        tos = _tos(made)
        if any((one.to, one.table, one.metric, _tos(one)) == (made.to, made.table, made.metric, tos) for one in space.routes):
            refuse(errno.EEXIST)
        space.routes.append(made)

    def _near(self, space: PredictedSpace, gateway: IPv4Address) -> str | None:
        """The interface on whose link a gateway is."""
        near = (one.dev for one in space.addresses if gateway in one.network and space.links[one.dev].up)
        routed = (one.dev for one in space.routes if gateway in one.to and one.via is None and one.dev)
        return next(near, None) or next(routed, None)

    def _do_route_remove_raw(self, space: PredictedSpace, body: str, step) -> None:
        self._do_route_remove(space, str(step.to), step.via and str(step.via), step.dev, step.kind, step.table, step.metric)

    def _do_route_remove(self, space: PredictedSpace, to: str, via=None, dev=None, kind="unicast", table=254, metric=0, **_) -> None:
        for one in sorted(space.routes, key=lambda one: one.metric):
            fits = (one.to, one.table) == (IPv4Network(to), table) and metric in (0, one.metric)
            if fits and via in (None, str(one.via)) and dev in (None, one.dev):
                space.routes.remove(one)
                return
        refuse(errno.ESRCH)

    def _do_nexthop_add_raw(self, space: PredictedSpace, body: str, step) -> None:
        """Nexthop objects are no part of a snapshot."""

    def _do_neighbour_add(self, space: PredictedSpace, address: str, dev: str, mac: str) -> None:
        space.link(dev)
        space.neighbours = [one for one in space.neighbours if (str(one.address), one.dev) != (address, dev)]
        space.neighbours.append(Neighbour(IPv4Address(address), dev, mac, "PERMANENT"))

    def _do_neighbour_remove(self, space: PredictedSpace, address: str, dev: str) -> None:
        left = [one for one in space.neighbours if (str(one.address), one.dev) != (address, dev)]
        if left == space.neighbours:
            refuse(errno.ENOENT)
        space.neighbours = left

    def _do_sysctl(self, space: PredictedSpace, key: str, value: int) -> None:
        if key == "bridge/bridge-nf-call-iptables":
            space.bridged = bool(value)
            return
        *_, dev, name = f"ipv4/conf/all/{key}".replace("ipv4/conf/all/ipv4/ip_forward", "ipv4/conf/all/forwarding").split("/")
        if dev not in space.conf:
            refuse(errno.ENOENT)
        every = space.conf if (dev, name) == ("all", "forwarding") else (dev,)
        for one in every:
            space.conf[one] = replace(space.conf[one], **{name: value if name in MOST else bool(value)})

    def _do_file_write(self, _: PredictedSpace, path: str, content: str) -> None:
        self.files[path] = content

    def _do_file_remove(self, _: PredictedSpace, path: str) -> None:
        if self.files.pop(path, None) is None:
            refuse(errno.ENOENT)


def _tos(route: Route) -> str:
    words = route.extra.split()
    return words[words.index("tos") + 1] if "tos" in words else ""


def predicted(was: Snapshot, *steps: Step) -> Snapshot:
    """What the node is after *steps*; OSError where the kernel would refuse one."""
    node = PredictedNode(was)
    for step in steps:
        node.take(step)
    return node.snapshot()
