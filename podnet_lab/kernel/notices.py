"""
What the kernel says by itself of changes in network namespaces: a node's own, and those to which it has given a number.

One socket hears of all of them, from inside the node: a socket inside a Pod would keep a deleted one alive (netlink(7),
NETLINK_LISTEN_ALL_NSID). A namespace gets a number (nsid) here with the first cable to it, and keeps it as long as it lives.
Notices are there once the call that made the change has returned. Layouts and numbers: linux/rtnetlink.h, linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection
from typing import NamedTuple

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel.netlink import SOL_NETLINK, messages

NETLINK_LISTEN_ALL_NSID, NETLINK_ADD_MEMBERSHIP = 8, 1
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
LINKS, NEIGHBOURS, IPV4_ADDRESSES, IPV4_ROUTES, IPV4_RULES, IPV6_ADDRESSES, IPV6_ROUTES, SETTINGS, NUMBERS = 1, 3, 5, 7, 8, 9, 11, 24, 28
"""Groups of notices of NETLINK_ROUTE (RTNLGRP_*); `NEIGHBOURS` has the forwarding tables, too."""
NFTABLES = 7
"""The group of NETLINK_NETFILTER that has what `nft` changes (NFNLGRP_NFTABLES)."""

RTM_NEWLINK, RTM_DELLINK, RTM_NEWNEIGH, RTM_DELNEIGH, RTM_DELNSID, NETNSA_NSID = 16, 17, 28, 29, 89, 1
MOST = 4096
"""Notices that are read at one look: if there are more, all may have changed."""

_I32 = struct.Struct("=i")


def listening(protocol: int, groups: Collection[int]) -> socket.socket:
    """A socket that does not block, and hears notices of *groups* from this thread's namespace and all that have a number there."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
    try:
        sock.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
        sock.bind((0, 0))
        for group in groups:
            sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    except OSError:
        sock.close()
        raise
    return sock


class News(NamedTuple):
    """
    What has happened since it was asked for last.

    The numbers of namespaces in which something has *changed*, and of those that are *gone*; and *links* that have changed, as
    (number of the namespace, or None for the own; interface number).
    """

    changed: set[int]
    gone: set[int]
    links: set[tuple[int | None, int]]


class Notices:
    """Notices of all that `podnet_lab.kernel.read` reads of a Pod, as far as the kernel gives any; OSError if it gives none here."""

    def __init__(self) -> None:
        routes = (LINKS, NEIGHBOURS, IPV4_ADDRESSES, IPV4_ROUTES, IPV4_RULES, IPV6_ADDRESSES, IPV6_ROUTES, SETTINGS, NUMBERS)
        self._sockets = [listening(NETLINK_ROUTE, routes)]
        try:
            self._sockets.append(listening(NETLINK_NETFILTER, [NFTABLES]))
        except OSError:
            self.close()
            raise

    def news(self) -> News | None:
        """What has happened since; None where that is not known: there was too much of it."""
        news = News(set(), set(), set())
        for sock in self._sockets:
            try:
                for _ in range(MOST):
                    _take_in(news, sock)
                return None
            except BlockingIOError:
                pass
            except OSError:  # ENOBUFS: what did not fit is lost, and the rest says nothing
                self._drain(sock)
                return None
        return news

    def _drain(self, sock: socket.socket) -> None:
        for _ in range(MOST):
            try:
                sock.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError:
                continue

    def close(self) -> None:
        """Listen no more."""
        for sock in self._sockets:
            sock.close()


def _take_in(news: News, sock: socket.socket) -> None:
    data, beside, _, _ = sock.recvmsg(1 << 16, 64)
    number = next((_I32.unpack(value)[0] for level, kind, value in beside if (level, kind) == (SOL_NETLINK, NETLINK_LISTEN_ALL_NSID)), None)
    for kind, _, _, body in messages(data):
        if kind in (RTM_NEWNEIGH, RTM_DELNEIGH) and body[0] == socket.AF_INET6:
            continue  # nobody reads those, and a new interface asks for routers by itself
        if number is not None:
            news.changed.add(number)
        if kind in (RTM_NEWLINK, RTM_DELLINK):
            news.links.add((number, _I32.unpack_from(body, 4)[0]))
        elif kind == RTM_DELNSID and number is None:
            news.gone.add(_number_in(body))


def _number_in(body: bytes) -> int:
    return _I32.unpack(attributes(body, 4)[NETNSA_NSID])[0]
