"""IPsec: policies and states, and what is done where no policy fits. Numbers: linux/xfrm.h."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Refused
from podnet_lab.kernel.unmanaged.base import Kind, Look, opened

NETLINK_XFRM = 6
NEWSA, GETSA, NEWPOLICY, GETPOLICY, FLUSHSA, FLUSHPOLICY, SETDEFAULT, GETDEFAULT = 16, 18, 19, 21, 28, 29, 39, 40
SELECTOR, LIFETIMES, LIFETIME_NOW = 56, 64, 32
IPSEC_PROTO_ANY = 255
POLICY_NOW = SELECTOR + LIFETIMES
STATE_NOW = SELECTOR + 16 + 8 + 16 + LIFETIMES  # selector, id (with padding), source address, limits
STATISTICS = 12


class Xfrm(Kind):
    """The kernel's own messages, in words; counters and times are left out."""

    name = "ip xfrm"

    def read(self, look: Look) -> dict[str, Any]:
        try:
            with opened(NETLINK_XFRM) as sock:
                policies = [_without(body, POLICY_NOW, LIFETIME_NOW) for body in sock.dump(GETPOLICY, bytes(64))]
                states = [_without(body, STATE_NOW, LIFETIME_NOW + STATISTICS) for body in sock.dump(GETSA, b"")]
                (default,) = _default(sock)
        except OSError:
            return {}
        return {"policy": sorted(policies), "state": sorted(states), "policy default": default}

    def restore(self, look: Look, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        if not now:
            return []
        words = []
        with opened(NETLINK_XFRM) as sock:
            for what, flush, add in (
                ("policy", (FLUSHPOLICY, 0, b""), NEWPOLICY),
                ("state", (FLUSHSA, 0, bytes([IPSEC_PROTO_ANY])), NEWSA),
            ):
                was = then.get(what, [])
                if now[what] != was:
                    with suppress(Refused):  # there is none to flush
                        sock.request([flush])
                    words.append(f"ip xfrm {what} flush")
                    for body in was:
                        with suppress(Refused):
                            sock.request([(add, NLM_F_CREATE_NEW, bytes.fromhex(body))])
                            words.append(f"ip xfrm {what} add (one that was there)")
            if now["policy default"] != then.get("policy default", now["policy default"]):
                with suppress(Refused):
                    sock.request([(SETDEFAULT, 0, bytes.fromhex(then["policy default"]))])
                    words.append("ip xfrm policy setdefault (as it was)")
        return words

    def left(self, now: dict[str, Any], then: dict[str, Any]) -> list[str]:
        return [
            f"ip xfrm {what} is not as it was" for what in now if now[what] != then.get(what, [] if what != "policy default" else now[what])
        ]


def _without(body: bytes, start: int, length: int) -> str:
    return (body[:start] + bytes(length) + body[start + length :]).hex()


def _default(sock: Any) -> list[str]:
    """What is done with packets that no policy fits, in, forwarded and out; "" where the kernel has no such setting."""
    return [(body[:3] if body else b"").hex() for body in sock.ask(GETDEFAULT, [struct.pack("=BBB", 0, 0, 0)])]
