"""
Requests as route-netlink messages: (type, flags, body) for `netlink.Socket.request`.

Ours and not pyroute2's because importing pyroute2 takes longer than starting a whole lab; a test holds every
message here against pyroute2's encoding of the same (tests/unit/test_encode.py).
Numbers: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h.
"""

from __future__ import annotations

import socket
import struct

from podnet_lab.devices.nlattr import attribute
from podnet_lab.kernel.netlink import NLM_F_CREATE_NEW, NLM_F_CREATE_OR_REPLACE
from podnet_lab.printable_names import raw

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_GETNETCONF, RTM_GETNSID = 82, 90

IFF_UP, IFF_NOARP = 0x1, 0x80
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 4, 5, 10, 18
IFLA_NET_NS_PID, IFLA_NET_NS_FD, IFLA_LINK_NETNSID = 19, 28, 37
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_BRPORT_MODE = 4
ROUTE_KINDS = {
    "unicast": 1,
    "local": 2,
    "broadcast": 3,
    "anycast": 4,
    "multicast": 5,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
    "throw": 9,
}
RTPROT_KERNEL, RTPROT_BOOT = 2, 3
NUD_PERMANENT, NUD_NOARP = 0x80, 0x40
AF_BRIDGE, NTF_SELF = 7, 0x2
NLM_F_CREATE_OR_APPEND = 0x400 | 0x800
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_HOST, RT_SCOPE_NOWHERE = 0, 253, 254, 255
RTNH_F_ONLINK = 0x4

Message = tuple[int, int, bytes]

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_U32 = struct.Struct("=I")


def _name(name: str) -> bytes:
    return attribute(IFLA_IFNAME, raw(name) + b"\0")


def link_add(
    name: str,
    kind: str,
    data: bytes = b"",
    lower: int | None = None,
    netns: int | None = None,
    mac: str = "",
    mtu: int = 0,
) -> Message:
    """
    ``ip link add NAME [link LOWER] [netns NAMESPACE] [address MAC] [mtu MTU] type KIND …``.

    *data* are the kind's settings (IFLA_INFO_DATA), *lower* is an interface's number, *netns* a descriptor.
    """
    body = _LINK.pack(0, 0, 0, 0, 0) + _name(name)
    if lower is not None:
        body += attribute(IFLA_LINK, _U32.pack(lower))
    if netns is not None:
        body += attribute(IFLA_NET_NS_FD, _U32.pack(netns))
    if mac:
        body += attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    if mtu:
        body += attribute(IFLA_MTU, _U32.pack(mtu))
    info = attribute(IFLA_INFO_KIND, kind.encode()) + (attribute(IFLA_INFO_DATA, data) if data else b"")
    return RTM_NEWLINK, NLM_F_CREATE_NEW, body + attribute(IFLA_LINKINFO, info)


def link_remove(name: str) -> Message:
    """``ip link del NAME``."""
    return RTM_DELLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _name(name)


def link_set(
    name: str,
    up: bool | None = None,
    arp: bool | None = None,
    mtu: int | None = None,
    mac: str | None = None,
    master: int | None = None,
    to_fd: int | None = None,
    hairpin: bool | None = None,
) -> Message:
    """``ip link set NAME …``: only what is given changes; *master* 0 unplugs, *hairpin* is a bridge's port's."""
    flags = change = 0
    if up is not None:
        flags, change = flags | (IFF_UP if up else 0), change | IFF_UP
    if arp is not None:
        flags, change = flags | (0 if arp else IFF_NOARP), change | IFF_NOARP
    body = _LINK.pack(0, 0, 0, flags, change) + _name(name)
    if mtu is not None:
        body += attribute(IFLA_MTU, _U32.pack(mtu))
    if mac is not None:
        body += attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    if master is not None:
        body += attribute(IFLA_MASTER, _U32.pack(master))
    if to_fd is not None:
        body += attribute(IFLA_NET_NS_FD, _U32.pack(to_fd))
    if hairpin is not None:
        port = attribute(IFLA_INFO_SLAVE_KIND, b"bridge\0") + attribute(IFLA_INFO_SLAVE_DATA, attribute(IFLA_BRPORT_MODE, bytes([hairpin])))
        body += attribute(IFLA_LINKINFO, port)
    return RTM_NEWLINK, 0, body


