"""A namespace's IPv4 policy rules, as plain data (linux/fib_rules.h)."""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.netlink import Socket
from podnet_lab.kernel.unmanaged_state import RTM_GETRULE
from podnet_lab.printable_names import printable

FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_PRIORITY, FRA_TABLE, FRA_OIFNAME = 1, 2, 3, 6, 15, 17
FRA_SUPPRESS_GROUP, FRA_SUPPRESS_PREFIX, FRA_PROTOCOL = 13, 14, 21
FRA_USUAL = {0, FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_PRIORITY, FRA_TABLE, FRA_OIFNAME, FRA_SUPPRESS_PREFIX, FRA_PROTOCOL}
FRA_ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
FIB_RULE_INVERT = 0x2
NO_GROUP = (FRA_SUPPRESS_GROUP, b"\xff\xff\xff\xff")

_I32, _U32 = struct.Struct("=i"), struct.Struct("=I")


def policy(sock: Socket) -> list[tuple]:
    """What `podnet_lab.model.PolicyRule` holds, of every IPv4 policy rule, in the order in which they are asked."""
    return sorted(map(_rule, sock.dump(RTM_GETRULE, struct.pack("=B11x", socket.AF_INET))), key=lambda rule: rule[0])


@lru_cache(64)  # all Pods have the same three, mostly
def _rule(body: bytes) -> tuple:
    fields = attributes(body, 12)
    _, to, source, tos, table, _, _, action, flags = struct.unpack_from("=BBBBBBBBI", body)
    extra = [f"tos {tos}"] if tos else []
    extra += ["not"] if flags & FIB_RULE_INVERT else []
    extra += [f"{kind}:{value.hex()}" for kind, value in fields.items() if kind not in FRA_USUAL and (kind, value) != NO_GROUP]
    return (
        _U32.unpack(fields[FRA_PRIORITY])[0] if FRA_PRIORITY in fields else 0,
        _U32.unpack(fields[FRA_TABLE])[0] if FRA_TABLE in fields else table,
        FRA_ACTIONS.get(action, str(action)),
        f"{socket.inet_ntoa(fields.get(FRA_SRC, bytes(4)))}/{source}",
        f"{socket.inet_ntoa(fields.get(FRA_DST, bytes(4)))}/{to}",
        printable(fields.get(FRA_IIFNAME, b"").rstrip(b"\0")),
        printable(fields.get(FRA_OIFNAME, b"").rstrip(b"\0")),
        _I32.unpack(fields[FRA_SUPPRESS_PREFIX])[0] if FRA_SUPPRESS_PREFIX in fields else -1,
        " ".join(extra),
    )
