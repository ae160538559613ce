"""
Very many pairs tried at once, on one node: the fast way for a healthy network.

`podnet_lab.lab.ping_mesh_schedule` says which pairs are tried together, so that the kernel's neighbour table never fills. What comes
back is only which pairs were heard at their target, with the sender's own address, and answered at their source. Why
others were not is for `podnet_lab.kernel.echo`, which tries those again.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence

from podnet_lab.devices.nlattr import attributes
from podnet_lab.kernel import encode, namespaces, read
from podnet_lab.kernel.echo import ECHO_REPLY, ECHO_REQUEST, ICMP_FILTER, SOL_RAW, echo_request
from podnet_lab.kernel.netlink import Socket
from podnet_lab.kernel.packed_flags import packed

_ONLY_ECHOES = struct.pack("=I", 0xFFFFFFFF & ~(1 << ECHO_REPLY | 1 << ECHO_REQUEST))
_PLAIN = 0x45
"""First byte of an IPv4 header without options."""

OFTEN = 8
"""Sources after whose sends everybody is listened to: a socket holds some 200 datagrams, and the kernel drops more."""

Block = tuple[Sequence[int], Sequence[int]]
"""Sources of this node, and the targets that each of them tries."""


class _Endpoint:
    """An endpoint of this node, made inside its namespace: a raw ICMP socket, and a netlink socket to delete neighbour entries by."""

    def __init__(self, address: str, everyone: int) -> None:
        self.icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)
        self.icmp.setblocking(False)
        self.icmp.setsockopt(SOL_RAW, ICMP_FILTER, _ONLY_ECHOES)
        self.netlink = Socket()
        self.known = set(read.neighbour_entries(self.netlink, written=True))
        self.heard, self.replied = bytearray(everyone), bytearray(everyone)
        self.address, self.dev = address, _device(self.netlink, address)

    def close(self) -> None:
        self.icmp.close()
        self.netlink.close()

    def forget(self) -> None:
        """Delete the neighbours that were learnt since it was opened."""
        self.delete(*(entry for entry in read.neighbour_entries(self.netlink) if entry not in self.known))

    def delete(self, *learnt: tuple[str, int]) -> None:
        """Delete neighbours, (address, number of the interface) each, but none that was there before."""
        self.netlink.send_without_ack([encode.neighbour_remove(*entry) for entry in learnt if entry not in self.known])


class PingMesh:
    """
    The open endpoints of this node in a mesh of *everyone*: addresses, in an order that all nodes share.

    An endpoint is its number in that order.
    """

    def __init__(self) -> None:
        self._ends: dict[int, _Endpoint] = {}
        self._node: _Endpoint | None = None
        self._epoll: select.epoll | None = None

    def open(self, nonce: str, everyone: list[str], own: list[tuple[int, str]]) -> list[int]:
        """Listen at *own*, (number, namespace) each, for echoes with *nonce* (hexadecimal); returns those that are gone."""
        self.close()
        _allow_many_files()
        self._nonce, self._targets = bytes.fromhex(nonce), [(address, 0) for address in everyone]
        self._packed = [socket.inet_aton(address) for address in everyone]
        self._number = {address: number for number, address in enumerate(self._packed)}
        self._epoll, self._by_file, self._got, missing = select.epoll(), {}, 0, []
        self._node = _Endpoint("", 0)
        for number, name in own:
            try:
                descriptor = namespaces.open_named(name)
            except OSError:
                missing.append(number)
                continue
            try:
                with namespaces.inside(descriptor):
                    end = self._ends[number] = _Endpoint(everyone[number], len(everyone))
            finally:
                os.close(descriptor)
            self._by_file[end.icmp.fileno()] = (number, end)
            self._epoll.register(end.icmp, select.EPOLLIN)
        return missing

    def close(self) -> None:
        """Stop listening; a socket left open would keep a deleted Pod alive."""
        for end in (*self._ends.values(), *((self._node,) if self._node else ())):
            end.close()
        if self._epoll:
            self._epoll.close()
        self._ends, self._node, self._epoll = {}, None, None

    def try_within(self, blocks: list[Block], wait: float, cancelled: threading.Event) -> int:
        """
        Try pairs of this node, both ways: each source of a block, and each of its targets back over the same two entries.

        Source by source, each one's neighbours forgotten before the next. Listens until all is heard, or nothing comes
        for *wait* seconds; returns how much was heard since `open`.
        """
        for sources, targets in blocks:
            there = [target for target in targets if target in self._ends]
            for source in sources:
                if source in self._ends and not cancelled.is_set():
                    self._try_within(source, there, wait, cancelled)
        return self._got

    def _try_within(self, source: int, targets: list[int], wait: float, cancelled: threading.Event) -> None:
        before, end = self._got, self._ends[source]
        self._send(source, targets)
        back = [source]
        for target in targets:
            self._send(target, back)
        self._listen(before + 4 * len(targets), wait, cancelled)
        end.delete(*((self._ends[target].address, end.dev) for target in targets))
        for target in targets:
            self._ends[target].delete((end.address, self._ends[target].dev))

    def try_across(self, blocks: list[Block], expect: int, wait: float, cancelled: threading.Event) -> int:
        """Send each block's pairs, then listen until *expect* was heard here, or nothing comes for *wait* seconds."""
        wanted = self._got + expect
        for sources, targets in blocks:
            for turn, source in enumerate(sources):
                if source in self._ends:
                    self._send(source, targets)
                if turn % OFTEN == 0:
                    self._hear(0)
        self._listen(wanted, wait, cancelled)
        return self._got

    def forget(self) -> None:
        """Delete the neighbour entries learnt here since `open`; the kernel's table is shared by all namespaces."""
        for end in self._ends.values():
            end.forget()
        if self._node:
            self._node.forget()

    def result(self) -> dict[int, tuple[str, str]]:
        """By endpoint of this node: the sources it received requests from, and the targets that replied; a byte each (zlib, base64)."""
        return {number: (packed(end.heard), packed(end.replied)) for number, end in self._ends.items()}

    def _send(self, source: int, targets: Sequence[int]) -> None:
        packet, send, to = echo_request(self._nonce, source), self._ends[source].icmp.sendto, self._targets
        for target in targets:
            try:  # not `suppress`: this runs a hundred thousand times
                send(packet, to[target])
            except OSError:  # no route, or no room: not heard, then
                continue

    def _listen(self, wanted: int, wait: float, cancelled: threading.Event) -> None:
        quiet = time.monotonic() + wait
        while self._got < wanted and not cancelled.is_set():
            if self._hear(0.001):
                quiet = time.monotonic() + wait
            elif time.monotonic() > quiet:
                return

    def _hear(self, patience: float) -> bool:
        before = self._got
        for descriptor, _ in self._epoll.poll(patience, 1024):
            self._drain(*self._by_file[descriptor])
        return self._got > before

    def _drain(self, number: int, end: _Endpoint) -> None:
        receive, nonce, heard, replied = end.icmp.recv, self._nonce, end.heard, end.replied
        while True:
            try:
                datagram = receive(64)
            except OSError:  # nothing is left to hear
                return
            if datagram[0] != _PLAIN or datagram[28:36] != nonce:
                continue
            source, sender = int.from_bytes(datagram[36:40], "big"), datagram[12:16]
            if datagram[20] == ECHO_REQUEST:
                if self._packed[source] == sender and not heard[source]:
                    heard[source] = 1
                    self._got += 1
            elif source == number and (target := self._number.get(sender)) is not None and not replied[target]:
                replied[target] = 1
                self._got += 1


def _device(sock: Socket, address: str) -> int:
    """The number of the interface that has *address*; 0 if none has."""
    wanted = socket.inet_aton(address) if address else b""
    for body in sock.dump(encode.RTM_GETADDR, struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0)):
        if attributes(body, 8).get(read.IFA_LOCAL) == wanted:
            return struct.unpack_from("=I", body, 4)[0]
    return 0


def _allow_many_files() -> None:
    """Two sockets for each Pod: the usual soft limit, 1,024, is 500 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