def link_set_netns(index: int, name: str | None = None, fd: int | None = None, pid: int | None = None) -> Message:
    """``ip link set DEV netns NAMESPACE [name NAME]``, the device by its number, the namespace by descriptor or process."""
    there = attribute(IFLA_NET_NS_FD, _U32.pack(fd)) if fd is not None else attribute(IFLA_NET_NS_PID, _U32.pack(pid))
    return RTM_NEWLINK, 0, _LINK.pack(0, 0, index, 0, 0) + (_name(name) if name else b"") + there


def address(add: bool, interface: str, index: int) -> Message:
    """``ip addr add|del ADDRESS/PREFIX dev DEV``."""
    ip, prefix = interface.split("/")
    packed = socket.inet_aton(ip)
    scope = RT_SCOPE_HOST if ip.startswith("127.") else RT_SCOPE_UNIVERSE  # as `ip` does
    body = _ADDRESS.pack(socket.AF_INET, int(prefix), 0, scope, index) + attribute(2, packed) + attribute(1, packed)
    return (RTM_NEWADDR, NLM_F_CREATE_NEW, body) if add else (RTM_DELADDR, 0, body)


def route(
    add: bool,
    to: str,
    via: str | None = None,
    oif: int | None = None,
    kind: str = "unicast",
    table: int = 254,
    metric: int = 0,
    onlink: bool = False,
    protocol: int = RTPROT_BOOT,
) -> Message:
    """``ip route add|del [KIND] TO [via VIA] [dev DEV] [onlink] [table T] [metric M] [proto P]``; *oif* is the device's number."""
    network, length = to.split("/")
    scope = RT_SCOPE_UNIVERSE if via or kind != "unicast" else RT_SCOPE_LINK
    body = _ROUTE.pack(
        socket.AF_INET,
        int(length),
        0,
        0,
        table if table < 256 else 0,
        protocol if add else 0,
        scope if add else RT_SCOPE_NOWHERE,
        ROUTE_KINDS[kind] if add or kind != "unicast" else 0,
        RTNH_F_ONLINK if onlink else 0,
    )
    if int(length):
        body += attribute(1, socket.inet_aton(network))
    if oif:
        body += attribute(4, _U32.pack(oif))
    if via:
        body += attribute(5, socket.inet_aton(via))
    if metric:
        body += attribute(6, _U32.pack(metric))
    if table > 255:
        body += attribute(15, _U32.pack(table))
    return (RTM_NEWROUTE, NLM_F_CREATE_NEW, body) if add else (RTM_DELROUTE, 0, body)


def fdb(add: bool, mac: str, index: int, remote: str) -> Message:
    """``bridge fdb append|del MAC dev DEV dst REMOTE``, permanent, of a tunnel's own table; *index* is the device's number."""
    body = _NEIGHBOUR.pack(AF_BRIDGE, index, NUD_PERMANENT | NUD_NOARP, NTF_SELF, 0)
    body += attribute(1, socket.inet_aton(remote)) + attribute(2, bytes.fromhex(mac.replace(":", "")))
    return (RTM_NEWNEIGH, NLM_F_CREATE_OR_APPEND, body) if add else (RTM_DELNEIGH, 0, body)


def neighbour_add(ip: str, mac: str, index: int) -> Message:
    """``ip neigh replace ADDRESS lladdr MAC dev DEV nud permanent``."""
    body = _NEIGHBOUR.pack(socket.AF_INET, index, NUD_PERMANENT, 0, 0) + attribute(1, socket.inet_aton(ip))
    return RTM_NEWNEIGH, NLM_F_CREATE_OR_REPLACE, body + attribute(2, bytes.fromhex(mac.replace(":", "")))


def neighbour_remove(ip: str, index: int) -> Message:
    """``ip neigh del ADDRESS dev DEV``."""
    return RTM_DELNEIGH, 0, _NEIGHBOUR.pack(socket.AF_INET, index, 0, 0, 0) + attribute(1, socket.inet_aton(ip))


RAW = {
    "address_add_raw": (RTM_NEWADDR, NLM_F_CREATE_NEW),
    "address_remove_raw": (RTM_DELADDR, 0),
    "route_add_raw": (RTM_NEWROUTE, NLM_F_CREATE_NEW),
    "route_remove_raw": (RTM_DELROUTE, 0),
}
"""Requests whose body is what the kernel itself said of an object: sent back, it makes or deletes just that one."""
