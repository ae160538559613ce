"""
Objects of route netlink that can be listed, made and deleted one by one: rules, routes, addresses, neighbours, …

Each is kept in a form that does not depend on the numbers of interfaces, from which the request that makes it, or deletes it,
is built again.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Refused
from podnet_lab.kernel.unmanaged.base import Kind, Look

_U32 = struct.Struct("=I")
MOST_PASSES = 3
"""Making what others need may come after them: tried again, this many times at most."""


class Objects(Kind):
    """
    A kind whose objects route netlink lists.

    *header* is the size of its message's head, *index_at* where the number of its interface stands in it (None: nowhere),
    *devices* which attributes are such numbers, *ignored* which say nothing of what it is.
    """

    dumps: tuple[bytes, ...]
    get: int
    header: int
    index_at: int | None = None
    devices: frozenset[int] = frozenset()
    ignored: frozenset[int] = frozenset()
    creates = NLM_F_CREATE_NEW

    # What a kind says of its own

    def keep(self, look: Look, body: bytes, has: dict[int, bytes]) -> bool:
        """Whether it is one that somebody could have written, and no passing one of the kernel's own."""
        return True

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        """Its message's head without what passes."""
        return body[: self.header]

    def change(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[int, bytes]:
        """Its attributes without what passes."""
        return has

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        """What a person types after `ip … add`."""
        raise NotImplementedError

    # Reading

    def read(self, look: Look) -> dict[str, Any]:
        found = {}
        for body in look.dump(self.get, self.dumps):
            has = {kind: value for kind, value in attributes(body, self.header).items() if kind not in self.ignored}
            numbers = [_U32.unpack(has[kind])[0] for kind in self.devices if kind in has]
            numbers += [_U32.unpack_from(body, self.index_at)[0]] if self.index_at is not None else []
            if (not look.hidden_numbers or look.hidden_numbers.isdisjoint(numbers)) and self.keep(look, body, has):
                entry = self._entry(look, body, has)
                found[f"{entry['head']} {entry['dev']} {entry['attributes']}"] = entry
        return found

    def _entry(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[str, Any]:
        head, dev = bytearray(self.head(body, has)), ""
        has = self.change(look, body, has)
        if self.index_at is not None:
            number = _U32.unpack_from(head, self.index_at)[0]
            dev = look.names.get(number, "?") if number else ""
            head[self.index_at : self.index_at + 4] = bytes(4)
        given = {kind: look.names.get(_U32.unpack(value)[0], "?") for kind, value in has.items() if kind in self.devices}
        return {
            "words": self.describe(body, has, dev or next(iter(given.values()), "")),
            "head": bytes(head).hex(),
            "dev": dev,
            "attributes": [[kind, given.get(kind, ""), "" if kind in given else has[kind].hex()] for kind in sorted(has)],
        }

    def words(self, key: str, value: Any) -> str:
        return value["words"]

    # Bringing back

    def body(self, look: Look, entry: dict[str, Any]) -> bytes:
        """The message that is about one of them; Refused (ENODEV) if its interface is not there."""
        head = bytearray.fromhex(entry["head"])
        if entry["dev"]:
            head[self.index_at : self.index_at + 4] = _U32.pack(look.index(entry["dev"]))
        return bytes(head) + b"".join(
            attribute(kind, _U32.pack(look.index(dev)) if dev else self.filled(look, entry, bytes.fromhex(value)))
            for kind, dev, value in entry["attributes"]
        )

    def filled(self, look: Look, entry: dict[str, Any], value: bytes) -> bytes:
        """The value of an attribute, as it is to be sent now."""
        return value

    def delete(self, look: Look, entry: dict[str, Any]) -> bool:
        """Delete one; whether the kernel took it."""
        return look.tell(self.get - 1, 0, self.body(look, entry))

    def make(self, look: Look, entry: dict[str, Any]) -> bool:
        """Make one; whether the kernel took it."""
        return look.tell(self.get - 2, self.creates, self.body(look, entry))

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = [f"{self.verb('del', entry)}" for key, entry in now.items() if key not in then and _did(self.delete, look, entry)]
        missing = [entry for key, entry in then.items() if key not in now]
        for _ in range(MOST_PASSES):
            made = [entry for entry in missing if _did(self.make, look, entry)]
            words += [self.verb("add", entry) for entry in made]
            missing = [entry for entry in missing if entry not in made]
        return words

    def verb(self, verb: str, entry: dict[str, Any]) -> str:
        """The command that makes or deletes one, as a person would type it."""
        first, _, rest = entry["words"].partition(" | ")
        return f"{first} {verb} {rest}"

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [line.replace(" | ", " ") for line in super().left(now, then)]

    def is_beside_steps(self, entry: dict[str, Any]) -> bool:
        """Whether one of them is neither said by steps nor made by the kernel for what they say."""
        return True

    def beside_steps(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return self.left(*({key: entry for key, entry in one.items() if self.is_beside_steps(entry)} for one in (now, then)))


def _did(request: Any, look: Look, entry: dict[str, Any]) -> bool:
    try:
        return request(look, entry)
    except Refused:  # its interface is not there
        return False


def masked(number: bytes, bits: int) -> bytes:
    """A number of four bytes with only *bits* of it."""
    return _U32.pack(_U32.unpack(number)[0] & bits)


def without(has: dict[int, bytes], kinds: Collection[int]) -> dict[int, bytes]:
    """Attributes without those of some kinds."""
    return {kind: value for kind, value in has.items() if kind not in kinds}
