"""
The steps that bring a node from how it is to how it was: what undo of a removal, roll-back, reset and goto are made of.

Pure. One pass may not be enough (an interface that goes takes its routes along, one that comes has none yet): whoever
runs it looks again until nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from podnet_lab.daemons import reconcile as daemons
from podnet_lab.model import Address, Ipv4Conf, Namespace, Route, Snapshot
from podnet_lab.model.address import LOOPBACK
from podnet_lab.recipes import reconcile_links as links
from podnet_lab.steps import ipv6
from podnet_lab.steps.address import AddAddress, RemoveAddress
from podnet_lab.steps.base import Step
from podnet_lab.steps.bridge_netfilter import SetBridgeNetfilter
from podnet_lab.steps.file import RemoveFile, WriteFile
from podnet_lab.steps.forwarding import SETTINGS, SetForwarding, SetInterfaceSysctl
from podnet_lab.steps.namespace import AddNamespace, RemoveNamespace
from podnet_lab.steps.neighbour import AddNeighbour, RemoveNeighbour
from podnet_lab.steps.nft.restore import restore_tables
from podnet_lab.steps.route import AddRoute, RemoveRoute

MOST_PASSES = 6
"""Looks that a restore may take before whoever runs it gives up."""


def restore(now: Snapshot, then: Snapshot) -> list[Step]:
    """The steps from *now* towards *then*; empty when nothing of what steps can change differs."""
    gone = links.surplus(now, then)
    first, last = daemons.restore(now, then)
    written, bird = links.written_macs(then), any(process.daemon == "bird" for process in then.processes)
    steps: list[Step] = [*first, *links.remove(now, gone)]
    steps += [RemoveNamespace(name) for name in now.spaces if name not in then.spaces]
    steps += [AddNamespace(name) for name in then.spaces if name not in now.spaces]
    steps += links.make(now, then, gone)
    for name, space in then.spaces.items():
        was = now.spaces.get(name) or Namespace(name)
        here = {dev for namespace, dev in gone if namespace == name}
        kept = {dev: link for dev, link in was.links.items() if dev not in here}
        steps += links.change(name, kept, space, written)
        steps += _addresses(name, was, space, here)
        steps += links.switch(name, kept, space)
        steps += _settings(name, was, space, here)
        touched = {step.dev for step in steps if isinstance(step, RemoveAddress) and step.namespace == name}
        steps += _routes(name, was, space, here, touched, bird)
        steps += _neighbours(name, was, space, here)
        left = replace(was, links=kept, fdb=tuple(entry for entry in was.fdb if entry.dev not in here))
        steps += links.restore_tables(name, left, space)
    return [*steps, *restore_tables(now.own.rules, then.own.rules), *_files(now, then), *last]


def restore_all(now: Snapshot, then: Snapshot) -> list[Step]:
    """The same, and what went along of IPv6, which no step makes."""
    return [*restore(now, then), *ipv6.missing(now, then)]


def _addresses(name: str | None, was: Namespace, space: Namespace, gone: set[str]) -> list[Step]:
    had = {address for address in was.addresses if address.dev not in gone}
    want = set(space.addresses)
    # Switching lo on gives it 127.0.0.1/8 by itself, if it has no other.
    on = "lo" in space.links and space.links["lo"].up and not ("lo" in was.links and was.links["lo"].up)
    by_itself = {address for address in want - had if on and address.dev == "lo" and address.interface == LOOPBACK}
    lost = {address for address in want & had if (address.dev, address.interface) in _lost_kernel_routes(was, space)}
    remove = sorted((had - want) | (had & lost), key=str)
    add = sorted((want - had - by_itself) | lost, key=str)
    first = _before_the_last_goes(had, remove, add)
    return [
        *(AddAddress.of(address, name, raw=bool(address.extra)) for address in first),
        *(RemoveAddress.of(address, name, raw=True) for address in remove),
        *(AddAddress.of(address, name, raw=bool(address.extra)) for address in add if address not in first),
    ]


def _before_the_last_goes(had: set[Address], remove: Sequence[Address], add: Sequence[Address]) -> list[Address]:
    """
    Addresses to be given before others are taken: with the last of an interface all its routes would go.

    One of the subnet of one that is taken is a secondary address, and would go with that; so may one that is to stay.
    """
    taken = {(address.dev, address.network) for address in remove}
    kept = {address.dev for address in had - set(remove) if (address.dev, address.network) not in taken}
    bare = {address.dev for address in remove} - kept
    return [address for address in add if address.dev in bare and (address.dev, address.network) not in taken]


def _lost_kernel_routes(was: Namespace, space: Namespace) -> set:
    """Addresses whose own route was deleted by hand: only giving the address again brings it back as the kernel's."""
    routes = {(route.dev, route.to) for route in was.routes}
    lost = {(route.dev, route.to) for route in space.routes if route.kernel and (route.dev, route.to) not in routes}
    up = {dev for dev, link in was.links.items() if link.up}
    return {
        (address.dev, address.interface)
        for address in space.addresses
        if address.dev in up and (address.dev, address.interface.network) in lost
    }


