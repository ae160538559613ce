"""
A node and all its named namespaces, read back from the kernel as plain data.

What comes out here goes over a wire; `podnet_lab.model.decode` makes the frozen model of it.
Layouts: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h, linux/netconf.h, linux/net_namespace.h.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from podnet_lab.devices import codecs
from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel import namespaces, read_links, replay, unmanaged_state
from podnet_lab.kernel.encode import (
    NUD_PERMANENT,
    ROUTE_KINDS,
    RT_SCOPE_HOST,
    RT_SCOPE_LINK,
    RT_SCOPE_UNIVERSE,
    RTM_GETADDR,
    RTM_GETNEIGH,
    RTM_GETNETCONF,
    RTM_GETNSID,
    RTM_GETROUTE,
    RTNH_F_ONLINK,
    RTPROT_KERNEL,
)
from podnet_lab.kernel.netlink import Socket
from podnet_lab.kernel.policy_rules import policy
from podnet_lab.kernel.sysctl import is_on
from podnet_lab.printable_names import raw

NETNSA_NSID, NETNSA_FD, NETNSA_TARGET_NSID = 1, 3, 4
NETCONFA_IFINDEX, NETCONFA_FORWARDING, NETCONFA_RP_FILTER, NETCONFA_PROXY_NEIGH = 1, 2, 3, 5
LOCAL_TABLE = 255
IFA_ADDRESS, IFA_LOCAL, IFA_LABEL = 1, 2, 3
RTA_NH_ID, RTM_F_CLONED = 30, 0x200
RTA_METRICS, RTAX_MTU = 8, 2
_USUAL = {1, 4, 5, 6, 12, 15}  # destination, interface, gateway, metric, cache, table
NUD_NOARP = 0x40
NDA_DST, NDA_PORT, NDA_VNI, NDA_MASTER, NDA_NH_ID = 1, 6, 7, 9, 13
ELSEWHERE = "0.0.0.0"  # noqa: S104 - stands for: to a port, a number, or a group of hosts of its own, and where that is is not read
NUD = {0x01: "INCOMPLETE", 0x02: "REACHABLE", 0x04: "STALE", 0x08: "DELAY", 0x10: "PROBE", 0x20: "FAILED", 0x40: "NOARP", 0x80: "PERMANENT"}

_KINDS = {number: kind for kind, number in ROUTE_KINDS.items()}
_I32, _U32 = struct.Struct("=i"), struct.Struct("=I")


def _u32(data: bytes) -> int:
    return _U32.unpack(data)[0]


def addresses(sock: Socket, names: dict[int, str]) -> list[tuple]:
    """(interface, address/prefix, what is unusual about it, the kernel's own bytes) of every IPv4 address."""
    found = []
    for body in sock.dump(RTM_GETADDR, struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0)):
        has = attributes(body, 8)
        local = has.get(IFA_LOCAL, has.get(IFA_ADDRESS))  # a point-to-point's IFA_ADDRESS is the other end
        dev = names.get(_U32.unpack_from(body, 4)[0], "?")
        extra = []
        if has.get(IFA_ADDRESS, local) != local:
            extra.append(f"peer {socket.inet_ntoa(has[IFA_ADDRESS])}")
        if has.get(IFA_LABEL, b"").rstrip(b"\0") not in (b"", raw(dev)):
            extra.append("a label")
        if body[3] not in (RT_SCOPE_UNIVERSE, RT_SCOPE_HOST) or (body[3] == RT_SCOPE_HOST and local[0] != 127):
            extra.append(f"scope {body[3]}")
        remade = replay.of_address(body, dev) if extra else body.hex()
        found.append((dev, f"{socket.inet_ntoa(local)}/{body[1]}", ", ".join(extra), remade))
    return found


