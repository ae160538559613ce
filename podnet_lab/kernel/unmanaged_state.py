"""
The kernel state that no step of the lesson manages: nftables, policy rules, qdiscs, nexthop objects, settings, the host name.

Read once when a node is new, as plain data; a reset brings the node back to it, and says what that took.
Numbers: linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h, linux/fib_rules.h, linux/pkt_sched.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, Refused, Socket
from podnet_lab.kernel.sysctl import write_sysctl

NETLINK_NETFILTER = 12
NFT, NEWTABLE, GETTABLE, DELTABLE, BATCH_BEGIN, BATCH_END = 10, 0, 1, 2, 0x10, 0x11
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTM_DELQDISC, RTM_GETQDISC = 37, 38
RTM_DELNEXTHOP, RTM_GETNEXTHOP = 105, 106
SETTINGS = "/proc/sys/net"
FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
"""The families of nftables, by the kernel's numbers."""


@contextmanager
def _socket(protocol: int = 0) -> Iterator[Socket]:
    made = Socket(protocol)
    try:
        yield made
    finally:
        made.close()


def tables() -> list[tuple[int, str]]:
    """(family, name) of every nftables table here; none where the kernel has no nftables."""
    try:
        with _socket(NETLINK_NETFILTER) as sock:
            bodies = sock.dump(NFT << 8 | GETTABLE, struct.pack("!BBH", 0, 0, 0))
    except OSError:
        return []
    return [(body[0], attributes(body, 4)[1].rstrip(b"\0").decode()) for body in bodies]


def add_table(name: str) -> None:
    """Make an empty nftables table of the family ip; OSError where the kernel has no nftables."""
    _transaction([(NFT << 8 | NEWTABLE, NLM_F_CREATE_NEW, struct.pack("!BBH", 2, 0, 0) + attribute(1, name.encode() + b"\0"))])


def _transaction(messages: list[tuple[int, int, bytes]]) -> None:
    frame = struct.pack("!BBH", 0, 0, NFT)
    with _socket(NETLINK_NETFILTER) as sock:
        sock.transaction([(BATCH_BEGIN, 0, frame), *messages, (BATCH_END, 0, frame)], answered=range(1, len(messages) + 1))


def remove_tables(surplus: list[tuple[int, str]]) -> None:
    """Delete nftables tables with all that is in them, in one transaction."""
    _transaction(
        [(NFT << 8 | DELTABLE, 0, struct.pack("!BBH", family, 0, 0) + attribute(1, name.encode() + b"\0")) for family, name in surplus]
    )


def rules() -> list[str]:
    """Every IPv4 policy rule, as the kernel's own bytes in hexadecimal: sent back, they make or delete that rule."""
    with _socket() as sock:
        return [body.hex() for body in sock.dump(RTM_GETRULE, struct.pack("=B11x", socket.AF_INET))]


def queues() -> dict[str, list[tuple[str, int, int]]]:
    """(kind, handle, parent) of the queueing disciplines of each interface."""
    by_dev: dict[str, list[tuple[str, int, int]]] = {}
    with _socket() as sock:
        for body in sock.dump(RTM_GETQDISC, struct.pack("=BxxxiIII", 0, 0, 0, 0, 0)):
            _, index, handle, parent, _ = struct.unpack_from("=BxxxiIII", body)
            with suppress(OSError):  # the interface went this moment
                kind = attributes(body, 20)[1].rstrip(b"\0").decode()
                by_dev.setdefault(socket.if_indextoname(index), []).append((kind, handle, parent))
    return by_dev


def nexthops() -> list[int]:
    """The numbers of the nexthop objects here; none where the kernel has no such thing."""
    try:
        with _socket() as sock:
            return [struct.unpack("=I", attributes(body, 8)[1])[0] for body in sock.dump(RTM_GETNEXTHOP, bytes(8))]
    except OSError:
        return []


