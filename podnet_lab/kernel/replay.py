"""
Unusual addresses and routes in a form that makes just that one again, whatever its interfaces' numbers are by then.

"HEX NUMBER=NAME …": the kernel's own bytes, and the name of each interface that they call by a number. Before it, each with
a ";" behind, stand the nexthop objects that a route needs. Layouts: linux/rtnetlink.h, linux/nexthop.h.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.encode import RTNH_F_ONLINK
from podnet_lab.kernel.netlink import Socket

RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA, RTA_NH_ID = 4, 5, 9, 18, 30
RTM_GETNEXTHOP, NHA_ID, NHA_GROUP, NHA_OIF, NHA_RES_GROUP = 106, 1, 2, 5, 12
NHA_TAKEN = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12}
"""What the kernel takes of what it tells of a nexthop object; the rest is counted."""

RTN_UNICAST, RTN_BLACKHOLE = 1, 6
RTNH_F_PERVASIVE = 0x2
NHA_RES_GROUP_UNBALANCED_TIME, NESTED = 4, 0x8000
ROUTE, ADDRESS, NEXTHOP = 12, 8, 8
"""Sizes of the heads of these messages."""

_U32 = struct.Struct("=I")


def of_address(body: bytes, dev: str) -> str:
    """An address on *dev*."""
    return f"{body.hex()} {_U32.unpack_from(body, 4)[0]}={dev}"


def of_route(sock: Socket, body: bytes, has: dict[int, bytes], names: dict[int, str]) -> str:
    """A route, of which *has* are the attributes; with a nexthop object it is named by that alone."""
    head = body[:8] + _U32.pack(_U32.unpack_from(body, 8)[0] & (RTNH_F_ONLINK | RTNH_F_PERVASIVE))
    if RTA_NH_ID not in has:
        return _with_names(head + body[ROUTE:], _numbers(has), names)
    if head[7] == RTN_BLACKHOLE:  # what its nexthop is; the route itself is an ordinary one
        head = head[:7] + bytes([RTN_UNICAST]) + head[8:]
    kept = (attribute(kind, value) for kind, value in has.items() if kind not in (RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA))
    needed = _nexthops(sock, _U32.unpack(has[RTA_NH_ID])[0], names)
    return ";".join([*needed, (head + b"".join(kept)).hex()])


def _with_names(body: bytes, numbers: list[int], names: dict[int, str]) -> str:
    return " ".join([body.hex(), *(f"{number}={names[number]}" for number in dict.fromkeys(numbers) if number in names)])


def _numbers(has: dict[int, bytes]) -> list[int]:
    """The interfaces of a route: its own, or one for each of several ways."""
    found = [_U32.unpack(has[RTA_OIF])[0]] if RTA_OIF in has else []
    return found + [_U32.unpack_from(has[RTA_MULTIPATH], at + 4)[0] for at in _ways(has.get(RTA_MULTIPATH, b""))]


def _ways(ways: bytes) -> Iterator[int]:
    """Where each of several ways begins (struct rtnexthop)."""
    at = 0
    while at + 8 <= len(ways):
        yield at
        at += max(8, (struct.unpack_from("=H", ways, at)[0] + 3) & ~3)


def _nexthops(sock: Socket, number: int, names: dict[int, str]) -> list[str]:
    """A nexthop object, behind those that it is a group of."""
    (body,) = sock.ask(RTM_GETNEXTHOP, [bytes(NEXTHOP) + attribute(NHA_ID, _U32.pack(number))])
    if body is None:  # it went this moment
        return []
    has = {kind: value for kind, value in attributes(body, NEXTHOP).items() if kind in NHA_TAKEN}
    members = [_U32.unpack_from(has[NHA_GROUP], at)[0] for at in range(0, len(has.get(NHA_GROUP, b"")), 8)]
    if NHA_RES_GROUP in has:
        parts = attributes(has.pop(NHA_RES_GROUP))
        kept = (attribute(kind, value) for kind, value in parts.items() if kind != NHA_RES_GROUP_UNBALANCED_TIME)
        has[NHA_RES_GROUP | NESTED] = b"".join(kept)
    head = bytes([body[0], 0, body[2], 0]) + _U32.pack(_U32.unpack_from(body, 4)[0] & RTNH_F_ONLINK)
    numbers = [_U32.unpack(has[NHA_OIF])[0]] if NHA_OIF in has else []
    own = _with_names(head + b"".join(attribute(kind, value) for kind, value in has.items()), numbers, names)
    return [*(words for member in members for words in _nexthops(sock, member, names)), own]


def body(text: str, head: int, oif: int, index: Callable[[str], int]) -> bytes:
    """The message that *text* tells, with the numbers that interfaces have now; *oif* is the attribute that holds one."""
    first, *named = text.split(" ")
    old = bytes.fromhex(first)
    names = (words.partition("=") for words in named)
    numbers = {int(number): index(name) for number, _, name in names}
    if not numbers:
        return old
    if head == ADDRESS and oif == 0:
        return old[:4] + _now(old[4:8], numbers) + old[8:]
    has = attributes(old, head)
    if oif in has:
        has[oif] = _now(has[oif], numbers)
    if head == ROUTE and RTA_MULTIPATH in has:
        ways = bytearray(has[RTA_MULTIPATH])
        for at in _ways(has[RTA_MULTIPATH]):
            ways[at + 4 : at + 8] = _now(ways[at + 4 : at + 8], numbers)
        has[RTA_MULTIPATH] = bytes(ways)
    return old[:head] + b"".join(attribute(kind, value) for kind, value in has.items())


def _now(number: bytes, numbers: dict[int, int]) -> bytes:
    (old,) = _U32.unpack(number)
    return _U32.pack(numbers.get(old, old))


def nexthop(text: str, index: Callable[[str], int]) -> bytes:
    """The message that makes a nexthop object."""
    return body(text, NEXTHOP, NHA_OIF, index)


def route(text: str, index: Callable[[str], int]) -> bytes:
    """The message that makes or deletes a route."""
    return body(text, ROUTE, RTA_OIF, index)


def address(text: str, index: Callable[[str], int]) -> bytes:
    """The message that makes or deletes an address."""
    return body(text, ADDRESS, 0, index)
