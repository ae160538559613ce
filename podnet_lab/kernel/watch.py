"""
Tell when something in the network of a node, or of one of its Pods, has changed: the kernel's own notices.

One socket hears all of it, from inside the node, since a socket inside a Pod would keep a deleted one alive. The kernel
passes on what happens in another network namespace if that one has a number here (netlink(7), NETLINK_LISTEN_ALL_NSID;
rtnetlink's RTM_NEWNSID); which namespaces come and go is seen at the folder of their names (inotify(7)).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import struct
import time

from podnet_lab.devices.nlattr import attribute
from podnet_lab.kernel import namespaces
from podnet_lab.kernel.netlink import SOL_NETLINK, Refused, Socket

GROUPS = (1, 3, 5, 7, 8, 24)
"""Links, neighbours and forwarding tables, IPv4 addresses, IPv4 routes, policy rules, settings (linux/rtnetlink.h, RTNLGRP_*)."""

NETLINK_LISTEN_ALL_NSID = 8
RTM_NEWNSID, NETNSA_NSID, NETNSA_FD = 88, 1, 3

IN_MOVED, IN_CREATE, IN_DELETE = 0xC0, 0x100, 0x200
QUICK, SLOW = 20, 1000
"""Milliseconds between looks at the names: just after one came, for its mount comes after its file; and while one is none yet."""

SOON = 0.5
"""Seconds after a name came in which to look often."""

_libc = ctypes.CDLL(None, use_errno=True)


def serve(channel) -> None:
    """Send "changed" when something has, and again only after an answer, however much happens until then; *channel* is execnet's."""
    wakeup, answered = socket.socketpair()
    wakeup.setblocking(False)
    answered.setblocking(False)
    gone: list[bool] = []

    def hear(answer: object) -> None:
        if answer is None:
            gone.append(True)
        with contextlib.suppress(OSError):  # it is full, and nobody can miss it; or closed, and nobody waits
            answered.send(b".")

    watch = Watch()
    channel.setcallback(hear, endmarker=None)
    free, news = True, True  # what changed while this began is sent, too
    try:
        while not gone:
            if news and free:
                channel.send("changed")
                free = news = False
            news = watch.wait(wakeup.fileno()) or news
            with contextlib.suppress(BlockingIOError):
                free = bool(wakeup.recv(4096)) or free
    except OSError:  # whoever asked is gone
        pass
    finally:
        watch.close()
        wakeup.close()
        answered.close()


class Watch:
    """The notices of the node that this thread is in; to be waited for by one thread, which enters nothing."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
        self._socket.bind((0, sum(1 << group - 1 for group in GROUPS)))
        self._asking = Socket()
        self._folder = _notices_of(namespaces.FOLDER)
        self._poll = select.poll()
        self._known: dict[str, tuple[int, int] | None] = {}
        self._soon = 0.0
        self._poll.register(self._socket.fileno(), select.POLLIN)
        if self._folder is not None:
            self._poll.register(self._folder, select.POLLIN)
        self._number()

    def wait(self, wakeup: int) -> bool:
        """Wait until something has changed, or the descriptor *wakeup* can be read; True if something has changed."""
        self._poll.register(wakeup, select.POLLIN)
        ready = {descriptor for descriptor, _ in self._poll.poll(self._patience())}
        changed = bool(ready - {wakeup})
        _drain(lambda: self._socket.recv(1 << 16))
        if self._folder in ready:
            _drain(lambda: os.read(self._folder, 1 << 16))
            self._soon = time.monotonic() + SOON
        if self._patience() is not None:
            changed = self._number() or changed
        return changed

    def _patience(self) -> int | None:
        """Milliseconds to wait for a notice before looking at the names; None where notices suffice."""
        if time.monotonic() < self._soon:
            return QUICK
        return SLOW if self._folder is None or self._unfinished() else None

    def _unfinished(self) -> bool:
        """Whether a name is a plain file, not yet a namespace: nobody says when something is mounted there."""
        try:
            own = os.stat(namespaces.FOLDER).st_dev
        except OSError:
            return False
        return any(which is not None and which[0] == own for which in self._known.values())

    def _number(self) -> bool:
        """Have the kernel give each new namespace a number (nsid); True if there are others than at the last look."""
        current = {name: namespaces.identity_of(name) for name in namespaces.names()}
        fresh = [name for name, which in current.items() if which is not None and self._known.get(name) != which]
        for name in fresh:
            with contextlib.suppress(OSError):  # it went this moment, or is a plain file: not yet a namespace, or never
                descriptor = namespaces.open_named(name)
                try:
                    with contextlib.suppress(Refused):  # EEXIST: it has one
                        self._asking.request([_numbered(descriptor)])
                finally:
                    os.close(descriptor)
        changed = current != self._known
        self._known = current
        return changed

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._asking.close()
        if self._folder is not None:
            os.close(self._folder)


def _notices_of(folder: str) -> int | None:
    """An inotify descriptor for names that come and go; None where this user has none left (fs.inotify.max_user_instances)."""
    made = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if made < 0:
        return None
    if _libc.inotify_add_watch(made, os.fsencode(folder), IN_MOVED | IN_CREATE | IN_DELETE) < 0:
        os.close(made)
        return None
    return made


def _numbered(descriptor: int) -> tuple[int, int, bytes]:
    return RTM_NEWNSID, 0, bytes(4) + attribute(NETNSA_NSID, struct.pack("=i", -1)) + attribute(NETNSA_FD, struct.pack("=I", descriptor))


def _drain(read) -> None:
    """Read until there is nothing; what overflowed (ENOBUFS) is a change like any other."""
    while True:
        try:
            read()
        except BlockingIOError:
            return
        except OSError:
            continue