def settings() -> dict[str, str]:
    """Every setting of this namespace's network that can be read and written, by its path below /proc/sys/net."""
    values = {}
    for folder, _, names in os.walk(SETTINGS):
        for name in names:
            path = os.path.join(folder, name)
            with suppress(OSError):
                if os.access(path, os.R_OK | os.W_OK):
                    with open(path) as file:
                        values[os.path.relpath(path, "/proc/sys/net")] = file.read().strip()
    return values


def read() -> dict[str, Any]:
    """All of these, as plain data."""
    return {
        "tables": tables(),
        "rules": rules(),
        "queues": queues(),
        "nexthops": nexthops(),
        "settings": settings(),
        "host": socket.gethostname(),
    }


def restore(then: dict[str, Any]) -> list[str]:
    """Bring this namespace back to what `read` returned then; returns what was undone, in words."""
    parts = (_restore_tables, _restore_rules, _restore_queues, _restore_nexthops, _restore_settings, _restore_host)
    return [words for part in parts for words in part(then)]


def _restore_nexthops(then: dict[str, Any]) -> list[str]:
    undone = []
    for number in (nexthop for nexthop in nexthops() if nexthop not in then["nexthops"]):
        with _socket() as sock, suppress(Refused):  # it went with the group that it was in
            sock.request([(RTM_DELNEXTHOP, 0, bytes(8) + attribute(1, struct.pack("=I", number)))])
            undone.append(f"ip nexthop del id {number}")
    return undone


def _restore_host(then: dict[str, Any]) -> list[str]:
    if socket.gethostname() == then["host"]:
        return []
    socket.sethostname(then["host"])
    return [f"hostname {then['host']}"]


def _restore_tables(then: dict[str, Any]) -> list[str]:
    known = {tuple(table) for table in then["tables"]}
    undone = []
    for family, name in (table for table in tables() if table not in known):
        words = f"{FAMILIES.get(family, family)} {name}"
        try:
            remove_tables([(family, name)])
            undone.append(f"nft delete table {words}")
        except Refused as refusal:  # a program that still runs may own it
            undone.append(f"(the nft table {words} stays: {refusal.strerror.lower()})")
    return undone


def _restore_rules(then: dict[str, Any]) -> list[str]:
    now, undone = rules(), []
    with _socket() as sock:
        for body in (rule for rule in now if rule not in then["rules"]):
            sock.request([(RTM_DELRULE, 0, bytes.fromhex(body))])
            undone.append(f"ip rule del priority {_priority(body)}")
        for body in (rule for rule in then["rules"] if rule not in now):
            sock.request([(RTM_NEWRULE, NLM_F_CREATE_NEW, bytes.fromhex(body))])
            undone.append(f"ip rule add priority {_priority(body)}")
    return undone


def _priority(body: str) -> int:
    return struct.unpack("=I", attributes(bytes.fromhex(body), 12).get(6, bytes(4)))[0]


def _restore_queues(then: dict[str, Any]) -> list[str]:
    undone = []
    for dev, now in queues().items():
        was = [tuple(queue) for queue in then["queues"].get(dev, now)]
        for kind, handle, parent in now:
            if (kind, handle, parent) not in was and handle:
                body = struct.pack("=BxxxiIII", 0, socket.if_nametoindex(dev), handle, parent, 0)
                with _socket() as sock, suppress(Refused):  # it went with the one above it
                    sock.request([(RTM_DELQDISC, 0, body)])
                    undone.append(f"tc qdisc del dev {dev} ({kind})")
    return undone


def _restore_settings(then: dict[str, Any]) -> list[str]:
    now, undone = settings(), []
    for path, value in then["settings"].items():
        if path in now and now[path] != value:
            with suppress(OSError):  # one that the kernel keeps in step with another, or takes in another form
                write_sysctl(path, value)
                undone.append(f"sysctl -w net/{path}={value}")
    return undone
