"""
The kernel's own routing, asked for single packets, as ``ip route get`` does (inet_rtm_getroute in the kernel's net/ipv4/route.c).

It goes through policy rules, tables, nexthop objects, reverse-path filter and forwarding, as a real packet would. Numbers:
linux/rtnetlink.h.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.encode import ROUTE_KINDS, RTM_GETROUTE
from podnet_lab.kernel.netlink import Socket

RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC, RTA_METRICS, RTA_MARK, RTA_VIA = 1, 2, 3, 4, 5, 7, 8, 16, 18
RTA_ENCAP_TYPE, RTA_IP_PROTO, RTA_SPORT, RTA_DPORT = 21, 27, 28, 29
RTAX_MTU, RTAX_HOPLIMIT = 2, 10
RTM_F_LOOKUP_TABLE = 0x1000
ANY_PORT = 40000
"""The sender's port, which nobody knows before: any that a kernel may draw."""

_U32 = struct.Struct("=I")
_KINDS = {number: kind for kind, number in ROUTE_KINDS.items()}


def route_queries(sock: Socket, names: dict[int, str], queries: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """What `podnet_lab.model.RouteAnswer` holds, for each (to, source, iif, protocol, port, mark, tos)."""
    indexes = {name: index for index, name in names.items()}
    known = [query for query in queries if not query[2] or query[2] in indexes]
    answers = dict(zip(map(tuple, known), sock.ask_each(RTM_GETROUTE, [_query(query, indexes) for query in known]), strict=True))
    return [_answer(answers.get(tuple(query), errno.ENODEV), names) for query in queries]


def _query(query: Sequence[Any], indexes: dict[str, int]) -> bytes:
    to, source, iif, protocol, port, mark, tos = query
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 32 if source else 0, tos, 0, 0, 0, 0, RTM_F_LOOKUP_TABLE)
    body += attribute(RTA_DST, socket.inet_aton(to))
    body += attribute(RTA_IP_PROTO, bytes([protocol])) if protocol else b""
    body += attribute(RTA_SRC, socket.inet_aton(source)) if source else b""
    body += attribute(RTA_IIF, _U32.pack(indexes[iif])) if iif else b""
    body += attribute(RTA_MARK, _U32.pack(mark)) if mark else b""
    if port:
        body += attribute(RTA_SPORT, struct.pack("!H", ANY_PORT)) + attribute(RTA_DPORT, struct.pack("!H", port))
    return body


def _answer(body: bytes | int, names: dict[int, str]) -> dict[str, Any]:
    if isinstance(body, int):
        return {"error": body}
    has = attributes(body, 12)
    metrics = attributes(has.get(RTA_METRICS, b""))
    via = has.get(RTA_VIA, b"")
    return {
        "kind": _KINDS.get(body[7], str(body[7])),
        "via": socket.inet_ntoa(has[RTA_GATEWAY]) if RTA_GATEWAY in has else None,
        "via6": socket.inet_ntop(socket.AF_INET6, via[2:]) if len(via) == 18 else "",
        "dev": names.get(_U32.unpack(has[RTA_OIF])[0], "") if RTA_OIF in has else "",
        "source": socket.inet_ntoa(has[RTA_PREFSRC]) if RTA_PREFSRC in has else None,
        "mtu": _U32.unpack(metrics[RTAX_MTU])[0] if RTAX_MTU in metrics else 0,
        "hop_limit": _U32.unpack(metrics[RTAX_HOPLIMIT])[0] if RTAX_HOPLIMIT in metrics else 0,
        "encapsulated": RTA_ENCAP_TYPE in has,
    }
