"""
Namespaces looked at closely, where a packet's path goes: what snapshots leave out, as plain data.

`podnet_lab.model.decode_look` makes the frozen model of it. Numbers: linux/rtnetlink.h, linux/pkt_sched.h, linux/if_link.h,
linux/if_bridge.h.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

from podnet_lab.devices.nlattr import attribute, attributes
from podnet_lab.kernel import bpf_programs, firewall, listeners, namespaces
from podnet_lab.kernel.encode import (
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    NUD_PERMANENT,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEIGH,
)
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.read_links import RTEXT_FILTER_SKIP_STATS
from podnet_lab.kernel.route_queries import route_queries
from podnet_lab.kernel.sysctl import ROOT
from podnet_lab.kernel.unmanaged.queues import RTM_GETQDISC
from podnet_lab.kernel.xfrm import xfrm
from podnet_lab.printable_names import printable, raw_path

RTM_GETTCLASS, RTM_GETTFILTER = 42, 46
HTB_PARMS, HTB_DIRECT_QLEN, HTB_SLOW = 1, 5, 12500
"""Attributes of htb (TCA_HTB_…), and the bytes a second below which a class is slow."""

TC_INGRESS, TC_EGRESS = 0xFFFFFFF2, 0xFFFFFFF3
IFLA_XDP, IFLA_XDP_ATTACHED, IFLA_PROMISCUITY, IFLA_EXT_MASK = 43, 2, 30, 29
BRIDGE_SETTINGS = {5: "stp", 7: "vlan_filtering", 36: "nf_call_iptables", 38: "nf_call_arptables"}
HOOKS = ("clsact", "ingress")
FILTER_ACTIONS = {"u32": {6, 7}, "flower": {3}, "matchall": {2}, "fw": {2, 4}, "basic": {3, 4}}
"""Of each kind of filter, the attributes that are actions or police (TCA_U32_ACT, …): one that has none only names a class."""

NTF_PROXY = 0x08
IFA_FLAGS, IFA_F_TENTATIVE = 8, 0x40

_U32 = struct.Struct("=I")


def close_looks(wanted: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """
    What is asked of namespaces, by name ("" is this thread's own): {"routes": queries, "settings": paths, "devices": interfaces}.

    Without ``settings`` only routes are asked for. Bridges are always looked at, of other interfaces only those that are named:
    a node may have hundreds. None of a namespace that is gone.
    """
    return {name: _inside(name, asked) for name, asked in wanted.items()}


def _inside(name: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    if not name:
        return _look(asked)
    with contextlib.suppress(OSError):  # it is gone, or changes faster than it can be read: then nothing is known of it
        descriptor = namespaces.open_named(name)
        try:
            with namespaces.inside(descriptor):
                return _look(asked)
        finally:
            os.close(descriptor)
    return None


def _look(asked: dict[str, Any]) -> dict[str, Any]:
    sock = Socket()
    try:
        lean = attribute(IFLA_EXT_MASK, _U32.pack(RTEXT_FILTER_SKIP_STATS))
        links = sock.dump(RTM_GETLINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + lean)
        names = {struct.unpack_from("=i", body, 4)[0]: printable(attributes(body, 16)[IFLA_IFNAME].rstrip(b"\0")) for body in links}
        answers: dict[str, Any] = {"routes": route_queries(sock, names, asked["routes"])}
        if "settings" in asked:
            answers |= _everything(sock, links, names, set(asked["devices"])) | {"settings": dict(_settings(asked["settings"]))}
        return answers
    finally:
        sock.close()


def _everything(sock: Socket, links: list[bytes], names: dict[int, str], wanted: set[str]) -> dict[str, Any]:
    named = ((names[struct.unpack_from("=i", body, 4)[0]], body) for body in links)
    devices = {name: _device(body) for name, body in named if name in wanted or b"\x01\x00bridge\0" in body}
    unreadable = _add_queues(sock, names, devices)
    return {
        "devices": devices,
        "xfrm": xfrm(names),
        "listeners": listeners.listeners(names),
        "proxied": list(_proxied(sock, names)),
        "addresses6": list(_addresses6(sock, names)),
        "neighbours6": list(_neighbours6(sock, names)),
        "unreadable": unreadable,
        "firewall": firewall.firewall(),
    }


def _device(body: bytes) -> dict[str, Any]:
    has = attributes(body, 16)
    info = attributes(has.get(IFLA_LINKINFO, b""))
    settings = attributes(info.get(IFLA_INFO_DATA, b"")) if info.get(IFLA_INFO_KIND, b"").rstrip(b"\0") == b"bridge" else {}
    return {
        "queues": [],
        "filters": 0,
        "xdp": attributes(has.get(IFLA_XDP, b"")).get(IFLA_XDP_ATTACHED, b"\0")[0],
        "promiscuous": bool(_U32.unpack(has.get(IFLA_PROMISCUITY, bytes(4)))[0]),
        "tcx": bpf_programs.tcx_programs(struct.unpack_from("=i", body, 4)[0]),
        "bridge": {name: int.from_bytes(settings[kind], "little") for kind, name in BRIDGE_SETTINGS.items() if kind in settings},
    }


def _add_queues(sock: Socket, names: dict[int, str], devices: dict[str, dict[str, Any]]) -> list[str]:
    """The queueing disciplines and filters of each interface; returns what can't be read, in words."""
    for body in sock.dump(RTM_GETQDISC, struct.pack("=BxxxiIII", 0, 0, 0, 0, 0)):
        _, index, handle, _, _ = struct.unpack_from("=BxxxiIII", body)
        if (device := devices.get(names.get(index, ""))) is None:
            continue
        kind = attributes(body, 20)[1].rstrip(b"\0").decode()
        device["queues"].append((kind, bool(handle)))
        if kind == "htb" and _slow_htb(sock, index, attributes(body, 20)):
            device["queues"][-1] = ("htb of a low rate", True)
        if handle:
            parents = (TC_INGRESS, TC_EGRESS) if kind in HOOKS else (handle, *_classes(sock, index))
            try:
                device["filters"] += sum(_filters(sock, index, parent) for parent in parents)
            except Refused as refusal:
                return [f"tc filters ({refusal.strerror.lower()})"]
    return []


def _classes(sock: Socket, index: int) -> dict[int, dict[int, bytes]]:
    """The classes of an interface's queueing disciplines, by handle, with their options."""
    bodies = sock.dump(RTM_GETTCLASS, struct.pack("=BxxxiIII", 0, index, 0, 0, 0))
    return {struct.unpack_from("=I", body, 8)[0]: attributes(attributes(body, 20).get(2, b"")) for body in bodies}


def _slow_htb(sock: Socket, index: int, has: dict[int, bytes]) -> bool:
    """Whether an htb may drop even a packet that comes alone: it has no room for what has no class, or a class of a low rate."""
    options = attributes(has.get(2, b""))
    room = _U32.unpack(options[HTB_DIRECT_QLEN])[0] if HTB_DIRECT_QLEN in options else 1
    rates = (_U32.unpack_from(of[HTB_PARMS], 8)[0] for of in _classes(sock, index).values() if HTB_PARMS in of)
    return room == 0 or any(rate < HTB_SLOW for rate in rates)


def _filters(sock: Socket, index: int, parent: int) -> int:
    """How many filters there are that can do more than say which class of its queueing discipline a packet is of."""
    answers = sock.dump(RTM_GETTFILTER, struct.pack("=BxxxiIII", 0, index, 0, parent, 0))
    return sum(parent in (TC_INGRESS, TC_EGRESS) or not _only_sorts(attributes(body, 20)) for body in answers)


def _only_sorts(has: dict[int, bytes]) -> bool:
    kind, options = has[1].rstrip(b"\0").decode(), attributes(has.get(2, b""))
    return kind in FILTER_ACTIONS and not FILTER_ACTIONS[kind] & set(options)


def _proxied(sock: Socket, names: dict[int, str]) -> Iterator[tuple[str, str]]:
    """(interface, address) of each proxy neighbour (``ip neigh show proxy``)."""
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET, 0, 0, NTF_PROXY, 0)):
        yield names.get(struct.unpack_from("=i", body, 4)[0], ""), socket.inet_ntoa(attributes(body, 12)[1])


