"""Multipath TCP: its endpoints and limits (`ip mptcp`). Numbers: linux/mptcp_pm.h, linux/genetlink.h."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.unmanaged.base import Kind, Look, inet, opened

NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
NAME, VERSION = b"mptcp_pm\0", 1
ADD_ADDR, GET_ADDR, FLUSH_ADDRS, SET_LIMITS, GET_LIMITS = 1, 3, 4, 5, 6
ATTR_ADDR, ATTR_RCV_ADD_ADDRS, ATTR_SUBFLOWS = 1, 2, 3
ADDR_ID, ADDR4, ADDR6, ADDR_IF_IDX = 2, 3, 4, 7
NESTED, HEAD = 0x8000, 4
LIMITS = "limits"
_U32 = struct.Struct("=I")


def _message(command: int, body: bytes = b"", version: int = VERSION) -> bytes:
    return struct.pack("=BBH", command, version, 0) + body


class Mptcp(Kind):
    """Each endpoint by its number, and the limits; empty where the kernel has no MPTCP."""

    name = "ip mptcp"

    def read(self, look: Look) -> dict[str, Any]:
        with _asked() as (sock, family):
            if family is None:
                return {}
            found = {}
            for body in sock.dump(family, _message(GET_ADDR)):
                has = attributes(attributes(body, HEAD)[ATTR_ADDR])
                dev = look.names.get(_U32.unpack(has.pop(ADDR_IF_IDX))[0], "") if ADDR_IF_IDX in has else ""
                found[f"endpoint {_told(has, dev)}"] = {"dev": dev, "attributes": [[kind, value.hex()] for kind, value in has.items()]}
            (limits,) = sock.ask(family, [_message(GET_LIMITS)])
            has = attributes(limits or b"", HEAD)
            return found | {LIMITS: [_U32.unpack(has[kind])[0] for kind in (ATTR_RCV_ADD_ADDRS, ATTR_SUBFLOWS) if kind in has]}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        words = []
        with _asked() as (sock, family):
            if family is None:
                return []
            told = Look(sock)
            if _endpoints(now) != _endpoints(then):
                words += ["ip mptcp endpoint flush"] if told.tell(family, 0, _message(FLUSH_ADDRS)) and _endpoints(now) else []
                for key, endpoint in _endpoints(then).items():
                    words += [f"ip mptcp {key.replace(' ', ' add ', 1)}"] if told.tell(family, 0, _made(look, endpoint)) else []
            if (limits := then.get(LIMITS)) and now.get(LIMITS) != limits:
                accepted, subflows = limits
                body = attribute(ATTR_RCV_ADD_ADDRS, _U32.pack(accepted)) + attribute(ATTR_SUBFLOWS, _U32.pack(subflows))
                command = f"ip mptcp limits set subflow {subflows} add_addr_accepted {accepted}"
                words += [command] if told.tell(family, 0, _message(SET_LIMITS, body)) else []
        return words


def _endpoints(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != LIMITS}


def _told(has: dict[int, bytes], dev: str) -> str:
    """An endpoint as `ip mptcp` takes it."""
    address = inet(socket.AF_INET, has[ADDR4]) if ADDR4 in has else inet(socket.AF_INET6, has[ADDR6]) if ADDR6 in has else ""
    return f"{address} id {has.get(ADDR_ID, bytes(1))[0]}{f' dev {dev}' if dev else ''}"


def _made(look: Look, endpoint: dict[str, Any]) -> bytes:
    """The message that makes an endpoint again, with the number that its interface has now."""
    number = look.links[endpoint["dev"]][0] if endpoint["dev"] in look.links else 0
    own = b"".join(attribute(kind, bytes.fromhex(value)) for kind, value in endpoint["attributes"])
    return _message(ADD_ADDR, attribute(ATTR_ADDR | NESTED, own + (attribute(ADDR_IF_IDX, struct.pack("=i", number)) if number else b"")))


@contextmanager
def _asked() -> Iterator[tuple[Socket, int | None]]:
    """A socket, and the number that this kernel has given to MPTCP; None if it has no such thing."""
    with opened(NETLINK_GENERIC) as sock:
        try:
            (answer,) = sock.ask(GENL_ID_CTRL, [_message(CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, NAME))])
        except Refused:
            answer = None
        yield sock, None if answer is None else struct.unpack("=H", attributes(answer, HEAD)[CTRL_ATTR_FAMILY_ID][:2])[0]
