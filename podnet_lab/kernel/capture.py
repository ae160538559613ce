"""
Everything that passes the interfaces of a node and its Pods, seen by one packet socket for each namespace (packet(7)).

A socket that belongs to no interface hears all of its namespace's: what comes in, and a copy of what goes out.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from podnet_lab.kernel import namespaces
from podnet_lab.printable_names import printable

ETH_P_ALL = 0x0003
SO_TIMESTAMPNS, SO_TIMESTAMPING = 35, 37
STAMP_ALL, TELL_STAMPS = 1 << 3, 1 << 4  # SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE
SO_RCVBUF, ROOM = socket.SO_RCVBUF, 1 << 20
SOL_PACKET, PACKET_IGNORE_OUTGOING, PACKET_STATISTICS = 263, 23, 6
OUTGOING, OTHERHOST = 4, 3
ARPHRD_ETHER = 1
SNAP = 256
"""Bytes kept of each frame: headers, and what an error quotes of the packet that it is about."""

EXPERIMENT = 0x88B5
"""An EtherType that nobody uses (IEEE 802)."""

PATIENCE = 0.3
"""Seconds for the kernel to begin to stamp frames."""

MOST_THREADS = 64
"""Threads that close sockets."""

MOST = 20_000
"""Frames kept of one capture."""


class Capture:
    """The sockets of one capture, from `open` to `close`."""

    def __init__(self) -> None:
        self._sockets: dict[str | None, socket.socket] = {}

    def open(self, spaces: list[str | None]) -> list[str | None]:
        """Listen in *spaces*; returns those that could not be entered."""
        self.close()
        missing = []
        for name in spaces:
            try:
                descriptor = namespaces.open_named(name) if name else namespaces.here()
            except OSError:
                missing.append(name)
                continue
            try:
                with namespaces.inside(descriptor):
                    self._sockets[name] = _listening()
            finally:
                os.close(descriptor)
        _wait_for_stamps()
        return missing

    def frames(self, hidden: set[str]) -> dict[str, Any]:
        """
        The frames captured until now: ``frames`` [(namespace, interface, "in" | "out", nanoseconds, bytes as hex, length, Ethernet)].

        The last says whether they begin with an Ethernet header: what passes some tunnels' interfaces has none.
        The node's own *hidden* interfaces are left out (a Pod's may have the same names), and all loopbacks. ``lost`` counts what did
        not fit.
        """
        frames, lost, kept = [], 0, bytearray(SNAP)
        for name, sock in self._sockets.items():
            while len(frames) < MOST:
                try:
                    # Only into a buffer of ours: the other recvmsg says no more than what it kept.
                    length, extra, _, where = sock.recvmsg_into([kept], 64, socket.MSG_DONTWAIT | socket.MSG_TRUNC)
                except BlockingIOError:
                    break
                except UnicodeDecodeError:  # Python can't say whose it is: an interface whose name is no UTF-8
                    lost += 1
                    continue
                device, kind = printable(os.fsencode(where[0])), where[2]
                if device == "lo" or (name is None and device in hidden):
                    continue
                begins = where[3] == ARPHRD_ETHER
                frames.append((name, device, "out" if kind == OUTGOING else "in", _stamp(extra), kept[:length].hex(), length, begins))
            _, drops = struct.unpack("=II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            lost += drops
        return {"frames": sorted(frames, key=lambda captured: captured[3]), "lost": lost}

    def close(self) -> None:
        """Stop listening; an open socket would keep a deleted Pod alive."""
        _close(list(self._sockets.values()))
        self._sockets.clear()


def _close(sockets: list[socket.socket]) -> None:
    """
    Close packet sockets, many at the same time.

    At each the kernel waits until no processor looks at it any more (packet_release, net/packet/af_packet.c), some 20 ms: of 110, one
    after the other, that was two seconds of a trace. Those that wait at the same time wait once.
    """
    left = SimpleQueue()
    for sock in sockets:
        left.put(sock)

    def work() -> None:
        with suppress(Empty):
            while True:
                left.get_nowait().close()

    threads = [threading.Thread(target=work, name="closing", daemon=True) for _ in range(min(MOST_THREADS, len(sockets) - 1))]
    started = []
    with suppress(RuntimeError):  # no more threads are allowed: fewer do it, this one alone at worst
        for thread in threads:
            thread.start()
            started.append(thread)
    work()
    for thread in started:
        thread.join()


def _listening() -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUF, ROOM)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return made


def _wait_for_stamps() -> None:
    """
    Wait until the kernel stamps frames as they pass.

    It begins a little after the first socket has asked for it, from a work queue, and what it has not stamped gets the time at
    which it is read: on a busy machine a whole trace would be in the wrong order.
    """
    deadline = time.monotonic() + PATIENCE
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EXPERIMENT)) as probe,
        suppress(OSError),
    ):  # OSError: lo is down, and nothing can be tried
        probe.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, STAMP_ALL | TELL_STAMPS)  # it says nothing where there is no stamp
        probe.settimeout(PATIENCE)
        while time.monotonic() < deadline and not _stamped(probe):
            time.sleep(0.0005)


def _stamped(probe: socket.socket) -> bool:
    """Whether a frame that is sent on lo has a stamp when it comes back."""
    probe.sendto(bytes(12) + EXPERIMENT.to_bytes(2, "big") + bytes(46), ("lo", EXPERIMENT))
    return any(kind == SO_TIMESTAMPING for _, kind, _ in probe.recvmsg(SNAP, 256)[1])


def _stamp(extra: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("=qq", data[:16])
            return seconds * 1_000_000_000 + nanoseconds
    return time.time_ns()