def routes(sock: Socket, names: dict[int, str]) -> tuple[list[tuple], list[tuple[str, int]]]:
    """
    What `podnet_lab.model.Route` holds, of every IPv4 route.

    Of the table ``local`` only what somebody wrote there: the rest the kernel keeps for its own addresses. And for each
    destination of which it has learnt that, the size of the packets that get through: (address, bytes).
    """
    found, learnt = [], []
    for body in sock.dump(RTM_GETROUTE, struct.pack("=BxxxBBBBI", socket.AF_INET, 0, 0, 0, 0, 0)):
        has = attributes(body, 12)
        if _U32.unpack_from(body, 8)[0] & RTM_F_CLONED:  # it hangs on a route, and is none
            size = attributes(has.get(RTA_METRICS, b"")).get(RTAX_MTU)
            learnt += [(socket.inet_ntoa(has[1]), _u32(size))] if size else []
            continue
        table, protocol, scope = _u32(has[15]) if 15 in has else body[4], body[5], body[6]
        own = protocol == RTPROT_KERNEL and 5 not in has and scope in (RT_SCOPE_LINK, RT_SCOPE_HOST)
        if table == LOCAL_TABLE and own:
            continue
        unusual = "" if own else _unusual(body, has)
        found.append(
            (
                f"{socket.inet_ntoa(has.get(1, bytes(4)))}/{body[1]}",
                socket.inet_ntoa(has[5]) if 5 in has else None,
                names.get(_u32(has[4])) if 4 in has else None,
                _KINDS.get(body[7], str(body[7])),
                table,
                _u32(has[6]) if 6 in has else 0,
                own,
                unusual,
                replay.of_route(sock, body, has, names) if unusual else body.hex(),
            )
        )
    return found, learnt


def _unusual(body: bytes, has: dict[int, bytes]) -> str:
    """What a route has that no step gives one: a type of service, a source, a flag, several ways, options."""
    plain = RT_SCOPE_UNIVERSE if 5 in has or body[7] != ROUTE_KINDS["unicast"] else RT_SCOPE_LINK
    extra = [f"tos {body[3]}"] if body[3] else []
    extra += ["onlink"] if _U32.unpack_from(body, 8)[0] & RTNH_F_ONLINK else []
    extra += [f"scope {body[6]}"] if body[6] != plain else []
    extra += [f"{kind}:{has[kind].hex()}" for kind in sorted(set(has) - _USUAL)]
    return " ".join(extra)


def neighbours(sock: Socket, names: dict[int, str]) -> list[tuple[str, str, str, str]]:
    """(address, interface, MAC, state) of every IPv4 neighbour."""
    found = []
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, 0, 0)):
        _, index, state, _, kind = struct.unpack_from("=BxxxiHBB", body)
        has = attributes(body, 12)
        if kind == 1 or state & NUD_PERMANENT:  # unicast, or written by hand; not the loopback's own noise
            found.append((socket.inet_ntoa(has[1]), names.get(index, "?"), has.get(2, b"").hex(":"), NUD.get(state, "NONE")))
    return found


def neighbour_entries(sock: Socket, written: bool = False) -> list[tuple[str, int]]:
    """(address, interface number) of every IPv4 neighbour that was learnt; with *written*, also of those written by hand."""
    found = []
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, 0, 0)):
        _, index, state, _, kind = struct.unpack_from("=BxxxiHBB", body)
        if kind == 1 and (written or not state & (NUD_PERMANENT | NUD_NOARP)):
            found.append((socket.inet_ntoa(attributes(body, 12)[1]), index))
    return found


def fdb(sock: Socket, names: dict[int, str]) -> list[tuple[str, str, bool, str | None]]:
    """(MAC, interface, permanent, remote) of every line of the forwarding tables here: a bridge's has a port, a tunnel's a remote."""
    found = []
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_BRIDGE, 0, 0, 0, 0)):
        _, index, state, _, _ = struct.unpack_from("=BxxxiHBB", body)
        has = attributes(body, 12)
        remote = socket.inet_ntoa(has[NDA_DST]) if len(has.get(NDA_DST, b"")) == 4 else None
        if NDA_NH_ID in has or (remote and (NDA_PORT in has or NDA_VNI in has)):
            remote = ELSEWHERE
        if NDA_MASTER in has or remote:  # a bridge's, or a tunnel's; not a network card's own filter
            found.append((has[2].hex(":"), names.get(index, "?"), bool(state & NUD_PERMANENT), remote))
    return found


def conf(sock: Socket, names: dict[int, str]) -> dict[str, tuple[bool, int, bool]]:
    """(forwarding, rp_filter, proxy_arp) of each interface, of ``all`` and of ``default``."""
    known = {-1: "all", -2: "default", **names}
    found = {}
    for body in sock.dump(RTM_GETNETCONF, struct.pack("=Bxxx", socket.AF_INET)):
        has = attributes(body, 4)
        name = known.get(_I32.unpack(has[NETCONFA_IFINDEX])[0])
        if name:
            found[name] = (bool(_u32(has[NETCONFA_FORWARDING])), _u32(has[NETCONFA_RP_FILTER]), bool(_u32(has[NETCONFA_PROXY_NEIGH])))
    return found


