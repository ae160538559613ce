"""
The interfaces of a namespace, read back from the kernel as plain data.

Layouts: linux/rtnetlink.h, linux/if_link.h.
"""

from __future__ import annotations

import struct
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
from podnet_lab.printable_names import printable

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

_I32, _U32 = struct.Struct("=i"), struct.Struct("=I")
_LINK = struct.Struct("=BxHiII")


def _u32(data: bytes) -> int:
    return _U32.unpack(data)[0]


def links(sock: Socket) -> list[dict[str, Any]]:
    """Every interface, with the numbers of master and peer still to be named; *card* is the MAC that a real card was made with."""
    links = []
    for body in sock.dump(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_EXT_MASK, _U32.pack(RTEXT_FILTER_SKIP_STATS))):
        _, hardware, index, flags, _ = _LINK.unpack_from(body)
        given = attributes(body, 16)
        info = attributes(given[IFLA_LINKINFO]) if IFLA_LINKINFO in given else {}
        kind = info.get(IFLA_INFO_KIND, b"").rstrip(b"\0").decode()
        links.append(
            {
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
                **({"aliases": _aliases(given)} if IFLA_IFALIAS in given or IFLA_PROP_LIST in given else {}),
                "data": info.get(IFLA_INFO_DATA, b""),
                "info": "" if not kind or codecs.has_folder(kind) else given[IFLA_LINKINFO].hex(),
            }
        )
    names = {link["index"]: link["name"] for link in links}
    for link in links:
        data = link.pop("data")
        link["settings"] = codecs.decode(link["kind"], data, names) if data else {}
    return links


def _other(kind: str, index: int, given: dict[int, bytes]) -> dict[str, Any]:
    """The number of the other end of a cable, or of what the interface sits on (0: neither), and of the namespace that given it."""
    other = _u32(given[IFLA_LINK]) if IFLA_LINK in given else 0
    there = _I32.unpack(given[IFLA_LINK_NETNSID])[0] if IFLA_LINK_NETNSID in given else None
    paired = codecs.codec_flag(kind, "PAIRED")
    lower = other if not paired and (other != index or there is not None) else 0
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
