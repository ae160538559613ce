"""
ICMP echo from inside namespaces, without a `ping` program, and with the source address that the receiver saw.

Each namespace that takes part has one raw socket. It sends requests and hears three things: the requests of
others (with the address that they came from, which is what the receiver saw), the replies to its own, and the
errors that routers send back. Formats: RFC 792; the filter: linux/icmp.h.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
import time
from typing import Any

from podnet_lab.kernel import namespaces
from podnet_lab.kernel.encode import neighbour_remove
from podnet_lab.kernel.netlink import Refused, Socket
from podnet_lab.kernel.read import neighbour_entries

ECHO_REPLY, UNREACHABLE, REDIRECT, ECHO_REQUEST, TIME_EXCEEDED, PARAMETER = 0, 3, 5, 8, 11, 12
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
SOL_RAW, ICMP_FILTER = 255, 1
_HEARD = (ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED)
_ECHO = struct.Struct("!BBHHH")
_TAG = struct.Struct("!8sI")
MOST_DATAGRAM = 2048


def checksum(data: bytes) -> int:
    """The Internet checksum of an even number of bytes (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(nonce: bytes, number: int, size: int = 0) -> bytes:
    """An echo request that carries *nonce* (8 bytes: this exchange) and *number* (which pair), of *size* bytes with its IPv4 header."""
    identifier = int.from_bytes(nonce[:2], "big")
    body = _TAG.pack(nonce, number)
    body += bytes(max(0, size - 28 - len(body)))
    body += bytes(len(body) % 2)
    head = _ECHO.pack(ECHO_REQUEST, 0, 0, identifier, number & 0xFFFF)
    return _ECHO.pack(ECHO_REQUEST, 0, checksum(head + body), identifier, number & 0xFFFF) + body


class Echoes:
    """The raw ICMP sockets of one exchange, one for each namespace."""

    def __init__(self) -> None:
        self._sockets: dict[str | None, socket.socket] = {}
        self._descriptors: dict[str | None, int] = {}
        self._known: dict[str | None, set[tuple[str, int]]] = {}
        self._nonce = b""

    def open(self, nonce: str, spaces: list[str | None]) -> list[str | None]:
        """Listen inside *spaces*, for echoes with *nonce* (hexadecimal); returns those that could not be entered."""
        self.close()
        self._nonce, missing = bytes.fromhex(nonce), []
        home = namespaces.here()
        try:
            for name in spaces:
                try:
                    descriptor = namespaces.open_named(name) if name is not None else namespaces.here()
                except OSError:
                    missing.append(name)
                    continue
                self._descriptors[name] = descriptor
                with namespaces.inside(descriptor):
                    self._sockets[name] = self._socket()
                    sock = Socket()
                self._known[name] = set(neighbour_entries(sock))
                sock.close()
        finally:
            namespaces.enter(home)
            os.close(home)
        return missing

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)
        made.setblocking(False)
        made.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~sum(1 << kind for kind in _HEARD)))
        return made

    def close(self) -> None:
        """Stop listening; a socket left open would keep a deleted Pod alive."""
        for sock in self._sockets.values():
            sock.close()
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        for kept in (self._sockets, self._descriptors, self._known):
            kept.clear()

    def forget(self, spaces: list[str | None]) -> None:
        """
        Delete the neighbour entries that *spaces* have learnt since `open`.

        The kernel's table is shared by all namespaces, the host's too: many pairs are tried a few at a time.
        """
        for name in spaces:
            with namespaces.inside(self._descriptors[name]):
                sock = Socket()
            try:
                learnt = [entry for entry in neighbour_entries(sock) if entry not in self._known[name]]
                for address, index in learnt:
                    with contextlib.suppress(Refused):  # it may have gone by itself
                        sock.request([neighbour_remove(address, index)])
            finally:
                sock.close()

    def exchange(self, sends: list, expect: int, wait: float, cancelled: threading.Event, size: int = 0) -> dict[str, list]:
        """
        Send each (namespace, address, number) of *sends*, then listen for at most *wait* seconds.

        Ends early when *expect* requests and replies were received. Returns ``replies`` [(number, namespace)],
        ``heard`` [(number, namespace, source address)] for requests, ``errors`` [(number, router, type, code)] and
        ``refused`` [(number, errno)] for what could not be sent.
        """
        events: dict[str, list[Any]] = {"replies": [], "heard": [], "errors": [], "refused": []}
        poll = select.poll()
        by_descriptor = {sock.fileno(): (name, sock) for name, sock in self._sockets.items()}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        for name, address, number in sends:
            try:
                if size:  # nobody may cut it, its sender neither (ip(7))
                    self._sockets[name].setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
                self._sockets[name].sendto(echo_request(self._nonce, number, size), (address, 0))
            except OSError as error:
                events["refused"].append((number, error.errno))
        deadline = time.monotonic() + wait
        while sum(map(len, events.values())) < expect and not cancelled.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            # Short enough that an interrupt is answered at once.
            for descriptor, _ in poll.poll(min(left, 0.1) * 1000):
                self._drain(*by_descriptor[descriptor], events)
        return events

    def _drain(self, name: str | None, sock: socket.socket, events: dict[str, list]) -> None:
        while True:
            try:
                datagram = sock.recv(MOST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                return  # an error that the kernel queued for an earlier send; its ICMP message comes as a datagram
            self._hear(name, datagram, events)

    def _hear(self, name: str | None, datagram: bytes, events: dict[str, list]) -> None:
        header = (datagram[0] & 0xF) * 4
        kind, code, source = datagram[header], datagram[header + 1], socket.inet_ntoa(datagram[12:16])
        if kind in (ECHO_REQUEST, ECHO_REPLY):
            number = self._number(datagram[header + 8 :])
            if number is not None and kind == ECHO_REQUEST:
                events["heard"].append((number, name, source))
            elif number is not None:
                events["replies"].append((number, name))
        elif kind in (UNREACHABLE, TIME_EXCEEDED):
            inner = datagram[header + 8 :]
            number = self._number(inner[(inner[0] & 0xF) * 4 + 8 :]) if len(inner) > 28 else None
            if number is not None:
                events["errors"].append((number, source, kind, code))

    def _number(self, body: bytes) -> int | None:
        if len(body) < _TAG.size:
            return None
        nonce, number = _TAG.unpack_from(body)
        return number if nonce == self._nonce else None
