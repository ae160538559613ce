"""
A network namespace, read back from the kernel as plain data; several together: `podnet_lab.kernel.spaces`.

What comes out here goes over a wire; `podnet_lab.model.decode` makes the frozen model of it.
Layouts: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h, linux/netconf.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from podnet_lab.devices import codecs
from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel import read_ipv6, read_links, replay
from podnet_lab.kernel.encode import (
    NUD_NOARP,
    NUD_PERMANENT,
    ROUTE_KINDS,
    RT_SCOPE_HOST,
    RT_SCOPE_LINK,
    RT_SCOPE_UNIVERSE,
    RTM_GETADDR,
    RTM_GETNEIGH,
    RTM_GETNETCONF,
    RTM_GETROUTE,
    RTNH_F_ONLINK,
    RTPROT_BOOT,
    RTPROT_KERNEL,
)
from podnet_lab.kernel.netlink import Socket
from podnet_lab.kernel.policy_rules import policy
from podnet_lab.kernel.sysctl import is_on, number
from podnet_lab.printable_names import printable, raw

NETCONFA_IFINDEX, NETCONFA_FORWARDING, NETCONFA_RP_FILTER, NETCONFA_PROXY_NEIGH = 1, 2, 3, 5
LOCAL_TABLE, RTN_UNICAST = 255, ROUTE_KINDS["unicast"]
IFA_ADDRESS, IFA_LOCAL, IFA_LABEL = 1, 2, 3
RTA_NH_ID, RTM_F_CLONED = 30, 0x200
RTA_METRICS, RTAX_MTU = 8, 2
_USUAL = {1, 4, 5, 6, 12, 15}  # destination, interface, gateway, metric, cache, table
NDA_DST, NDA_CACHEINFO, NDA_PROBES, NDA_PORT, NDA_VNI, NDA_IFINDEX, NDA_MASTER, NDA_NH_ID = 1, 3, 4, 6, 7, 8, 9, 13
LATE = 300
"""Milliseconds by which the timer of a neighbour that is asked for may be late."""
TICK = 1000 // os.sysconf("SC_CLK_TCK")
"""Milliseconds of a tick, in which the kernel tells programs of ages."""
ELSEWHERE = "0.0.0.0"  # noqa: S104 - stands for: by a port, a number, an interface, or to a group of hosts of its own, which is not read
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
        if (label := has.get(IFA_LABEL, b"").rstrip(b"\0")) not in (b"", raw(dev)):
            extra.append(f"label {printable(label)}")
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
                RTPROT_BOOT if own else protocol,
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


def neighbours(sock: Socket, names: dict[int, str]) -> list[tuple]:
    """(address, interface, MAC, state) of every IPv4 neighbour; and True if it is INCOMPLETE, and nobody asks: it was written so."""
    found = []
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, 0, 0)):
        _, index, state, _, kind = struct.unpack_from("=BxxxiHBB", body)
        has = attributes(body, 12)
        if kind == RTN_UNICAST or state & NUD_PERMANENT:  # unicast, or written by hand; not the loopback's own noise
            dev = names.get(index, "?")
            word = NUD.get(state, "NONE")
            unasked = (True,) if word == "INCOMPLETE" and _is_unasked(has, dev) else ()
            found.append((socket.inet_ntoa(has[1]), dev, has.get(2, b"").hex(":"), word, *unasked))
    return found


def _is_unasked(has: dict[int, bytes], dev: str) -> bool:
    """
    Whether nobody asks for an INCOMPLETE neighbour.

    Who begins to ask counts as many probes as may go to one MAC (__neigh_event_send), one more at once, and one more each second, or so.
    What is written has no timer (__neigh_update), whatever was counted before; in the first second that can't be told apart.
    """
    if NDA_PROBES not in has or NDA_CACHEINFO not in has:
        return False
    # Where they are set to ask quicker, timers are not that quick, and who changes them does it perhaps while somebody is asked for.
    first, pause = min(3, number(f"ipv4/neigh/{dev}/ucast_solicit", 3)), max(1000, number(f"ipv4/neigh/{dev}/retrans_time_ms", 1000))
    updated = _U32.unpack_from(has[NDA_CACHEINFO], 8)[0] * TICK
    return _u32(has[NDA_PROBES]) < first + 1 + max(0, (updated - LATE) // pause)


def neighbour_entries(sock: Socket, written: bool = False) -> list[tuple[str, int]]:
    """(address, interface number) of every IPv4 neighbour that was learnt; with *written*, also of those written by hand."""
    found = []
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, 0, 0)):
        _, index, state, _, kind = struct.unpack_from("=BxxxiHBB", body)
        # What the kernel writes for groups, also where only a route took somebody for one, it writes again when it is needed.
        by_hand = state & NUD_PERMANENT or (state & NUD_NOARP and kind == RTN_UNICAST)
        if written or not by_hand:
            found.append((socket.inet_ntoa(attributes(body, 12)[1]), index))
    return found


def fdb(sock: Socket, names: dict[int, str], below: dict[str, str]) -> list[tuple[str, str, bool, str | None]]:
    """
    (MAC, interface, permanent, remote) of every line of the forwarding tables here: a bridge's has a port, a tunnel's a remote.

    *below* says of each tunnel by which interface it sends; an entry that names it, as the one of its `remote` does, says no more.
    """
    found = []
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_BRIDGE, 0, 0, 0, 0)):
        _, index, state, _, _ = struct.unpack_from("=BxxxiHBB", body)
        has = attributes(body, 12)
        remote = socket.inet_ntoa(has[NDA_DST]) if len(has.get(NDA_DST, b"")) == 4 else None
        dev = names.get(index, "?")
        via = names.get(_u32(has[NDA_IFINDEX]), "?") if NDA_IFINDEX in has else below.get(dev)
        if NDA_NH_ID in has or (remote and (NDA_PORT in has or NDA_VNI in has or via != below.get(dev))):
            remote = ELSEWHERE
        if NDA_MASTER in has or remote:  # a bridge's, or a tunnel's; not a network card's own filter
            found.append((has[2].hex(":"), dev, bool(state & NUD_PERMANENT), remote))
    return found


def conf(sock: Socket, names: dict[int, str], routing_localnet: Collection[str] = ()) -> dict[str, tuple]:
    """(forwarding, rp_filter, proxy_arp, route_localnet, proxy_delay) of each interface, of ``all`` and of ``default``."""
    return conf_told(sock.dump(RTM_GETNETCONF, struct.pack("=Bxxx", socket.AF_INET)), names, routing_localnet)


def conf_told(bodies: Iterable[bytes], names: Mapping[int, str], routing_localnet: Collection[str] = ()) -> dict[str, tuple]:
    """The same from what the kernel has told."""
    known = {-1: "all", -2: "default", **names}
    found: dict[str, tuple] = {}
    for body in bodies:
        has = attributes(body, 4)
        name = known.get(_I32.unpack(has[NETCONFA_IFINDEX])[0])
        if name:
            proxy = bool(_u32(has[NETCONFA_PROXY_NEIGH]))
            found[name] = (bool(_u32(has[NETCONFA_FORWARDING])), _u32(has[NETCONFA_RP_FILTER]), proxy)
            if name in routing_localnet or (proxy and name in names.values()):
                found[name] += (name in routing_localnet, number(f"ipv4/neigh/{name}/proxy_delay", 80) if proxy else 80)
    return found


def namespace(sock: Socket, decode_link: Callable[[bytes], dict[str, Any]] = read_links.decode_link) -> dict[str, Any]:
    """Everything of one namespace, through a socket that belongs to it."""
    found = read_links.links(sock, decode_link)
    names = {link["index"]: link["name"] for link in found}
    below = {link["name"]: link["settings"]["dev"] for link in found if "dev" in link["settings"]}
    forwarding = any(codecs.codec_flag(link["kind"], "FORWARDS") for link in found)
    table, learnt = routes(sock, names)
    return {
        "links": found,
        "addresses": addresses(sock, names),
        "routes": table,
        "learnt": learnt,
        "neighbours": neighbours(sock, names),
        "fdb": fdb(sock, names, below) if forwarding else [],
        "conf": conf(sock, names, {link["name"] for link in found if link.pop("route_localnet")}),
        "policy": policy(sock),
        "bridged": forwarding and is_on("bridge/bridge-nf-call-iptables"),  # not there if the module is not loaded
        "ipv6": read_ipv6.entries(sock, names),
        "silent": is_on("ipv4/icmp_echo_ignore_all"),
    }
