"""What a kind of unmanaged state is, and the look at one namespace that all of them share."""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.printable_names import printable

IFLA_IFNAME, IFLA_ADDRESS, RTM_GETLINK = 3, 1, 18


@contextmanager
def opened(protocol: int = 0) -> Iterator[Socket]:
    """A netlink socket of this thread's namespace, for a while."""
    made = Socket(protocol)
    try:
        yield made
    finally:
        made.close()


class Look:
    """One look at this thread's namespace: a socket, and the interfaces; those *hidden* are nobody's business (a VM's own cards)."""

    def __init__(self, sock: Socket, hidden: Collection[str] = ()) -> None:
        self.sock, self.hidden = sock, frozenset(hidden)

    @cached_property
    def links(self) -> dict[str, tuple[int, int, dict[int, bytes]]]:
        """(number, flags, attributes) of each interface that is not hidden."""
        return {name: link for name, link in self._all.items() if name not in self.hidden}

    @cached_property
    def _all(self) -> dict[str, tuple[int, int, dict[int, bytes]]]:
        found = {}
        for body in self.sock.dump(RTM_GETLINK, bytes(16)):
            has, (index, flags) = attributes(body, 16), struct.unpack_from("=iI", body, 4)
            found[printable(has[IFLA_IFNAME].rstrip(b"\0"))] = (index, flags, has)
        return found

    @cached_property
    def names(self) -> dict[int, str]:
        """The name of each interface by its number, hidden ones included."""
        return {index: name for name, (index, *_) in self._all.items()}

    @cached_property
    def hidden_numbers(self) -> set[int]:
        """The numbers of the hidden interfaces."""
        return {index for index, name in self.names.items() if name in self.hidden}

    def index(self, name: str) -> int:
        """The number of an interface now; Refused (ENODEV) if there is none."""
        return self.sock.index(name)

    def mac(self, name: str) -> bytes:
        """The MAC of an interface; empty if there is none."""
        return self._all[name][2].get(IFLA_ADDRESS, b"") if name in self._all else b""

    def dump(self, kind: int, bodies: Iterable[bytes]) -> list[bytes]:
        """The answers to several dumps; none to one that this kernel does not know."""
        found = []
        for body in bodies:
            try:
                found += self.sock.dump(kind, body)
            except Refused:
                continue
        return found

    def tell(self, kind: int, flags: int, body: bytes) -> bool:
        """Whether the kernel took a request."""
        try:
            self.sock.request([(kind, flags, body)])
        except Refused:
            return False
        return True


class Kind:
    """
    A kind of unmanaged state.

    What `read` returns is plain data that can be compared with ``==`` and sent as JSON: {what: …}, each key told in words by
    `words`. A kind that this kernel does not have reads as empty.
    """

    name: str

    def read(self, look: Look) -> dict[str, Any]:
        """What there is of it."""
        raise NotImplementedError

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        """Bring *now* towards *then*, as far as it goes; returns what was done, as commands or in words."""
        raise NotImplementedError

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        """In words, what differs between the two."""
        surplus = [f"{self.words(key, value)} is there" for key, value in now.items() if then.get(key) != value and key not in then]
        other = [f"{self.words(key, value)} is not as it was" for key, value in now.items() if key in then and then[key] != value]
        return surplus + other + [f"{self.words(key, value)} is gone" for key, value in then.items() if key not in now]

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        """In words, what differs between the two and is neither said by steps nor comes with what they make."""
        return self.left(now, then)

    def words(self, key: str, value: Any) -> str:
        """What a person calls one of them."""
        return f"{self.name} {key}"


def inet(family: int, packed: bytes) -> str:
    """An address of either family as text."""
    return socket.inet_ntop(family, packed)