def namespace(sock: Socket) -> dict[str, Any]:
    """Everything of one namespace, through a socket that belongs to it."""
    found = read_links.links(sock)
    names = {link["index"]: link["name"] for link in found}
    forwarding = any(codecs.codec_flag(link["kind"], "FORWARDS") for link in found)
    table, learnt = routes(sock, names)
    return {
        "links": found,
        "addresses": addresses(sock, names),
        "routes": table,
        "learnt": learnt,
        "neighbours": neighbours(sock, names),
        "fdb": fdb(sock, names) if forwarding else [],
        "conf": conf(sock, names),
        "policy": policy(sock),
        "bridged": forwarding and is_on("bridge/bridge-nf-call-iptables"),  # not there if the module is not loaded
        "silent": is_on("ipv4/icmp_echo_ignore_all"),
    }


def node() -> dict[str, Any]:
    """The thread's own namespace under "", and every named one that can be entered under its name."""
    home, spaces, sockets, descriptors = namespaces.here(), {}, {}, {}
    known: set[tuple[int, int]] = set()
    try:
        for name in ["", *namespaces.names()]:
            try:
                descriptors[name] = namespaces.open_named(name) if name else os.dup(home)
                namespaces.enter(descriptors[name])
            except OSError:
                if not name:
                    raise
                continue  # deleted this moment, or a plain file: `ip netns exec` can't enter it either
            if (which := namespaces.identity(descriptors[name])) in known:
                continue  # a second name for the node, or for a Pod (`ip netns attach`)
            known.add(which)
            sockets[name] = Socket()
            spaces[name] = namespace(sockets[name])
            spaces[name]["tables"] = bool(name) and bool(unmanaged_state.tables())
        _name_others(spaces, sockets, descriptors)
    finally:
        namespaces.enter(home)
        for one in sockets.values():
            one.close()
        for descriptor in [home, *descriptors.values()]:
            os.close(descriptor)
    return spaces


def _name_others(spaces: dict[str, Any], sockets: dict[str, Socket], descriptors: dict[str, int]) -> None:
    """
    Put (namespace, name) in place of the numbers of masters, of other ends, and of what interfaces sit on.

    An interface knows the other one by an interface number and by a number that only its own namespace has for
    the other's; each namespace is asked for its numbers of those that hold such interfaces.
    """
    index = {(space, link["index"]): link["name"] for space, has in spaces.items() for link in has["links"]}
    elsewhere = [space for space, has in spaces.items() if any(link["nsid"] is not None for link in has["links"])]
    for space, has in spaces.items():
        numbers = _numbers_of(space, has, elsewhere, sockets, descriptors) if space in elsewhere else {}
        for link in has["links"]:
            link["master"] = index.get((space, link.pop("master_index")))
            there = space if (nsid := link.pop("nsid")) is None else numbers.get(nsid)
            for what in ("peer", "lower"):
                name = index.get((there, link.pop(f"{what}_index")))
                link[what] = (there or None, name) if name is not None else None


def _numbers_of(space: str, has: dict, elsewhere: list[str], sockets: dict[str, Socket], descriptors: dict[str, int]) -> dict[int, str]:
    # A Pod's cable mostly ends in the node: that one question answers it. The node's end anywhere.
    others = [other for other in ("", *elsewhere) if other != space] if not space else [""]
    numbers = _numbers(sockets[space], {other: descriptors[other] for other in others})
    if {link["nsid"] for link in has["links"] if link["nsid"] is not None} - set(numbers):
        numbers |= _numbers(sockets[space], {other: descriptors[other] for other in descriptors if other != space})
    return numbers


def _numbers(sock: Socket, descriptors: dict[str, int]) -> dict[int, str]:
    """This namespace's own numbers for other namespaces (RTM_GETNSID), of those that it has a number for."""
    bodies = [b"\0\0\0\0" + attribute(NETNSA_FD, _U32.pack(descriptor)) for descriptor in descriptors.values()]
    found = {}
    for other, body in zip(descriptors, sock.ask(RTM_GETNSID, bodies), strict=True):
        number = _I32.unpack(attributes(body, 4)[NETNSA_NSID])[0] if body else -1
        if number >= 0:
            found[number] = other
    return found
