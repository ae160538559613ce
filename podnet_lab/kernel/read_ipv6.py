"""
IPv6 addresses and routes that somebody made, with what makes them again; what the kernel makes by itself is left to it.

Layouts: linux/if_addr.h, linux/rtnetlink.h.
"""

from __future__ import annotations

import socket
import struct

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel import replay
from podnet_lab.kernel.encode import RTM_GETADDR, RTM_GETROUTE
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.unmanaged.base import inet
from podnet_lab.kernel.unmanaged.ip_objects import Addresses, Routes
from podnet_lab.printable_names import quoted

IFA_F_PERMANENT = 0x80
RT_SCOPE_UNIVERSE = 0
RTPROT_REDIRECT = 1
LOCAL_TABLE = 255
_U32 = struct.Struct("=I")
_OF_ADDRESSES = struct.pack("=BBBBI", socket.AF_INET6, 0, 0, 0, 0)
_OF_ROUTES = struct.pack("=BxxxBBBBI", socket.AF_INET6, 0, 0, 0, 0, 0)


def entries(sock: Socket, names: dict[int, str]) -> list[tuple[str, str, str, str]]:
    """What `podnet_lab.model.Ipv6Entry` holds, of every address and then of every route; nothing where there is no IPv6."""
    try:
        return [*_addresses(sock, names), *_routes(sock, names)]
    except Refused:
        return []


def _addresses(sock: Socket, names: dict[int, str]) -> list[tuple[str, str, str, str]]:
    found = []
    for body in sock.dump(RTM_GETADDR, _OF_ADDRESSES):
        if body[3] != RT_SCOPE_UNIVERSE:
            continue  # most: each interface gives itself one of its link
        has, dev = attributes(body, 8), names.get(_U32.unpack_from(body, 4)[0])
        lasting = _U32.unpack(has.get(Addresses.FLAGS, bytes(4)))[0] & IFA_F_PERMANENT
        if dev is not None and lasting and has.get(Addresses.PROTO) not in Addresses.KERNELS:
            ip = inet(socket.AF_INET6, has.get(Addresses.LOCAL, has[Addresses.ADDRESS]))
            found.append(("addr", dev, f"{ip}/{body[1]} dev {quoted(dev)}", replay.of_address(body, dev)))
    return found


def _routes(sock: Socket, names: dict[int, str]) -> list[tuple[str, str, str, str]]:
    found = []
    for body in sock.dump(RTM_GETROUTE, _OF_ROUTES):
        by_itself = body[5] in (*Routes.KERNELS, RTPROT_REDIRECT) or body[4] == LOCAL_TABLE
        if not (by_itself or _U32.unpack_from(body, 8)[0] & Routes.CLONED):
            has = {kind: value for kind, value in attributes(body, 12).items() if kind not in Routes.ignored}
            dev = names.get(_U32.unpack(has[Routes.OIF])[0], "") if Routes.OIF in has else ""
            found.append(("route", dev, _words(body, has, dev), replay.of_route(sock, body, has, names)))
    return found


def _words(body: bytes, has: dict[int, bytes], dev: str) -> str:
    what = Routes().describe(body, has, dev).partition(" | ")[2]
    gateway = f" via {inet(socket.AF_INET6, has[Routes.GATEWAY])}" if Routes.GATEWAY in has else ""
    metric = f" metric {_U32.unpack(has[Routes.PRIORITY])[0]}" if Routes.PRIORITY in has else ""
    return f"{what}{gateway}{metric}"