def _addresses6(sock: Socket, names: dict[int, str]) -> Iterator[tuple[str, str]]:
    for body in sock.dump(RTM_GETADDR, struct.pack("=BBBBI", socket.AF_INET6, 0, 0, 0, 0)):
        has = attributes(body, 8)
        flags = _U32.unpack(has.get(IFA_FLAGS, bytes(4)))[0]
        if len(address := has.get(1, b"")) == 16 and not flags & IFA_F_TENTATIVE:
            yield names.get(_U32.unpack_from(body, 4)[0], ""), socket.inet_ntop(socket.AF_INET6, address)


def _neighbours6(sock: Socket, names: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """(interface, address, MAC) of each IPv6 neighbour that somebody wrote."""
    for body in sock.dump(RTM_GETNEIGH, struct.pack("=BxxxiHBB", socket.AF_INET6, 0, 0, 0, 0)):
        _, index, state, _, _ = struct.unpack_from("=BxxxiHBB", body)
        has = attributes(body, 12)
        if state & NUD_PERMANENT and len(has.get(1, b"")) == 16:
            yield names.get(index, ""), socket.inet_ntop(socket.AF_INET6, has[1]), has.get(2, b"").hex(":")


def _settings(paths: list[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with contextlib.suppress(OSError):  # another kernel's, or of an interface that is gone
            descriptor = os.open(ROOT + raw_path(path), os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield path, os.read(descriptor, 256).decode().strip()
            finally:
                os.close(descriptor)