def _settings(name: str | None, was: Namespace, space: Namespace, gone: set[str]) -> list[Step]:
    if "all" not in space.conf:
        return []
    # What comes anew starts as ``default`` says, a namespace with all settings off.
    fresh = was.conf.get("default", Ipv4Conf(False))
    now = {dev: fresh if dev in gone else was.conf.get(dev, fresh) for dev in space.conf}
    steps: list[Step] = [SetBridgeNetfilter(space.bridged, name)] if _rebridged(was, space) else []
    if was.forwarding != space.forwarding:
        steps.append(SetForwarding(space.forwarding, name))  # changes every interface
        now = {dev: replace(conf, forwarding=space.forwarding) for dev, conf in now.items()}
    return steps + [
        SetInterfaceSysctl(dev, key, int(getattr(conf, key)), name)
        for dev, conf in space.conf.items()
        for key in SETTINGS
        if getattr(now[dev], key) != getattr(conf, key)
    ]


def _rebridged(was: Namespace, space: Namespace) -> bool:
    """Whether bridges ask the rules of IPv4 otherwise than then; where there is no bridge, nobody has read it."""
    read = all("bridge" in {link.kind for link in one.links.values()} for one in (was, space))
    return read and was.bridged != space.bridged


def _added_kernel_routes(was: Namespace, space: Namespace) -> set[Route]:
    """The kernel's routes of addresses that stay, where they had been deleted by hand."""
    kept = {(address.dev, address.interface.network) for address in set(was.addresses) & set(space.addresses)}
    then = {(route.dev, route.to) for route in space.routes if route.kernel}  # another one to the same may stand in its place
    return {route for route in was.routes if route.kernel and (route.dev, route.to) in kept - then}


def _routes(name: str | None, was: Namespace, space: Namespace, gone: set[str], touched: set[str], bird: bool) -> list[Step]:
    # What BIRD has written is BIRD's: it makes that itself; and where it runs, it takes that away.
    had = {route for route in was.routes if not route.kernel and route.dev not in gone and not (bird and route.by_daemon)}
    want = {route for route in space.routes if not route.kernel and not route.by_daemon}
    down = {dev for dev, link in space.links.items() if not link.up}
    # Those that go by themselves, with an address or an interface that goes down, are left to the next look.
    going = gone | touched | down
    surplus = sorted((route for route in (had - want) | _added_kernel_routes(was, space) if route.dev not in going), key=str)
    steps: list[Step] = [RemoveRoute.of(route, name, raw=True) for route in surplus]
    missing = sorted(want - had, key=lambda route: (route.via is not None, str(route)))
    return steps + [AddRoute.of(route, name, raw=bool(route.extra)) for route in missing]


def _neighbours(name: str | None, was: Namespace, space: Namespace, gone: set[str]) -> list[Step]:
    had = {entry for entry in was.neighbours if entry.state == "PERMANENT" and entry.dev not in gone}
    want = {entry for entry in space.neighbours if entry.state == "PERMANENT"}
    steps: list[Step] = [RemoveNeighbour(entry.address, entry.dev, entry.mac, name) for entry in sorted(had - want, key=str)]
    return steps + [AddNeighbour(entry.address, entry.dev, entry.mac, name) for entry in sorted(want - had, key=str)]


def _files(now: Snapshot, then: Snapshot) -> list[Step]:
    steps: list[Step] = [RemoveFile(path) for path in sorted(now.files.keys() - then.files.keys())]
    return steps + [WriteFile(path, has, replace=True) for path, has in sorted(then.files.items()) if now.files.get(path) != has]
