"""
The interfaces of a namespace, read back from the kernel as plain data.

Layouts: linux/rtnetlink.h, linux/if_link.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from podnet_lab.devices import codecs
from podnet_lab.devices.nlattr import attribute, attributes, repeated
from podnet_lab.kernel.encode import (
    IFF_NOARP,
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    RTM_GETLINK,
)
from podnet_lab.kernel.netlink import Socket
from podnet_lab.printable_names import printable, raw

IFF_LOWER_UP = 0x10000
IFLA_BRPORT_STATE = 1
PORT_FLAGS = {
    33: ("isolated", b"\0"),
    4: ("hairpin", b"\0"),
    8: ("learning", b"\1"),
    9: ("flood", b"\1"),
    10: ("proxy_arp", b"\0"),
    12: ("proxy_arp_wifi", b"\0"),
    29: ("vlan_tunnel", b"\0"),
    30: ("bcast_flood", b"\1"),
    32: ("neigh_suppress", b"\0"),
    39: ("locked", b"\0"),
    40: ("mab", b"\0"),
}
"""A port's flags by their number (IFLA_BRPORT_…), and what a new port has; others change no IPv4 packet's way while the port is up."""
PORT_STATES = ("disabled", "listening", "learning", "", "blocking")
ARPHRD_LOOPBACK = 772
IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS = 29, 8
IFLA_PERM_ADDRESS = 54
IFLA_IFALIAS, IFLA_PROP_LIST = 20, 52
IFLA_AF_SPEC, IFLA_INET_CONF, ROUTE_LOCALNET = 26, 1, 26
"""The third is the number of a setting in the table of all IPv4 settings that a kernel gives for each interface (linux/ip.h)."""

IFLA_STATS, IFLA_STATS64 = 7, 23
_U16, _I32, _U32 = struct.Struct("=H"), struct.Struct("=i"), struct.Struct("=I")
_STATISTICS = [struct.pack("=HH", 4 + 8 * counters, IFLA_STATS64) for counters in (25, 24, 23)]
"""How the 64-bit counters of an interface begin, on this kernel and on older ones; the 32-bit ones follow (linux/if_link.h)."""

_LINK = struct.Struct("=BxHiII")
_NO_STATISTICS = attribute(IFLA_EXT_MASK, _U32.pack(RTEXT_FILTER_SKIP_STATS))


def _u32(data: bytes) -> int:
    return _U32.unpack(data)[0]


def without_statistics(body: bytes) -> bytes:
    """What the kernel says of an interface without its counters, which change with each packet; all of it where they are not found."""
    for header in _STATISTICS:
        at = body.find(header, _LINK.size)
        if at >= 0 and body.find(header, at + 1) < 0 and not at % 4:  # twice: one of them is something else that looks like it
            (length,) = _U16.unpack_from(header)
            following = at + length
            if body[following + 2 : following + 4] == _U16.pack(IFLA_STATS):
                return body[:at] + body[following + _U16.unpack_from(body, following)[0] :]
    return body


def is_first(body: bytes) -> bool:
    """Whether it is the interface with which a namespace was made: its loopback."""
    return _LINK.unpack_from(body)[2] == 1


def decode_link(body: bytes) -> dict[str, Any]:
    """One interface, of what the kernel says of it, with all that has to be looked up elsewhere still as numbers."""
    _, hardware, index, flags, _ = _LINK.unpack_from(body)
    given = attributes(body, 16)
    info = attributes(given[IFLA_LINKINFO]) if IFLA_LINKINFO in given else {}
    kind = info.get(IFLA_INFO_KIND, b"").rstrip(b"\0").decode()
    return {
        "name": printable(given[IFLA_IFNAME].rstrip(b"\0")),
        "kind": kind or ("loopback" if hardware == ARPHRD_LOOPBACK else "physical"),
        "up": bool(flags & IFF_UP),
        "carrier": bool(flags & IFF_LOWER_UP),
        "arp": not flags & IFF_NOARP,
        "mac": given.get(IFLA_ADDRESS, b"").hex(":"),
        "card": given.get(IFLA_PERM_ADDRESS, b"").hex(":") if not kind else "",
        "mtu": _u32(given[IFLA_MTU]),
        "index": index,
        "port": _port(info, flags),
        "master_index": _u32(given[IFLA_MASTER]) if IFLA_MASTER in given else 0,
        **_other(kind, index, given),
        "route_localnet": _routes_localnet(given),
        **({"aliases": _aliases(given)} if IFLA_IFALIAS in given or IFLA_PROP_LIST in given else {}),
        "data": info.get(IFLA_INFO_DATA, b""),
        "info": "" if not kind or codecs.has_folder(kind) else given[IFLA_LINKINFO].hex(),
    }


def links(sock: Socket, decode: Callable[[bytes], dict[str, Any]] = decode_link) -> list[dict[str, Any]]:
    """
    Every interface, with the numbers of master and peer still to be named; *card* is the MAC that a real card was made with.

    *decode* does what `decode_link` does, for one who looks at the same interfaces again and again.
    """
    found = [decode(body) for body in sock.dump(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0) + _NO_STATISTICS)]
    return _with_settings(found, {link["index"]: link["name"] for link in found})


def links_called(sock: Socket, wanted: Iterable[str], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """
    The same of those interfaces alone that have one of the names *wanted*, and of what they hang on here; *names* are of all.

    What this costs does not grow with the other interfaces that there are.
    """
    found: dict[int, dict[str, Any]] = {}
    asked = [_LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, raw(name) + b"\0") + _NO_STATISTICS for name in sorted(wanted)]
    while asked:
        answered = [decode_link(body) for body in sock.ask(RTM_GETLINK, asked) if body]
        found |= {link["index"]: link for link in answered}
        below = {link[what] for link in answered for what in ("master_index", "lower_index", "peer_index") if link["nsid"] is None}
        masters = {link["master_index"] for link in answered}
        asked = [_LINK.pack(0, 0, index, 0, 0) + _NO_STATISTICS for index in sorted((below | masters) - {0, *found})]
    return _with_settings(list(found.values()), names)


def _with_settings(links: list[dict[str, Any]], names: Mapping[int, str]) -> list[dict[str, Any]]:
    for link in links:
        data = link.pop("data")
        link["settings"] = codecs.decode(link["kind"], data, names) if data else {}
        if link["nsid"] is not None and codecs.codec_flag(link["kind"], "BY_SOCKET"):
            link["settings"]["made_in"] = "another namespace"
    return links


def _routes_localnet(given: dict[int, bytes]) -> bool:
    """Whether 127.0.0.0/8 may come and go by an interface (net.ipv4.conf.NAME.route_localnet)."""
    table = attributes(attributes(given.get(IFLA_AF_SPEC, b"")).get(socket.AF_INET, b"")).get(IFLA_INET_CONF, b"")
    return len(table) >= 4 * ROUTE_LOCALNET and bool(_U32.unpack_from(table, 4 * (ROUTE_LOCALNET - 1))[0])


def _other(kind: str, index: int, given: dict[int, bytes]) -> dict[str, Any]:
    """The number of the other end of a cable, or of what the interface sits on (0: neither), and of the namespace that given it."""
    other = _u32(given[IFLA_LINK]) if IFLA_LINK in given else 0
    there = _I32.unpack(given[IFLA_LINK_NETNSID])[0] if IFLA_LINK_NETNSID in given else None
    paired = codecs.codec_flag(kind, "PAIRED")
    sits = not paired and not codecs.codec_flag(kind, "BY_SOCKET")
    lower = other if sits and (other != index or there is not None) else 0
    return {"peer_index": other if paired else 0, "lower_index": lower, "nsid": there if other else None}


def _aliases(given: dict[int, bytes]) -> list[str]:
    """The names of an interface beside its own (each an IFLA_ALT_IFNAME in the list), and the note that it has."""
    names = repeated(given.get(IFLA_PROP_LIST, b""))
    return [printable(name.rstrip(b"\0")) for name in (*names, *([given[IFLA_IFALIAS]] if IFLA_IFALIAS in given else []))]


def _port(info: dict[int, bytes], flags: int) -> str:
    """What is unusual about a bridge's port: its state, once its cable is in order, and its flags, as ``bridge -d link`` says them."""
    if IFLA_INFO_SLAVE_DATA not in info:
        return ""
    port = attributes(info[IFLA_INFO_SLAVE_DATA])
    up = flags & IFF_UP and flags & IFF_LOWER_UP  # the bridge disables a port whose cable is down, and that is said elsewhere
    state = PORT_STATES[port[IFLA_BRPORT_STATE][0]] if IFLA_BRPORT_STATE in port and up else ""
    unusual = ((name, port[number][0]) for number, (name, usual) in PORT_FLAGS.items() if port.get(number, usual) != usual)
    flags = (name if on else f"{name} off" for name, on in unusual)
    return ", ".join([*([state] if state else []), *flags])
