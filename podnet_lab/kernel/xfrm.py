"""IPsec policies of this thread's network namespace, as plain data. Layouts: linux/xfrm.h."""

from __future__ import annotations

import socket
import struct
from typing import Any

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.unmanaged.xfrm import GETDEFAULT, GETPOLICY, NETLINK_XFRM

XFRMA_TMPL, XFRMA_MARK, XFRMA_IF_ID = 5, 21, 31
POLICY_SIZE, TEMPLATE_SIZE = 168, 64
DIRECTIONS, ACTIONS = ("in", "out", "fwd"), ("allow", "block")
DEFAULTS = ("", "block", "accept")
_SELECTOR = struct.Struct("=16s16sHHHHHBBBxxxiI")


def xfrm(names: dict[int, str]) -> dict[str, Any]:
    """The IPv4 policies, what holds where none fits, by direction, and why they can't be read ("" if they can)."""
    try:
        sock = Socket(NETLINK_XFRM)
    except OSError:  # the kernel has no IPsec
        return {"policies": [], "default": {}, "unreadable": ""}
    try:
        return {"policies": _policies(sock, names), "default": _default(sock), "unreadable": ""}
    except Refused as refusal:
        return {"policies": [], "default": {}, "unreadable": f"IPsec policies ({refusal.strerror.lower()})"}
    finally:
        sock.close()


def _policies(sock: Socket, names: dict[int, str]) -> list[dict[str, Any]]:
    policies = []
    for body in sock.dump(GETPOLICY, b""):
        to, source, dport, _, sport, _, family, to_len, source_len, protocol, index, user = _SELECTOR.unpack_from(body)
        priority, _, direction, action = struct.unpack_from("=IIBB", body, 152)
        if family == socket.AF_INET and direction < len(DIRECTIONS):
            has = attributes(body, POLICY_SIZE)
            policies.append(
                {
                    "direction": DIRECTIONS[direction],
                    "action": ACTIONS[action],
                    "priority": priority,
                    "source": f"{socket.inet_ntoa(source[:4])}/{source_len}",
                    "to": f"{socket.inet_ntoa(to[:4])}/{to_len}",
                    "protocol": protocol,
                    "dev": names.get(index, "?") if index else "",
                    "transforms": len(has.get(XFRMA_TMPL, b"")) // TEMPLATE_SIZE,
                    "other": bool(dport or sport or user or XFRMA_MARK in has or XFRMA_IF_ID in has),
                }
            )
    return policies


def _default(sock: Socket) -> dict[str, str]:
    (answer,) = sock.ask(GETDEFAULT, [bytes(4)])
    return {} if answer is None else dict(zip(("in", "fwd", "out"), (DEFAULTS[value] for value in answer[:3]), strict=True))
