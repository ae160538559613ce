"""
Firewalls: which nftables tables there are, and sets of addresses (ipset).

Numbers: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h, linux/netfilter/ipset/ip_set.h.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Refused
from podnet_lab.kernel.unmanaged.base import Kind, Look, opened

NETLINK_NETFILTER = 12
NFT, NEWTABLE, GETTABLE, DELTABLE, BATCH_BEGIN, BATCH_END = 10, 0, 1, 2, 0x10, 0x11
IPSET, IPSET_DESTROY, IPSET_LIST, IPSET_PROTOCOL = 6, 3, 7, 7
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
"""The families of nftables, by the kernel's numbers."""

TABLE_NAME, TABLE_FLAGS = 1, 2
FLAGS = ("dormant", "owner", "persist")
"""A table's flags, from the lowest bit on (NFT_TABLE_F_…)."""


def tables() -> list[tuple[int, str]]:
    """(family, name) of every nftables table here; none where the kernel has no nftables."""
    return [(body[0], _name(attributes(body, 4))) for body in _tables()]


def table_flags() -> dict[tuple[str, str], list[str]]:
    """The flags of every nftables table here, by (family, name): "dormant", "owner", "persist"."""
    flags = {}
    for body in _tables():
        has = attributes(body, 4)
        (number,) = struct.unpack("!I", has.get(TABLE_FLAGS, bytes(4)))
        key = (FAMILIES.get(body[0], ""), _name(has))
        flags[key] = [name for bit, name in enumerate(FLAGS) if number >> bit & 1]
    return flags


def _name(table: dict[int, bytes]) -> str:
    """A table's name; bytes that are no UTF-8, which no program of ours types, come and go as Python's own escapes."""
    return table[TABLE_NAME].rstrip(b"\0").decode(errors="surrogateescape")


def _tables() -> list[bytes]:
    try:
        with opened(NETLINK_NETFILTER) as sock:
            return sock.dump(NFT << 8 | GETTABLE, struct.pack("!BBH", 0, 0, 0))
    except OSError:
        return []


def add_table(name: str) -> None:
    """Make an empty nftables table of the family ip; OSError where the kernel has no nftables."""
    _transaction([(NFT << 8 | NEWTABLE, NLM_F_CREATE_NEW, _table_body(2, name))])


def set_dormant(family: str, name: str, dormant: bool) -> None:
    """Detach a table's chains from their hooks, or attach them again; `nft` 1.0.6 can't say so in JSON."""
    number = next(number for number, words in FAMILIES.items() if words == family)
    _transaction([(NFT << 8 | NEWTABLE, 0, _table_body(number, name) + attribute(TABLE_FLAGS, struct.pack("!I", dormant)))])


def _transaction(messages: list[tuple[int, int, bytes]]) -> None:
    frame = struct.pack("!BBH", 0, 0, NFT)
    with opened(NETLINK_NETFILTER) as sock:
        sock.transaction([(BATCH_BEGIN, 0, frame), *messages, (BATCH_END, 0, frame)], answered=range(1, len(messages) + 1))


def remove_tables(surplus: list[tuple[int, str]]) -> None:
    """Delete nftables tables with all that is in them, in one transaction."""
    _transaction([(NFT << 8 | DELTABLE, 0, _table_body(family, name)) for family, name in surplus])


def _table_body(family: int, name: str) -> bytes:
    return struct.pack("!BBH", family, 0, 0) + attribute(TABLE_NAME, name.encode(errors="surrogateescape") + b"\0")


class Tables(Kind):
    """Which nftables tables there are; what is in one that was there is snapshots' matter."""

    name = "nft table"

    def read(self, look: Look) -> list[tuple[int, str]]:
        return tables()

    def restore(self, look: Look, now: Any, then: Any) -> list[str]:
        words = []
        for family, name in _surplus(now, then):
            with suppress(Refused):  # a program that still runs may own it
                remove_tables([(family, name)])
                words.append(f"nft delete table {_table(family, name)}")
        return words

    def left(self, now: Any, then: Any) -> list[str]:
        gone = [f"the nft table {_table(*table)} is gone" for table in _surplus(then, now)]
        return [f"the nft table {_table(*table)} is there" for table in _surplus(now, then)] + gone

    def beside_steps(self, now: Any, then: Any) -> list[str]:
        return []  # steps bring tables


def _surplus(now: Any, then: Any) -> list[tuple[int, str]]:
    known = {tuple(table) for table in then}
    return [tuple(table) for table in now if tuple(table) not in known]


def _table(family: int, name: str) -> str:
    return f"{FAMILIES.get(family, family)} {name}"


class IpSets(Kind):
    """Sets of addresses, by name."""

    name = "ipset"

    def read(self, look: Look) -> dict[str, Any]:
        frame = struct.pack("!BBH", 2, 0, 0) + attribute(1, bytes([IPSET_PROTOCOL])) + attribute(6, struct.pack(">I", 1))
        try:
            with opened(NETLINK_NETFILTER) as sock:
                return {attributes(body, 4)[2].rstrip(b"\0").decode(): "" for body in sock.dump(IPSET << 8 | IPSET_LIST, frame)}
        except (OSError, KeyError):
            return {}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        for name in now.keys() - then.keys():
            frame = struct.pack("!BBH", 2, 0, 0) + attribute(1, bytes([IPSET_PROTOCOL])) + attribute(2, name.encode() + b"\0")
            with suppress(OSError), opened(NETLINK_NETFILTER) as sock:
                sock.request([(IPSET << 8 | IPSET_DESTROY, 0, frame)])
                words.append(f"ipset destroy {name}")
        return words
