"""
Policy rules, nexthop objects, addresses, routes, neighbours and forwarding entries, of IPv4 and of IPv6.

What the kernel makes of IPv6 by itself (link-local addresses and their routes) comes and goes with its interface, and is left
to it. Numbers: linux/fib_rules.h, linux/nexthop.h, linux/if_addr.h, linux/rtnetlink.h, linux/neighbour.h, linux/if_addrlabel.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.encode import ROUTE_KINDS
from podnet_lab.kernel.replay import NHA_TAKEN
from podnet_lab.kernel.unmanaged.base import Look, inet
from podnet_lab.kernel.unmanaged.objects import Objects, masked, without

FAMILIES = (socket.AF_INET, socket.AF_INET6)
AF_BRIDGE = 7
_KINDS = {number: kind for kind, number in ROUTE_KINDS.items()}
_U32 = struct.Struct("=I")
FOREVER = 0xFFFFFFFF
ADDRESS_FLAGS = {0x02: "nodad", 0x200: "noprefixroute", 0x400: "autojoin"}
"""Those that somebody gives an address, and what `ip` calls them (IFA_F_…)."""

TABLES = {253: "default", 254: "main", 255: "local"}


def _ip(family: int) -> str:
    return "ip -6" if family == socket.AF_INET6 else "ip"


def _is_ipv6(entry: dict[str, Any]) -> bool:
    return bytes.fromhex(entry["head"][:2]) == bytes([socket.AF_INET6])


class Rules(Objects):
    """Policy rules."""

    name, get, header = "policy rules", 34, 12
    dumps = tuple(struct.pack("=B11x", family) for family in FAMILIES)
    DST, SRC, PRIORITY, TABLE = 1, 2, 6, 15
    LOOKUP, INVERT = 1, 0x2

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        return body[:8] + masked(body[8:12], self.INVERT)

    def change(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[int, bytes]:
        return {self.PRIORITY: bytes(4)} | has  # without one, the kernel chooses; it leaves out the 0 when it tells

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        words = [f"{_ip(head[0])} rule | priority {_U32.unpack(has[self.PRIORITY])[0]}"]
        words += [f"from {inet(head[0], has[self.SRC])}/{head[2]}"] if self.SRC in has else []
        words += [f"to {inet(head[0], has[self.DST])}/{head[1]}"] if self.DST in has else []
        if head[7] == self.LOOKUP and self.TABLE in has:
            table = _U32.unpack(has[self.TABLE])[0]
            words += [f"lookup {TABLES.get(table, table)}"]
        return " ".join(words)

    def is_beside_steps(self, entry: dict[str, Any]) -> bool:
        return _is_ipv6(entry)  # IPv4's are in snapshots, and named there


class Nexthops(Objects):
    """Nexthop objects, and groups of them."""

    name, get, header = "nexthop objects", 106, 8
    dumps = (bytes(8),)
    ID, GROUP, OIF, RES_GROUP = 1, 2, 5, 12
    UNBALANCED_TIME = 4
    ONLINK = 0x4
    devices = frozenset({OIF})

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        return bytes([body[0], 0, body[2], 0]) + masked(body[4:8], self.ONLINK)

    def change(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[int, bytes]:
        has = {kind: value for kind, value in has.items() if kind in NHA_TAKEN}
        if self.RES_GROUP in has:
            parts = without(attributes(has[self.RES_GROUP]), {self.UNBALANCED_TIME})
            has = has | {self.RES_GROUP | 0x8000: b"".join(attribute(kind, value) for kind, value in parts.items())}
            del has[self.RES_GROUP]
        return has

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        return f"ip nexthop | id {_U32.unpack(has[self.ID])[0]}"

    def delete(self, look: Look, entry: dict[str, Any]) -> bool:
        number = next(value for kind, _, value in entry["attributes"] if kind == self.ID)
        return look.tell(self.get - 1, 0, bytes(8) + attribute(self.ID, bytes.fromhex(number)))


class Addresses(Objects):
    """Addresses, with their labels, scopes, flags and lives."""

    name, get, header, index_at = "addresses", 22, 8, 4
    dumps = tuple(struct.pack("=BBBBI", family, 0, 0, 0, 0) for family in FAMILIES)
    ADDRESS, LOCAL, CACHEINFO, FLAGS, PROTO = 1, 2, 6, 8, 11
    LASTING = sum(ADDRESS_FLAGS)
    KERNELS = (b"\1", b"\2", b"\3")  # IFAPROT_KERNEL_LO, _RA, _LL

    def keep(self, look: Look, body: bytes, has: dict[int, bytes]) -> bool:
        if body[0] == socket.AF_INET:
            return True
        return has.get(self.PROTO) not in self.KERNELS and inet(body[0], has[self.ADDRESS]) != "::1" and body[3] != 253

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        return body[:2] + b"\0" + body[3:8]

    def change(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[int, bytes]:
        lives = has.get(self.CACHEINFO, b"\xff" * 16)[:8]
        return has | {self.FLAGS: masked(has.get(self.FLAGS, bytes(4)), self.LASTING), self.CACHEINFO: lives + bytes(8)}

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        words = [f"{_ip(head[0])} addr | {inet(head[0], has.get(self.LOCAL, has.get(self.ADDRESS)))}/{head[1]} dev {dev}"]
        flags = _U32.unpack(has.get(self.FLAGS, bytes(4)))[0]
        words += [word for bit, word in ADDRESS_FLAGS.items() if flags & bit]
        preferred, valid = struct.unpack_from("=II", has.get(self.CACHEINFO, b"\xff" * 16))
        words += [f"valid_lft {_life(valid)} preferred_lft {_life(preferred)}"] if (preferred, valid) != (FOREVER, FOREVER) else []
        return " ".join(words)

    def is_beside_steps(self, entry: dict[str, Any]) -> bool:
        lives = {kind: value for kind, _, value in entry["attributes"] if kind in (self.FLAGS, self.CACHEINFO)}
        return _is_ipv6(entry) or lives != {self.FLAGS: "00" * 4, self.CACHEINFO: "ff" * 8 + "00" * 8}


def _life(seconds: int) -> str:
    return "forever" if seconds == FOREVER else str(seconds)


class Routes(Objects):
    """Routes of all tables, those included that the kernel makes for IPv4 addresses."""

    name, get, header = "routes", 26, 12
    dumps = tuple(struct.pack("=BxxxBBBBI", family, 0, 0, 0, 0, 0) for family in FAMILIES)
    DST, OIF, GATEWAY, PRIORITY, MULTIPATH, CACHEINFO, TABLE, VIA, NH_ID = 1, 4, 5, 6, 9, 12, 15, 18, 30
    CLONED, LASTING = 0x200, 0x2 | 0x4
    devices, ignored = frozenset({OIF}), frozenset({CACHEINFO, 20})  # 20: RTA_PREF
    KERNELS = (2, 9)  # RTPROT_KERNEL, RTPROT_RA

    def keep(self, look: Look, body: bytes, has: dict[int, bytes]) -> bool:
        if _U32.unpack_from(body, 8)[0] & self.CLONED:
            return False
        return body[0] == socket.AF_INET or body[5] not in self.KERNELS

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        # A route to a nexthop object that throws away is an ordinary one, though the kernel tells it otherwise.
        kind = bytes([1 if self.NH_ID in has and body[7] == 6 else body[7]])
        return body[:7] + kind + masked(body[8:12], self.LASTING)

    def change(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[int, bytes]:
        return without(has, {self.OIF, self.GATEWAY, self.MULTIPATH, self.VIA}) if self.NH_ID in has else has

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        family, length, _, tos, table, _, _, kind = head[:8]
        table = _U32.unpack(has[self.TABLE])[0] if self.TABLE in has else table
        words = [f"{_KINDS[kind]} " if kind in _KINDS and kind != 1 else ""]
        words += [f"{inet(family, has[self.DST])}/{length}" if self.DST in has else "default"]
        words += [f" tos {tos}" if tos else "", f" dev {dev}" if dev else ""]
        words += [f" nhid {_U32.unpack(has[self.NH_ID])[0]}"] if self.NH_ID in has else []
        words += [f" table {TABLES.get(table, table)}" if table != 254 else ""]
        return f"{_ip(family)} route | {''.join(words)}"

    def is_beside_steps(self, entry: dict[str, Any]) -> bool:
        return _is_ipv6(entry)  # IPv4's are in snapshots


class Neighbours(Objects):
    """Neighbours that were written down: permanent and noarp ones, and proxies."""

    name, get, header, index_at = "neighbours", 30, 12, 4
    PROXY, PERMANENT, NOARP, UNICAST = 0x8, 0x80, 0x40, 1
    GROUPS = (b"\x01\x00\x5e", b"\x33\x33", b"\xff\xff\xff\xff\xff\xff")
    """How the MACs begin that the kernel itself gives to groups of hosts, and to everybody (arp_constructor, ndisc_constructor)."""
    DST, LLADDR, CACHEINFO, PROBES = 1, 2, 3, 4
    dumps = tuple(struct.pack("=BxxxiHBB", family, 0, 0, flags, 0) for family in FAMILIES for flags in (0, 0x8))
    ignored = frozenset({CACHEINFO, PROBES})

    def keep(self, look: Look, body: bytes, has: dict[int, bytes]) -> bool:
        index, state, flags, kind = struct.unpack_from("=iHBB", body, 4)
        mac = has.get(self.LLADDR, b"")
        # Of an interface without ARP, such as the loopback, the kernel gives its own MAC to all, of tunnels none.
        by_hand = kind == self.UNICAST or not (mac.startswith(self.GROUPS) or mac in (b"", look.mac(look.names.get(index, ""))))
        return bool(flags & self.PROXY or state & self.PERMANENT or (state & self.NOARP and by_hand))

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        return body[:11] + b"\0"

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        proxy = "proxy " if head[10] & self.PROXY else ""
        return f"{_ip(head[0])} neigh | {proxy}{inet(head[0], has[self.DST])} dev {dev}"

    def is_beside_steps(self, entry: dict[str, Any]) -> bool:
        head = bytes.fromhex(entry["head"])
        permanent = struct.unpack_from("=H", head, 8)[0] & self.PERMANENT and not head[10] & self.PROXY
        return _is_ipv6(entry) or not permanent


class ForwardingEntries(Objects):
    """
    Entries of bridges' forwarding tables that do not age.

    An interface's own MAC, which a bridge writes there, is kept as "own": it may have another one by the time.
    """

    name, get, header, index_at = "forwarding entries", 30, 12, 4
    dumps = (struct.pack("=BxxxiHBB", AF_BRIDGE, 0, 0, 0, 0),)
    LLADDR, CACHEINFO, MASTER = 2, 3, 9
    PERMANENT, LASTING = 0x80, 0x80 | 0x40
    ignored, devices = frozenset({CACHEINFO}), frozenset({MASTER})
    OWN = b"own"

    def keep(self, look: Look, body: bytes, has: dict[int, bytes]) -> bool:
        return bool(struct.unpack_from("=H", body, 8)[0] & self.LASTING) and not has.get(self.LLADDR, b"\1")[0] & 1

    def change(self, look: Look, body: bytes, has: dict[int, bytes]) -> dict[int, bytes]:
        own = look.mac(look.names.get(_U32.unpack_from(body, 4)[0], ""))
        return has | {self.LLADDR: self.OWN} if has[self.LLADDR] == own else has

    def filled(self, look: Look, entry: dict[str, Any], value: bytes) -> bytes:
        return look.mac(entry["dev"]) if value == self.OWN else value

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        mac = has[self.LLADDR]
        return f"bridge fdb | {'its own MAC' if mac == self.OWN else mac.hex(':')} dev {dev}"

    def is_beside_steps(self, entry: dict[str, Any]) -> bool:
        """Permanent entries of bridges and of tunnels are in snapshots; static ones, and what a card was told to listen to, are not."""
        given = {kind for kind, *_ in entry["attributes"]}
        permanent = struct.unpack_from("=H", bytes.fromhex(entry["head"]), 8)[0] & self.PERMANENT
        return not permanent or _is_filter(given)


def _is_filter(given: Collection[int]) -> bool:
    """Whether a forwarding entry is no bridge's and no tunnel's, but says to which MACs beside its own an interface listens."""
    return set(given) <= {ForwardingEntries.LLADDR}


def without_filters_for(macs: Collection[str], state: dict[str, Any]) -> dict[str, Any]:
    """
    Unmanaged state without the entries by which an interface listens for one of those *macs*.

    The kernel writes them for what sits on it, such as a macvlan, which may be in another namespace.
    """
    kind, known = "forwarding entries", {mac.replace(":", "") for mac in macs}

    def is_for_them(entry: dict[str, Any]) -> bool:
        given = {number: value for number, _, value in entry["attributes"]}
        return _is_filter(given) and given.get(ForwardingEntries.LLADDR) in known

    return state | ({kind: {key: entry for key, entry in state[kind].items() if not is_for_them(entry)}} if kind in state else {})


class AddressLabels(Objects):
    """Which of its addresses an IPv6 host prefers."""

    name, get, header, index_at = "address labels", 74, 12, 4
    dumps = (struct.pack("=B11x", socket.AF_INET6),)
    ADDRESS, LABEL = 1, 2

    def head(self, body: bytes, has: dict[int, bytes]) -> bytes:
        return body[:8] + bytes(4)  # a number that counts changes

    def describe(self, head: bytes, has: dict[int, bytes], dev: str) -> str:
        return f"ip addrlabel | prefix {inet(head[0], has[self.ADDRESS])}/{head[2]} label {_U32.unpack(has[self.LABEL])[0]}"
