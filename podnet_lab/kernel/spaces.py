"""
A node's own namespace and the named ones on it, read together: what an interface hangs on may be in another one.

What comes out here is what `podnet_lab.kernel.read` says of each, with names in place of the numbers of other ends.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel import namespaces, read_links, unmanaged_state
from podnet_lab.kernel.encode import RTM_GETNSID
from podnet_lab.kernel.netlink import Socket
from podnet_lab.kernel.read import namespace

NETNSA_NSID, NETNSA_FD = 1, 3
NOTHING: Mapping = {}

_I32, _U32 = struct.Struct("=i"), struct.Struct("=I")


def places() -> dict[str, str]:
    """Where the named namespaces of this thread's node are."""
    return {name: namespaces.path(name) for name in namespaces.names()}


def node() -> dict[str, Any]:
    """The thread's own namespace under "", and every named one that can be entered under its name."""
    return spaces_at(places())


def spaces_at(where: Mapping[str, str]) -> dict[str, Any]:
    """The thread's own namespace under "", and those at the paths *where* that can be entered under their names there."""
    with Look(where) as look:
        known = set()
        for name in ["", *where]:
            if look.enter(name) and look.identity(name) not in known:  # else a second name for the node, or for a Pod (`ip netns attach`)
                known.add(look.identity(name))
                look.read(name)
        name_others(look.spaces, look.sockets, look)
        return look.spaces


class Look(Mapping[str, int]):
    """
    Namespaces while they are looked at; those that were *read*, as data, in `spaces`.

    As a mapping: descriptors of all, by their names, each opened when it is asked for.
    """

    def __init__(self, where: Mapping[str, str]) -> None:
        self._where, self._home = where, namespaces.here()
        self._opened: dict[str, int] = {"": self._home}
        self._identities: dict[str, namespaces.Identity] = {}
        self.spaces: dict[str, Any] = {}
        self.sockets: dict[str, Socket] = {}

    def __getitem__(self, name: str) -> int:
        if name not in self._opened:
            self._opened[name] = namespaces.open_at(self._where[name])
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(["", *self._where])

    def __len__(self) -> int:
        return 1 + len(self._where)

    def identity(self, name: str) -> namespaces.Identity:
        """The `namespaces.identity` of one."""
        if name not in self._identities:
            self._identities[name] = namespaces.identity(self[name])
        return self._identities[name]

    def enter(self, name: str) -> bool:
        """Bring this thread into one; False if it is none: deleted this moment, or a plain file. `ip netns exec` can't enter it either."""
        try:
            namespaces.enter(self[name])
        except OSError:
            if not name:
                raise
            return False
        return True

    def read(self, name: str, decode_link: Callable[[bytes], dict[str, Any]] = read_links.decode_link) -> None:
        """Read the one in which this thread is, which has that *name*."""
        self.sockets[name] = Socket()
        self.spaces[name] = namespace(self.sockets[name], decode_link)
        self.spaces[name]["tables"] = bool(name) and bool(unmanaged_state.tables())

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_: object) -> None:
        namespaces.enter(self._home)
        for one in self.sockets.values():
            one.close()
        for descriptor in self._opened.values():
            os.close(descriptor)


def name_others(
    spaces: Mapping[str, Any],
    sockets: Mapping[str, Socket],
    descriptors: Mapping[str, int],
    beside: Mapping[str, Mapping[int, str]] = NOTHING,
    numbers: Mapping[int, str] = NOTHING,
) -> dict[int, str]:
    """
    Put (namespace, name) in place of the numbers of masters, of other ends, and of what interfaces sit on.

    An interface knows the other one by an interface number and by a number that only its own namespace has for
    the other's; each namespace is asked for its numbers of those that hold such interfaces. *beside* are the names of interfaces, by their
    numbers, of namespaces that were not read now; *numbers* the node's own numbers of namespaces that are known. Returns all that it has.
    """
    index = {(space, link["index"]): link["name"] for space, has in spaces.items() for link in has["links"]}
    index |= {(space, number): name for space, names in beside.items() for number, name in names.items()}
    elsewhere = [space for space, has in spaces.items() if any(link["nsid"] is not None for link in has["links"])]
    everywhere = [*spaces, *beside]
    own: dict[int, str] = dict(numbers)
    for space, has in spaces.items():
        found = own if not space else {}
        if space in elsewhere:
            # A Pod's cable mostly ends in the node: that one question answers it. The node's end anywhere.
            _look_up(found, space, has["links"], sockets[space], descriptors, [""] if space else elsewhere, everywhere)
        for link in has["links"]:
            link["master"] = index.get((space, link.pop("master_index")))
            there = space if (nsid := link.pop("nsid")) is None else found.get(nsid)
            for what in ("peer", "lower"):
                name = index.get((there, link.pop(f"{what}_index")))
                link[what] = (there or None, name) if name is not None else None
    return own


def _look_up(
    found: dict[int, str], space: str, links: Iterable[Mapping], sock: Socket, descriptors: Mapping[str, int], *where: Collection[str]
) -> None:
    """Add to *found* what the numbers of *links* stand for; asked about are the namespaces *where*, group by group, until all are known."""
    wanted = {link["nsid"] for link in links if link["nsid"] is not None}
    asked = {space, *found.values()}
    for names in where:
        others = [name for name in names if name not in asked]
        if others and wanted - set(found):
            found |= _numbers(sock, {name: descriptors[name] for name in others})
            asked.update(others)


def _numbers(sock: Socket, descriptors: Mapping[str, int]) -> dict[int, str]:
    """This namespace's own numbers for other namespaces (RTM_GETNSID), of those that it has a number for."""
    bodies = [b"\0\0\0\0" + attribute(NETNSA_FD, _U32.pack(descriptor)) for descriptor in descriptors.values()]
    found = {}
    for other, body in zip(descriptors, sock.ask(RTM_GETNSID, bodies), strict=True):
        number = _I32.unpack(attributes(body, 4)[NETNSA_NSID])[0] if body else -1
        if number >= 0:
            found[number] = other
    return found
